"""Tensors while a model is imported: known numbers, or values of the graph under construction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from convc.ir.graph import Value

Array = npt.NDArray[Any]

FLOAT = np.dtype(np.float32)
BOOL = np.dtype(np.bool_)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the model under its ONNX name.

    `dtype` is the model's element type; at run time everything is f32, truth values being 1.0 and 0.0. Exactly one of
    `array` (the numbers, in the model's type) and `value` is there.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    array: Array | None = None
    value: Value | None = None
    is_input: bool = False

    @staticmethod
    def known(name: str, array: Array) -> Tensor:
        return Tensor(name, array.dtype, tuple(array.shape), array)

    @staticmethod
    def computed(name: str, value: Value, dtype: np.dtype[Any] = FLOAT) -> Tensor:
        return Tensor(name, dtype, value.type.shape, None, value)

    def renamed(self, name: str, dtype: np.dtype[Any] | None = None) -> Tensor:
        """The same tensor as the result of a node that changes nothing at run time."""
        return replace(self, name=name, dtype=dtype or self.dtype, is_input=False)
