"""Operands of fewer axes than the result: NumPy's rule in the C as in the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from convc import driver, interpreter
from convc.frontend import parse_graph
from convc.ir.graph import Graph
from convc.network import Network
from convc.weights.store import Weights

SOURCES = {
    "one axis is the last": "network n(x: f32[1, 20, 5, 4]) { w: f32[4] = parameter() return conv(x, 20, 1) * w }",
    "computed while running": "network n(x: f32[1, 8, 5, 4], y: f32[4]) { return conv(x, 8, 1) + relu(y) }",
    "statistics are per channel": "network n(x: f32[1, 4, 5, 4]) { w: f32[4] = parameter() "
    "return batchnorm(relu(x), weight = w) * w }",
    "rows": "network n(x: f32[2, 20, 5, 4], y: f32[5, 1]) { return (conv(x, 20, 1) - y) / 2 }",
    "maps": "network n(x: f32[2, 20, 5, 4], y: f32[20, 5, 4]) { return relu(conv(x, 20, 1) + y) }",
    "channels": "network n(x: f32[2, 20, 5, 4], y: f32[2, 20, 1, 1]) { return conv(x, 20, 1) * sigmoid(y) }",
    "fewer spatial axes": "network n(x: f32[2, 3, 20, 4], y: f32[3, 20, 4]) { return conv(x, 3, 1) + conv(y, 20, 1) }",
    "a volume beside a map": "network n(x: f32[2, 3, 9, 5, 4], y: f32[9, 9, 5, 4]) "
    "{ return conv(x, 9, 1) * maxpool(y, 1) }",
    "vectors": "network n(x: f32[3, 20]) { w: f32[20] = parameter() return linear(x, 20) * w }",
}


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("name", SOURCES)
def test_broadcast(name: str, level: int) -> None:
    check(parse_graph(SOURCES[name]), level)


PADDED = {
    "a number added": "(c + 0.5)",
    "a number taken from a map": "(maxpool(c, 1) - relu(s))",
    "a function of a number": "(c + sqrt(relu(s)))",
    "beside a plain operand": "(relu(c) + m)",
    "beside a plain operand, pooled": "(maxpool(c, 1) + m)",
    "in a depthwise epilogue": "(conv(c, 6, 1, groups = 6) + m)",
}


@pytest.mark.parametrize("name", PADDED)
def test_lanes_past_the_last_channel_stay_zero(name: str) -> None:
    """Six channels in blocks of four: response norm over five channels reads the two lanes that are not there."""
    graph = parse_graph(
        "network n(x: f32[2, 6, 3, 3], s: f32[1, 1, 1, 1], m: f32[6, 3, 3])"
        f"{{ c = conv(x, 6, 1) return local_response_norm({PADDED[name]}, size = 5, alpha = 5.0) }}"
    )
    check(graph, 2)


def check(graph: Graph, level: int) -> None:
    weights = Weights.random(graph)
    random = np.random.default_rng(0)
    inputs = {v.name: random.standard_normal(v.type.shape, np.float32) for v in graph.inputs}
    (expected,) = interpreter.run(graph, inputs, weights).values()
    got = driver.compile(Network(graph, weights), target="generic", threads=1, level=level)(*inputs.values())
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(
    "text",
    [
        "p: f32[2, 4, 3, 5] = parameter() return y = concat(p, x, axis = 2)",
        "p: f32[2, 3, 8, 5] = parameter() return y = concat(x, p)",
        "p: f32[2, 4, 8, 5] = parameter() return y = p",
        "p: f32[2, 4] = parameter() return y = relu(x), z = p * p",
    ],
)
def test_constants_that_are_joined_or_returned(text: str, level: int) -> None:
    graph = parse_graph(f"network n(x: f32[2, 4, 8, 5]) {{ {text} }}")
    weights, x = Weights.random(graph), np.random.default_rng(0).standard_normal((2, 4, 8, 5)).astype(np.float32)
    results = driver.compile(Network(graph, weights), threads=1, level=level)(x)
    wanted = interpreter.run(graph, {"x": x}, weights).values()
    for result, right in zip(results if isinstance(results, tuple) else (results,), wanted, strict=True):
        np.testing.assert_allclose(result, right, rtol=1e-6)
