"""The model around the nodes: inputs, weights, outputs, checked and written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError
from convc.exporters.onnx import elementwise, layers, movement, statistics
from convc.exporters.onnx.elementwise import Emit
from convc.exporters.onnx.emitter import Emitter, package
from convc.ir.graph import Graph, Node
from convc.ir.op import Fused

#: Operator set and file format that are written: the first set in which group norm scales each channel.
OPSET: Final = 21
IR_VERSION: Final = 10

#: Protobuf holds no message of 2 GiB.
_LARGEST: Final = 2**31 - 2**20

HANDLERS: Final[dict[str, Emit]] = {
    **layers.HANDLERS, **elementwise.HANDLERS, **movement.HANDLERS, **statistics.HANDLERS,
}  # fmt: skip


def export_model(graph: Graph, weights: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    """The network as an `onnx.ModelProto` that ONNX's checker accepts.

    Raises:
        ConvcError: The onnx package is missing, or the weights are too large for one file.
        InternalError: An op has no meaning in ONNX: a fault of convc.
    """
    onnx = package()
    if sum(value.type.bytes for value in graph.parameters) > _LARGEST:
        raise ConvcError(f"`{graph.name}` has more weights than an ONNX file of 2 GiB can hold")
    emitter = Emitter([*graph.names, *(output.name for output in graph.outputs)])
    for value in graph.parameters:
        emitter.weight(value.name, weights[value.name])
    for node in graph.nodes:
        emitter.begin(node)
        _emit(emitter, node)
    for output in graph.outputs:
        if output.name != output.value.name:
            emitter.ops("Identity", [output.value.name], [output.name])
    info = onnx.helper.make_tensor_value_info
    inputs = [info(value.name, onnx.TensorProto.FLOAT, value.type.shape) for value in graph.inputs]
    outputs = [info(output.name, onnx.TensorProto.FLOAT, output.value.type.shape) for output in graph.outputs]
    made = onnx.helper.make_graph(emitter.nodes, graph.name, inputs, outputs, emitter.initializers)
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="convc"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _emit(emitter: Emitter, node: Node) -> None:
    if isinstance(node.op, Fused):
        raise ConvcError(f"`{node.name}` is fused; a network is exported as its source says it, before any pass")
    HANDLERS[node.op.name](emitter, node, node.op)


def write_model(model: Any, path: Path) -> None:
    """Write the model; the file appears whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(model.SerializeToString())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
