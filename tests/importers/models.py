"""Small ONNX models written as text, and the same numbers from ONNX's own reference implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx.reference

from convc import interpreter
from convc.importers.onnx import Imported, import_model


def model(
    body: str, inputs: str = "float[1,3,8,8] x", outputs: str = "float[n] y", opset: int = 17, **weights: Any
) -> onnx.ModelProto:
    """A model of one graph: `body` in ONNX's textual syntax, `weights` become initializers."""
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> small ({inputs}) => ({outputs}) {{ {body} }}'
    parsed = onnx.parser.parse_model(text)
    for value in parsed.graph.output:  # the text must say a shape; any is right
        value.type.tensor_type.ClearField("shape")
    parsed.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in weights.items())
    return parsed


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def inputs_of(imported: Imported) -> dict[str, Any]:
    return {value.name: normal(*value.type.shape, seed=i) for i, value in enumerate(imported.graph.inputs)}


def interpret(imported: Imported, inputs: dict[str, Any]) -> list[Any]:
    return list(interpreter.run(imported.graph, inputs, imported.arrays).values())


def agrees(proto: onnx.ModelProto, tolerance: float = 1e-5, **options: Any) -> Imported:
    """Import a model, and hold the graph's numbers against ONNX's."""
    imported = import_model(proto, **options)
    inputs = inputs_of(imported)
    wanted = onnx.reference.ReferenceEvaluator(proto).run(None, inputs)
    for result, right in zip(interpret(imported, inputs), wanted, strict=True):
        assert result.shape == np.shape(right)
        np.testing.assert_allclose(result, np.asarray(right, np.float64), rtol=tolerance, atol=tolerance)
    return imported


def kinds(imported: Imported) -> list[str]:
    return [node.op.name for node in imported.graph.nodes]
