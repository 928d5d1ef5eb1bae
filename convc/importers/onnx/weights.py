"""Tensors of a model as NumPy arrays, every length checked before data is touched."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from convc.diagnostics import ConvcError
from convc.importers.onnx.external import read_external
from convc.importers.onnx.reader import Model, package
from convc.importers.onnx.tensor import Array

#: Element types that are converted to f32 when a weight has them, with the name ONNX users know.
NARROWED = {"float64": "double", "float16": "float16", "bfloat16": "bfloat16"}


def array_of(model: Model, tensor: Any, owner: str = "") -> Array:
    """The numbers of a TensorProto in its own type; bfloat16 as float32.

    Raises:
        ConvcError: Not numbers, or not as many as its shape says; names the tensor.
    """
    onnx = package()
    shown = f"{model.origin}: tensor `{tensor.name or owner}`"
    kind = onnx.TensorProto.DataType.Name(tensor.data_type) if tensor.data_type in _values(onnx) else "unknown"
    if kind in ("UNDEFINED", "STRING", "unknown"):
        raise ConvcError(f"{shown} is of type {kind.lower()}; convc takes numbers")
    shape = tuple(tensor.dims)
    if any(n < 0 for n in shape) or prod(shape) >= 2**40:
        raise ConvcError(f"{shown} has the shape {list(shape)}")
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            array: Array = read_external(entries, shape, dtype, model.folder)
        else:
            array = onnx.numpy_helper.to_array(tensor)
    except ConvcError as error:
        raise ConvcError(f"{shown}: {error}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConvcError(f"{shown} of shape {list(shape)} cannot be read: {reason}") from None
    if array.shape != shape:
        raise ConvcError(f"{shown} has shape {list(shape)} and {array.size} numbers")
    return array.astype(np.float32) if dtype.name == "bfloat16" else array


def _values(onnx: Any) -> list[int]:
    return list(onnx.TensorProto.DataType.values())


def element_type(onnx_type: int) -> np.dtype[Any] | None:
    """The NumPy type of an ONNX element type; None where it is none of numbers."""
    onnx = package()
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(onnx_type))
    except Exception:
        return None
    if dtype.name == "bfloat16":
        return np.dtype(np.float32)
    return dtype if dtype.kind in "fiub" else None
