"""Functions along one axis: what sums to one.

    softmax exp(x - max) / sum of exp(x - max) · log_softmax x - max - log(sum of exp(x - max))
    hardmax 1 at the first of the largest elements, 0 elsewhere
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op
from convc.ir.types import TensorType
from convc.ops.common import OneTensor, X, check_axis
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class AlongAxis(OneTensor):
    """What these ops share; in sources negative axes count from the end."""

    params: ClassVar[tuple[Param, ...]] = (X, Param("axis", Kind.INT, 1, "the dimension that sums to one"))
    axis: int = 1

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, axis = args.tensor("x"), args.integer("axis")
        return cls(axis + x.type.rank if -x.type.rank <= axis < 0 else axis), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_axis(self.axis, x)
        return (TensorType.plain(x.shape, x.dtype),)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=16 * outputs[0].elements)


@dataclass(frozen=True, slots=True)
class Softmax(AlongAxis):
    """Exponentials that sum to one along `axis`."""

    name: ClassVar[str] = "softmax"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        powers = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return (powers / powers.sum(axis=self.axis, keepdims=True),)


@dataclass(frozen=True, slots=True)
class LogSoftmax(AlongAxis):
    """The logarithm of softmax."""

    name: ClassVar[str] = "log_softmax"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        shifted = x - x.max(axis=self.axis, keepdims=True)
        return (shifted - np.log(np.exp(shifted).sum(axis=self.axis, keepdims=True)),)


@dataclass(frozen=True, slots=True)
class Hardmax(AlongAxis):
    """1 at the first of the largest elements along `axis`, 0 elsewhere."""

    name: ClassVar[str] = "hardmax"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        result = np.zeros_like(x)
        np.put_along_axis(result, np.expand_dims(x.argmax(axis=self.axis), self.axis), 1, self.axis)
        return (result,)
