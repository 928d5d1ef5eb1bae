"""Networks of a few lines."""

from __future__ import annotations

from convc.frontend import parse_graph
from convc.network import Network
from convc.weights.store import Weights

SMALL = """
network small(x: f32[1, 3, 10, 12]) {
    a = x |> conv(5, 3, pad = 1) |> relu
    return a |> maxpool(2) |> flatten |> linear(7)
}
"""

TWO = """
network two(x: f32[1, 2, 4, 4], y: f32[1, 2, 4, 4]) {
    sum = x + y
    product = x * y
    return sum, product
}
"""


def network(text: str, seed: int = 0) -> Network:
    graph = parse_graph(text)
    return Network(graph, Weights.random(graph, seed))
