"""Reductions over any axes, to one number each.

    reduce_sum  sum of x · reduce_mean  sum / count · reduce_max · reduce_min · reduce_prod  product
    reduce_l1   sum of |x| · reduce_l2  sqrt(sum of x^2) · reduce_sum_square  sum of x^2
    reduce_log_sum  log(sum of x) · reduce_log_sum_exp  log(sum of exp(x)), the largest value taken out first

Semantics of the ONNX ops `ReduceSum`, ... . With `keepdims` the axes stay, with extent 1. Maximum and minimum of a set
that holds a NaN are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op
from convc.ir.types import TensorType
from convc.ops.axes import check_axes, resolve_axes
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Reduce(Op):
    """What all reductions share."""

    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("axes", Kind.SHAPE, None, "which; all by default"),
        Param("keepdims", Kind.BOOL, True, "whether the axes stay, with extent 1"),
    )
    axes: tuple[int, ...]
    keepdims: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        axes = args.integers("axes", 0) if args.given("axes") else tuple(range(x.type.rank))
        return cls(resolve_axes(axes, x.type.rank), args.flag("keepdims")), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_axes(self.axes, x)
        shape = (1 if axis in self.axes else n for axis, n in enumerate(x.shape))
        kept = tuple(n for axis, n in enumerate(shape) if self.keepdims or axis not in self.axes)
        return (TensorType.plain(kept, x.dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        x = inputs[0]
        taps = tuple(n if axis in self.axes else 1 for axis, n in enumerate(x.shape))[2:]
        return Cost(0, 0, x.elements + outputs[0].elements, taps, (1,) * len(taps))


@dataclass(frozen=True, slots=True)
class ReduceSum(Reduce):
    """Sum."""

    name: ClassVar[str] = "reduce_sum"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].sum(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceMean(Reduce):
    """Mean."""

    name: ClassVar[str] = "reduce_mean"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].mean(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceMax(Reduce):
    """Largest."""

    name: ClassVar[str] = "reduce_max"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].max(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceMin(Reduce):
    """Smallest."""

    name: ClassVar[str] = "reduce_min"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].min(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceProd(Reduce):
    """Product."""

    name: ClassVar[str] = "reduce_prod"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].prod(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceL1(Reduce):
    """Sum of magnitudes."""

    name: ClassVar[str] = "reduce_l1"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.abs(inputs[0]).sum(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceL2(Reduce):
    """Euclidean length."""

    name: ClassVar[str] = "reduce_l2"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.sqrt((inputs[0] ** 2).sum(self.axes, keepdims=self.keepdims)),)


@dataclass(frozen=True, slots=True)
class ReduceSumSquare(Reduce):
    """Sum of squares."""

    name: ClassVar[str] = "reduce_sum_square"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return ((inputs[0] ** 2).sum(self.axes, keepdims=self.keepdims),)


@dataclass(frozen=True, slots=True)
class ReduceLogSum(Reduce):
    """Logarithm of the sum; of a negative sum NaN."""

    name: ClassVar[str] = "reduce_log_sum"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (np.log(inputs[0].sum(self.axes, keepdims=self.keepdims)),)


@dataclass(frozen=True, slots=True)
class ReduceLogSumExp(Reduce):
    """Logarithm of the sum of exponentials, which never overflow."""

    name: ClassVar[str] = "reduce_log_sum_exp"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        largest = x.max(self.axes, keepdims=True)
        result = np.log(np.exp(x - largest).sum(self.axes, keepdims=True)) + largest
        return (result if self.keepdims else result.squeeze(self.axes),)
