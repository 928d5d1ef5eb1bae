"""Reductions, norms and matrix products through generated C: exact on integers, within a bound on other numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.weights.store import Weights

Array = np.ndarray

#: Shape -> call, of integers: sums, products and extremes of a few small ones are exact.
EXACT = """
    2,20,9,7       reduce_sum([2, 3])
    2,20,9,7       reduce_sum([2, 3], keepdims = false)
    2,24,9,7       reduce_sum([2, 3], keepdims = false)
    2,20,9,7       reduce_sum(1)
    2,20,9,7       reduce_max(1)
    2,20,9,7       reduce_min([1, 2, 3])
    2,24,9,7       reduce_max([1, 2, 3], keepdims = false)
    2,20,9,7       reduce_l1([0, 1])
    2,20,9,7       reduce_sum_square(0)
    2,20,9,7       reduce_sum(3)
    2,20,9,7       reduce_sum(2, keepdims = false)
    2,20,9,7       reduce_sum(1, keepdims = false)
    2,20,9,7       reduce_sum
    2,20,3,4,5     reduce_max([2, 4])
    2,20,11        reduce_min(2)
    37,45          reduce_sum(0)
    37,45          reduce_sum(1)
    3,2            reduce_sum_square(1)
    7              reduce_max(0)
    2,3,4,5,6,7    reduce_sum([1, 3, 5])
    2,20,1,3       reduce_prod(3)
    2,20,3,1       reduce_prod(2)
    2,3,2,1        reduce_prod(1)
    2,20,8,8       global_avgpool
    4,6,5          linear(7)
    4,6,5          linear(7) |> relu
    2,3,4,8        linear(16, bias = false)
"""


def cases(text: str) -> list[tuple[tuple[int, ...], str]]:
    lines = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return [(tuple(map(int, shape.split(","))), call) for shape, call in lines]


def graph_of(found: list[tuple[tuple[int, ...], str]]) -> Graph:
    """Each call on an input as the caller has it, and on an image that passes may block."""
    inputs = ", ".join(f"x{i}: f32[{', '.join(map(str, shape))}]" for i, (shape, _) in enumerate(found))
    lines = [f"    a{i} = x{i} |> {call}" for i, (_, call) in enumerate(found)]
    lines += [f"    b{i} = relu(x{i}) |> {call}" for i, (shape, call) in enumerate(found) if 3 <= len(shape) <= 5]
    names = [line.split()[0] for line in lines]
    body = "\n".join(lines)
    return parse_graph(f"network sums({inputs}) {{\n{body}\n    return {', '.join(names)}\n}}")


def problems() -> list[tuple[tuple[int, ...], str]]:
    return cases(EXACT)


def compiled(
    graph: Graph, inputs: dict[str, Array], weights: Weights, target: str, level: int, threads: int
) -> dict[str, Array]:
    """The outputs by name."""
    options = make_options("generic" if target == "wide" else target, threads, level)
    if target == "wide":  # sixteen lanes, whatever the machine has
        options = replace(options, target=replace(options.target, lanes=16, registers=32))
    translated = translate(graph, options)
    kernel = Kernel(build_library(Network(graph, weights), translated, options), threads)
    results = kernel(*(inputs[port.name] for port in kernel.inputs))
    results = results if isinstance(results, tuple) else (results,)
    return {port.name: got for port, got in zip(kernel.outputs, results, strict=True)}


every_target = pytest.mark.parametrize(
    ("target", "level", "threads"),
    [
        ("native", 2, 2),
        ("native", 0, 1),
        pytest.param("generic", 2, 1, marks=pytest.mark.sweep),
        pytest.param("wide", 2, 1, marks=pytest.mark.sweep),
    ],
)


@every_target
def test_integers_are_exact(target: str, level: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror")
    graph = graph_of(problems())
    random = np.random.default_rng(2)
    inputs = {v.name: random.integers(-3, 4, v.type.shape).astype(np.float32) for v in graph.inputs}
    weights = Weights.bind(
        {p.name: random.integers(-3, 4, p.type.shape).astype(np.float32) for p in graph.parameters}, graph
    )
    got = compiled(graph, inputs, weights, target, level, threads)
    expected = run(graph, inputs, weights)
    wrong = [name for name, array in expected.items() if not np.array_equal(got[name], array.astype(np.float32))]
    assert not wrong, [(name, graph.producers[name].op, graph.producers[name].inputs[0].type) for name in wrong]


#: Shape -> call, of any numbers.
SMOOTH = """
    2,20,9,7       reduce_mean([2, 3])
    2,20,9,7       reduce_mean(1)
    2,20,9,7       reduce_l2([1, 2])
    2,20,9,7       reduce_log_sum_exp(1)
    2,20,9,7       reduce_log_sum_exp([2, 3])
    37,45          reduce_log_sum_exp(1)
    2,20,9,7       instance_norm
    2,20,9,7       instance_norm(weight = false)
    2,20,9,7       instance_norm(bias = false)
    2,24,9,7       group_norm(3)
    2,24,9,7       group_norm(12)
    2,24,9,7       group_norm(1)
    2,20,9,7       group_norm(5)
    2,18,5         group_norm(2)
    2,16,3,4,5     instance_norm
    2,20,9,16      layer_norm
    2,20,9,7       layer_norm(1)
    5,33           layer_norm
    2,20,9,7       lp_norm
    2,20,9,7       lp_norm(axis = 3, p = 1)
    5,33           lp_norm
