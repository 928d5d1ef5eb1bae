"""Ops that compute image by image: what is claimed of every op, held against its reference on some of the images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convc import interpreter, ops
from convc.ir import Graph, Op
from convc.ir.graph import Output
from convc.ops.images import batch_of, image_values, is_by_image, of_images
from convc.weights import Weights
from ops.helpers import graph_of, normal
from ops.test_all_ops import EXAMPLES

BATCH = 3

#: Where the example for one image is none for three.
OF_THREE = {
    "expand": "expand(reduce_mean(x, axes = [1]), [3, 4, 6, 6])",
    "reshape": "reshape(x, [3, 2, 72])",
    "squeeze": "squeeze(reduce_max(x, axes = [2]), [2])",
    "reduce_sum": "reduce_sum(x, axes = [1, 3])",
    "reorder": "r: f32[3, 4, 6, 6; nChw4c] = reorder(x) return r",
    "transpose": "transpose(x, [0, 3, 1, 2])",
    **{name: f"{name}(x, axes = [2], keepdims = false)" for name in ops.names() if name.startswith("reduce_")},
    "reduce_log_sum": "reduce_log_sum(mul(x, x), axes = [1])",
}

#: Not by image, each for a reason of its own.
MIXING = (
    "transpose(x, [1, 0, 2, 3])", "slice(x, 0, 1, 3)", "split(x, [1, 2], axis = 0)", "gather(x, [2, 0, 1], axis = 0)",
    "pad(x, [1, 0, 0, 0, 0, 0, 0, 0])", "tile(x, [2, 1, 1, 1])", "reduce_mean(x, axes = [0])", "reduce_max(x)",
    "softmax(x, axis = 0)", "lp_norm(x, axis = 0)", "layer_norm(x, axis = 0)", "reshape(x, [9, 48])",
    "unsqueeze(x, [0])", "concat(x, x, axis = 0)", "expand(x, [2, 3, 4, 6, 6])", "matmul(v, v, transpose_a = true)",
    "matmul(v, k)", "add(k, l)", "constant(0.1)", "linear(reshape(c, [3]), 4)", "softmax(reshape(c, [3]), axis = 0)",
)  # fmt: skip


def graph_and_inputs(text: str) -> tuple[Graph, dict[str, np.ndarray]]:
    given = {"x": (3, 4, 6, 6), "y": (3, 4, 6, 6), "v": (3, 4), "w": (3, 4), "k": (4, 3), "l": (1, 3), "c": (3, 1)}
    inputs = {name: normal(*shape, seed=number) for number, (name, shape) in enumerate(given.items())}
    return graph_of(text, **given), inputs


def everything(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every value of the network by its name."""
    weights = Weights.random(graph)
    made = [value for node in graph.nodes for value in node.outputs]
    kept = replace(graph, outputs=tuple(Output(value.name, value) for value in made))
    parameters = {value.name: weights[value.name].astype(np.float64) for value in graph.parameters}
    return {**inputs, **parameters, **interpreter.run(kept, inputs, weights, np.float64)}


@pytest.mark.parametrize("op", ops.ALL_OPS, ids=lambda op: op.name)
def test_what_is_claimed_is_true(op: type[Op]) -> None:
    """The node alone, for two images and then for the third: its results are those for all three."""
    graph, inputs = graph_and_inputs(OF_THREE.get(op.name) or EXAMPLES.get(op.name, f"{op.name}(x)"))
    node, known = graph.nodes[-1], image_values(graph)
    assert batch_of(graph) == BATCH and type(node.op) is op
    if op.name == "constant":
        return
    assert is_by_image(node, known)
    values = everything(graph, inputs)
    for images in (slice(0, 2), slice(2, 3)):
        count = len(range(BATCH)[images])
        part = of_images(node, known, count)
        read = [values[v.name][images] if v.name in known else values[v.name] for v in part.inputs]
        assert [v.type.shape for v in part.inputs] == [array.shape for array in read]
        for value, result in zip(part.outputs, part.op.reference(*read), strict=True):
            assert value.type.shape == result.shape
            np.testing.assert_allclose(result, values[value.name][images], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", MIXING)
def test_what_mixes_images_is_not_by_image(text: str) -> None:
    graph, _ = graph_and_inputs(text)
    assert not is_by_image(graph.nodes[-1], image_values(graph))


def test_a_view_of_all_images_is_no_part_of_one() -> None:
    """`c` reads all of `b`, which is `a` by another name: it is there when the last image is."""
    graph = graph_of("a = relu(x) b = reshape(a, [1, 12]) c = y + b return c", x=(3, 4), y=(3, 12))
    known = image_values(graph)
    assert "a" in known and not {"b", "c"} & known


def test_a_statistic_of_all_images_may_be_read_by_each() -> None:
    graph = graph_of("m = reduce_mean(x, axes = [0]) d = x - m return d", x=(3, 4, 6, 6))
    known = image_values(graph)
    assert "m" not in known and "d" in known
