"""Random formulas over random broadcasts, compiled, against the float64 interpreter: every layout, width and level."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from plan.formulas import formulas

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.options import Options, Target
from convc.weights.store import Weights

NATIVE = make_options("native", 2)
OPTIONS = {
    "native": NATIVE,
    "generic": make_options("generic", 1),
    "wide": replace(NATIVE, target=Target("wide", 16, 32, NATIVE.target.flags)),
    "native, level 1": make_options("native", 2, 1),
    "generic, level 0": make_options("generic", 1, 0),
}


def wrong(graph: Graph, options: Options) -> list[str]:
    """Names of the outputs that are not what the interpreter says."""
    weights = Weights.random(graph)
    random = np.random.default_rng(0)
    inputs = {v.name: random.standard_normal(v.type.shape, np.float32) for v in graph.inputs}
    kernel = Kernel(build_library(Network(graph, weights), translate(graph, options), options), options.threads)
    expected = run(graph, inputs, weights)
    results = kernel(*(inputs[port.name] for port in kernel.inputs))
    return [
        name
        for (name, wanted), got in zip(expected.items(), results, strict=True)
        if got.shape != wanted.shape or not np.allclose(got, wanted, rtol=2e-5, atol=2e-5 * (1 + np.abs(wanted).max()))
    ]


def check(seed: int, count: int, options: Options) -> None:
    source = formulas(seed, count)
    bad = wrong(parse_graph(source), options)
    lines = [re.search(rf"^ *{name} = .*$", source, re.M)[0] for name in bad]  # type: ignore[index]
    assert not bad, "\n".join([*lines, source.splitlines()[0]])


@pytest.mark.parametrize("name", OPTIONS)
def test_formulas(name: str) -> None:
    check(0, 12, OPTIONS[name])


@pytest.mark.sweep
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("seed", range(9))
def test_more_formulas(name: str, seed: int) -> None:
    check(seed, 60, OPTIONS[name])


#: Layouts that passes never mix, written by hand: blocks among the operands, a plain result, and the other way round.
MIXED = """
network mixed(x: f32[2, 11, 3, 5], y: f32[2, 11, 3, 5]) {
    a: f32[2, 11, 3, 5; nChw8c] = reorder(x)
    b: f32[2, 11, 3, 5] = add(a, y)
    c: f32[2, 11, 3, 5; nChw8c] = mul(a, y)
    d: f32[2, 11, 3, 5; nChw8c] = sub(exp(y), x)
    e: f32[2, 11, 3, 5] = reorder(c)
    f: f32[2, 11, 3, 5] = reorder(d)
    g: f32[2, 11, 3, 5] = relu(a)
    return b, e, f, g
}
"""


def test_mixed_layouts() -> None:
    assert not wrong(parse_graph(MIXED), make_options("generic", 1, 1))