"""


@every_target
def test_norms(target: str, level: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror")
    graph = graph_of(cases(SMOOTH))
    random = np.random.default_rng(3)
    inputs = {v.name: random.standard_normal(v.type.shape, np.float32) + 3 for v in graph.inputs}
    weights = Weights.random(graph)
    got = compiled(graph, inputs, weights, target, level, threads)
    epsilon = float(np.finfo(np.float32).eps)
    for name, expected in run(graph, inputs, weights).items():
        # A sum of n terms in 4 * lanes parts, then a handful of roundings of numbers up to 8.
        bound = epsilon * 64 * (1 + np.abs(expected).max())
        assert np.abs(got[name] - expected).max() <= bound, (name, graph.producers[name].op)


def test_a_large_offset_does_not_drown_the_variance() -> None:
    """Two passes: with the mean of squares minus the square of the mean nothing would be left of it."""
    norm = "instance_norm(relu(x), weight = false, bias = false)"
    graph = parse_graph(f"network n(x: f32[1, 8, 64, 64]) {{ return {norm} }}")
    x = 1000 + np.random.default_rng(0).standard_normal((1, 8, 64, 64), np.float32)
    expected = run(graph, {"x": x}, Weights.random(graph))["output"]
    got = compiled(graph, {"x": x}, Weights.random(graph), "native", 2, 1)["output"]
    assert np.abs(got - expected).max() < 1e-3


@pytest.mark.parametrize("axes", ["[2, 3]", "[1]", "[3]"])
def test_long_sums_keep_their_precision(axes: str) -> None:
    """Terms of one sign: the error stays below that of 1024 additions and the few that join the parts."""
    graph = parse_graph(f"network n(x: f32[1, 8, 512, 512]) {{ return reduce_sum(relu(x), {axes}) }}")
    x = np.random.default_rng(0).random((1, 8, 512, 512), np.float32)
    got = compiled(graph, {"x": x}, Weights.random(graph), "native", 2, 1)["output"]
    expected = run(graph, {"x": x}, Weights.random(graph))["output"]
    steps = 1024 / 4 + 512 * 512 / 1024
    assert (np.abs(got - expected) <= steps * np.finfo(np.float32).eps * expected).all()


#: a, b, flags.
PRODUCTS = """
    37,45          45,29
    6,8            8,16
    1,45           45,29
    1,64           64,128
    33,20          29,20      transpose_b = true
    3,49,32        3,49,32    transpose_b = true
    2,5,3          2,70,3     transpose_b = true
    20,33          20,29      transpose_a = true
    20,33          29,20      transpose_a = true, transpose_b = true
    45             45
    45             45,29
    37,45          45
    2,3,17,20      20,19
    2,3,17,20      3,20,19
    2,1,17,20      1,3,20,19
    3,200,7        3,7,50
    20             2,20,19
    2,5,20         20
"""


@every_target
@pytest.mark.parametrize("constant", [False, True])
def test_products_are_exact(
    constant: bool, target: str, level: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror")
    inputs, lines = [], []
    for i, line in enumerate(PRODUCTS.strip().splitlines()):
        a, b, *flags = line.split(maxsplit=2)
        inputs += [f"a{i}: f32[{a}]"] + ([] if constant else [f"b{i}: f32[{b}]"])
        lines += [f"b{i}: f32[{b}] = parameter()"] if constant else []
        lines += [f"p{i} = matmul(a{i}, {', '.join([f'b{i}', *flags])})", f"y{i} = relu(p{i} + 1)"]
    results = ", ".join(f"y{i}" for i in range(len(PRODUCTS.strip().splitlines())))
    text = "\n".join(lines)
    graph = parse_graph(f"network products({', '.join(inputs)}) {{\n{text}\nreturn {results}\n}}")
    random = np.random.default_rng(4)
    arrays = {v.name: random.integers(-3, 4, v.type.shape).astype(np.float32) for v in graph.inputs}
    weights = Weights.bind(
        {p.name: random.integers(-3, 4, p.type.shape).astype(np.float32) for p in graph.parameters}, graph
    )
    got = compiled(graph, arrays, weights, target, level, threads)
    expected = run(graph, arrays, weights)
    assert not [name for name, array in expected.items() if not np.array_equal(got[name], array.astype(np.float32))]
