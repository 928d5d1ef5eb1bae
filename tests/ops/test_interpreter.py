"""The interpreter: the meaning of a whole graph."""

from __future__ import annotations

import numpy as np
import pytest

from convc import interpreter
from convc.diagnostics import ConvcError
from convc.frontend import parse_graph
from convc.ir import Fused, Graph
from convc.weights import Weights
from ops.helpers import graph_of, normal

RESIDUAL = """
network n(x: f32[1, 4, 6, 6], y: f32[1, 4, 6, 6]) {
    a = conv(x, 4, 3, pad = 1, name = "a")
    b = relu(a + y)
    return total = b, first = a, x = x
}
"""


def run(graph: Graph, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    return interpreter.run(graph, inputs, Weights.random(graph))


def test_outputs_by_name() -> None:
    x, y = normal(1, 4, 6, 6), normal(1, 4, 6, 6, seed=1)
    results = run(parse_graph(RESIDUAL), x=x, y=y)
    assert list(results) == ["total", "first", "x"]
    np.testing.assert_array_equal(results["total"], np.maximum(results["first"] + y, 0))
    np.testing.assert_array_equal(results["x"], x)


def test_a_fused_region_means_its_nodes() -> None:
    graph = graph_of("x |> conv(8, 3) |> batchnorm |> relu", x=(1, 4, 6, 6))
    fused = graph.with_nodes([Fused.of(graph.nodes)])
    x = normal(1, 4, 6, 6)
    for name, result in run(graph, x=x).items():
        np.testing.assert_array_equal(run(fused, x=x)[name], result)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_element_type_is_kept(dtype: type[np.floating]) -> None:
    graph = graph_of("(x |> conv(8, 3) |> batchnorm) * 0.1 + 1", x=(1, 4, 6, 6))
    (y,) = interpreter.run(graph, {"x": normal(1, 4, 6, 6)}, Weights.random(graph), dtype).values()
    assert y.dtype == dtype


def test_constants_are_evaluated_alone() -> None:
    graph = parse_graph(
        'network n(x: f32[1, 2]) { w = linear(x, 2, bias = false, name = "fc") return add(w, 1.5) * 2 }'
    )
    weights = Weights.random(graph)
    (scalar,) = (node.name for node in graph.nodes if not node.inputs and node.op.value == 1.5)  # type: ignore[attr-defined]
    values = interpreter.evaluate_constants(graph, ["fc.weight", scalar], weights)
    assert values[scalar] == 1.5
    assert values["fc.weight"].dtype == np.float64
    np.testing.assert_array_equal(values["fc.weight"], weights["fc.weight"])


def test_inputs_are_checked() -> None:
    graph = graph_of("relu(x)", x=(1, 4))
    with pytest.raises(ConvcError, match="`x` f32\\[1, 4\\] is missing"):
        run(graph)
    with pytest.raises(ConvcError, match="shape \\[4\\], the network takes f32\\[1, 4\\]"):
        run(graph, x=np.zeros(4))
