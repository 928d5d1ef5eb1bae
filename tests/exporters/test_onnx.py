"""What is exported passes ONNX's checker, computes the same numbers there, and comes back as the same graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
from ops.helpers import call, normal
from ops.test_all_ops import EXAMPLES

from convc import driver, interpreter, ops, zoo
from convc.cli.main import run
from convc.exporters.onnx import export_model
from convc.exporters.onnx.model import HANDLERS
from convc.frontend import parse_graph
from convc.importers.onnx import import_model
from convc.ir import Graph, Op
from convc.ir.match import match
from convc.weights import Weights

#: Ops that ONNX's reference implementation has not, or computes wrongly (the last channel of a window; groups).
NOT_IN_THE_REFERENCE = ("local_response_norm", "global_lppool", "conv_transpose")


#: Ops that ONNX has not, and that come back as what they are composed of.
COMPOSED = {"silu", "channel_shuffle", "adaptive_avgpool", "adaptive_maxpool"}


def arrays(graph: Graph, weights: Weights) -> dict[str, np.ndarray]:
    return {value.name: weights[value.name] for value in graph.parameters}


@pytest.mark.parametrize("op", ops.ALL_OPS, ids=lambda op: op.name)
def test_every_op(op: type[Op]) -> None:
    x, v = normal(1, 4, 6, 6), normal(1, 4)
    inputs = {"x": x, "y": 2 * x, "v": v, "w": 2 * v}
    called = call(EXAMPLES.get(op.name, f"{op.name}(x)"), **inputs)
    model = export_model(called.graph, arrays(called.graph, Weights.random(called.graph)))
    given = {value.name: inputs[value.name].astype(np.float32) for value in called.graph.inputs}
    if op.name in NOT_IN_THE_REFERENCE:
        assert match(called.graph, import_model(model).graph) is not None
        return
    results = onnx.reference.ReferenceEvaluator(model).run(None, given)
    for result, wanted in zip(results, called.ys, strict=True):
        assert result.shape == wanted.shape
        np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("text", [
    "prelu(x)", "prelu(v)", "mod(x, 0.7)", "clip(x, low = 0.1)", "clip(x, high = 0.1)", "gelu(x, approximate = true)",
    "local_response_norm(x, size = 4)", "layer_norm(x, axis = 1, bias = false)", "group_norm(x, 2, weight = false)",
    "lp_norm(x, p = 1)", "matmul(x, y, transpose_b = true)", "linear(x, 3)", "linear(x, 3, bias = false)",
    "slice(x, 3, begin = 5, step = -2)", "reduce_max(x, axes = [1, 2], keepdims = false)", "x - 0.5 |> relu",
    "maxpool(x, 3, stride = 2, pad = 1, ceil = true)", "avgpool(x, 3, stride = 2, pad = 1, count_include_pad = false)",
    "depth_to_space(x, 2, mode = crd)", "pad(x, [0, 0, 1, 2, 0, 0, 2, 1], value = 3.5)", "pad(x, 1, mode = edge)",
])  # fmt: skip
def test_attributes(text: str) -> None:
    x, v = normal(1, 4, 6, 6), normal(1, 4)
    inputs = {"x": x, "y": 2 * x, "v": v}
    called = call(text, **inputs)
    model = export_model(called.graph, arrays(called.graph, Weights.random(called.graph)))
    given = {value.name: inputs[value.name].astype(np.float32) for value in called.graph.inputs}
    results = onnx.reference.ReferenceEvaluator(model).run(None, given)
    np.testing.assert_allclose(results[0], called.y, rtol=1e-4, atol=1e-5)


def test_every_op_has_a_handler() -> None:
    assert set(ops.names()) <= set(HANDLERS)


#: Networks of over 100 MB of weights, whose files take long to write and check.
LARGE = {"vgg16", "vgg19", "senet154", "fcn32s", "fcn16s", "fcn8s", "context", "alexnet", "alexnet_two_groups"}
NAMES = [pytest.param(name, marks=pytest.mark.sweep if name in LARGE else ()) for name in zoo.names()]


@pytest.mark.parametrize("name", NAMES)
def test_the_zoo_comes_back_as_it_was(name: str) -> None:
    graph = driver.load(zoo.find(name).path).graph
    zeros = {value.name: np.broadcast_to(np.float32(0), value.type.shape) for value in graph.parameters}
    back = import_model(export_model(graph, zeros)).graph
    assert [output.value.type for output in back.outputs] == [output.value.type for output in graph.outputs]
    if not COMPOSED & {node.op.name for node in graph.nodes}:
        assert match(without_dropout(graph), back) is not None


def without_dropout(graph: Graph) -> Graph:
    from convc.passes.base import Report
    from convc.passes.remove_identities import RemoveIdentities

    return RemoveIdentities().run(graph, Report("test"))


def test_numbers_of_a_network() -> None:
    entry = zoo.find("lenet5")
    network = driver.load(entry.path, entry.weights)
    model = export_model(network.graph, arrays(network.graph, network.weights))
    x = normal(1, 1, 28, 28).astype(np.float32)
    (wanted,) = interpreter.run(network.graph, {network.graph.inputs[0].name: x}, network.weights).values()
    (result,) = onnx.reference.ReferenceEvaluator(model).run(None, {network.graph.inputs[0].name: x})
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5)


def test_outputs_keep_their_names() -> None:
    graph = parse_graph("network n(x: f32[1, 4]) { a = relu(x) return first = a, second = a, x }")
    model = export_model(graph, {})
    assert [value.name for value in model.graph.output] == ["first", "second", "x"]
    results = onnx.reference.ReferenceEvaluator(model).run(None, {"x": np.ones((1, 4), np.float32)})
    assert len(results) == 3


def test_the_command(tmp_path: Path) -> None:
    assert run(["export", "lenet5", "-o", str(tmp_path / "nets" / "l.onnx")]) == 0
    onnx.checker.check_model(tmp_path / "nets" / "l.onnx", full_check=True)
    assert [path.name for path in (tmp_path / "nets").iterdir()] == ["l.onnx"]
