"""Slices read where they lie, integer-valued: the bits are those of the NumPy reference, whoever reads them."""

from __future__ import annotations

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import walk
from convc.native.kernel import Kernel
from convc.network import Network
from convc.ops.movement import Slice
from convc.plan.storage import is_view
from convc.weights.store import Weights

#: Readers of a piece of 16 of 48 channels, and of one that ends with the last, ragged one.
READERS = (
    "conv({a}, 8, 3, pad = 1, bias = false)", "conv({a}, 24, 1, bias = false)", "relu({a})", "maxpool({a}, 2)",
    "conv({a}, {n}, 3, pad = 1, groups = {n}, bias = false)", "global_maxpool({a})", "reduce_sum({a}, axes = [2, 3])",
    "reduce_max({a}, axes = [1])", "flatten({a}) |> linear(5, bias = false)", "flatten({a})",
    "transpose({a}, [0, 2, 3, 1])", "transpose({a}, [0, 1, 3, 2])", "concat({a}, {a}, axis = 2)",
    "channel_shuffle({a}, {n} / 2)", "pad({a}, 1)", "resize({a}, scale = 2)", "{a} + slice(c, 1, 0, {n})",
    "slice({a}, 1, 8) |> conv(8, 1, bias = false)", "reshape({a}, [2, -1])", "depth_to_space({a}, 2)",
    "slice({a}, 2, 1, 5) |> conv(8, 1, bias = false)", "conv_transpose({a}, 8, 2, stride = 2, bias = false)",
    "conv({a}, 8, 1, bias = false) + slice(c, 1, 16, 24)", "slice({a}, 2, 1, 5) |> slice(3, 2, 4) |> relu",
)  # fmt: skip

RUNS = [("native", 2), ("native", 1), ("generic", 2)]


def network() -> str:
    """A map of 44 channels whose pieces each of the readers reads, from a split and where a crop begins."""
    lines, results = [], []
    for i, reader in enumerate(READERS):
        for piece, n in (("u", 16), ("v", 12)):
            if "slice({a}, 1" in reader and n % 8:
                continue  # nothing left, or no whole block
            name = f"{piece}{i}"
            lines.append(f"{name} = {reader.format(a=piece, n=n)}")
            results.append(name)
    body = "\n    ".join(lines)
    return f"""network views(x: f32[2, 4, 6, 7]) {{
    c = conv(x, 44, 1, bias = false)
    t, u, v = split(c, [16, 16, 12])
    top = slice(c, 3, 1, 5)
    {body}
    return relu(t), top * top, slice(top, 1, 8, 32) + 1, {", ".join(results)}
}}"""


@pytest.mark.parametrize(("target", "threads"), RUNS)
def test_exact(target: str, threads: int) -> None:
    graph = parse_graph(network(), "views")
    random = np.random.default_rng(5)
    weights = Weights.bind(
        {p.name: random.integers(-2, 3, p.type.shape).astype(np.float32) for p in graph.parameters}, graph
    )
    inputs = {v.name: random.integers(-3, 4, v.type.shape).astype(np.float32) for v in graph.inputs}
    options = make_options(target, threads)
    compiled = translate(graph, options)
    slices = [node for node in walk(compiled.stages.graph.nodes) if isinstance(node.op, Slice)]
    assert {"t", "u", "v", "top"} <= {node.name for node in slices if is_view(node.op)}
    kernel = Kernel(build_library(Network(graph, weights), compiled, options), threads)
    got = kernel(*inputs.values())
    expected = run(graph, inputs, weights)
    for output, array in zip(expected, got, strict=True):
        np.testing.assert_array_equal(array, expected[output].astype(np.float32), err_msg=output)
