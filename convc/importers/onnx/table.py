"""Every ONNX op that is imported, and what may be said of those that are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convc.importers.onnx.call import Call
from convc.importers.onnx.handlers import (
    activation,
    convolution,
    einsum,
    elementwise,
    matrix,
    movement,
    normalization,
    pooling,
    recurrent,
    reduction,
    resize,
)

Handler = Callable[[Call], object]

HANDLERS: Final[dict[str, Handler]] = {
    **convolution.HANDLERS, **pooling.HANDLERS, **elementwise.HANDLERS, **activation.HANDLERS,
    **normalization.HANDLERS, **matrix.HANDLERS, **reduction.HANDLERS, **movement.HANDLERS, **resize.HANDLERS,
    **einsum.HANDLERS, **recurrent.HANDLERS,
}  # fmt: skip

#: Ops that only move or pick elements, or whose result is exact, and so may be applied to whole numbers (in f32).
_EXACT: Final = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Pad", "Expand", "Tile",
    "DepthToSpace", "SpaceToDepth", "Gather", "Trilu", "Identity", "Cast", "CastLike", "Where", "MaxPool", "Abs", "Neg",
    "Sign", "Relu", "Max", "Min", "Clip", "ReduceMax", "ReduceMin", "Equal", "Less", "Greater", "LessOrEqual",
    "GreaterOrEqual",
}  # fmt: skip

#: Ops that take truth values.
_LOGICAL: Final = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Expand", "Tile", "Gather",
    "Identity", "Cast", "CastLike", "Where", "And", "Or", "Xor", "Not", "Equal", "ReduceMax", "ReduceMin",
}  # fmt: skip

#: Ops whose result is a truth value, whatever they take.
GIVES_BOOL: Final = {
    "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf",
}  # fmt: skip

_QUANTISED: Final = {
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger",
    "MatMulInteger",
}  # fmt: skip

_ADVICE: Final = {
    "If": "the condition must be a constant",
    "Loop": "unroll it before the export",
    "Scan": "unroll it before the export",
    "NonMaxSuppression": "leave it out of the model, and run it on the result",
    "RoiAlign": "leave it out of the model, and run it on the result",
    "TopK": "leave it out of the model, and run it on the result",
    "ArgMax": "leave it out of the model; it is numpy.argmax of the result",
    "ArgMin": "leave it out of the model; it is numpy.argmin of the result",
    "NonZero": "its result has no fixed shape",
    "Unique": "its result has no fixed shape",
    "Compress": "its result has no fixed shape",
    "GatherND": "write it as Gather",
    "GatherElements": "write it as Gather",
    "ScatterND": "write it as Where or Concat",
    "ScatterElements": "write it as Where or Concat",
    "GridSample": "write it as DeformConv or Resize",
    "OneHot": "give the model the vectors themselves",
    "MaxUnpool": "positions of largest values are not kept",
    "MaxRoiPool": "write it as Slice and a pooling",
}


def advice(op: str, domain: str) -> str:
    """Why an op is not imported, and what would do instead."""
    if domain not in ("", "ai.onnx"):
        return f"the op belongs to `{domain}`, not to ONNX; export the model with standard ops only"
    if op in _QUANTISED or op.startswith(("QLinear", "QGemm")):
        return "quantised networks are not compiled yet; give the float model"
    if op.startswith(("Sequence", "Optional", "SplitToSequence", "ConcatFromSequence", "String", "Regex")):
        return "convc computes with tensors of numbers only"
    return _ADVICE.get(op, "convc has no such op")


def refused_type(op: str, kind: str, first: bool) -> bool:
    """Whether `op` may not be applied to run-time operands of NumPy kind `kind`: they are computed in f32."""
    if kind == "f":
        return False
    if op == "Where" and first:
        return kind != "b"
    if kind == "b":
        return op not in _LOGICAL
    return op not in _EXACT
