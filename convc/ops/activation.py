"""Activations: functions of one element, and softmax.

    relu max(x, 0) · relu6 min(max(x, 0), 6) · leaky_relu x where x >= 0, slope * x elsewhere
    tanh · sigmoid 1 / (1 + exp(-x)) · softmax exp(x - max) / sum of exp(x - max) along an axis
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param

_X = Param("x", Kind.TENSOR, doc="input of any shape")


@dataclass(frozen=True, slots=True)
class Unary(Op):
    """What functions of one element share."""

    params: ClassVar[tuple[Param, ...]] = (_X,)

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType.plain(inputs[0].shape, inputs[0].dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=outputs[0].elements)


@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """max(x, 0); NaN stays NaN."""

    name: ClassVar[str] = "relu"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.maximum(inputs[0], 0),)


@dataclass(frozen=True, slots=True)
class Relu6(Unary):
    """min(max(x, 0), 6)."""

    name: ClassVar[str] = "relu6"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.minimum(np.maximum(inputs[0], 0), 6),)


@dataclass(frozen=True, slots=True)
class LeakyRelu(Unary):
    """x where x >= 0, slope * x elsewhere."""

    name: ClassVar[str] = "leaky_relu"
    params: ClassVar[tuple[Param, ...]] = (_X, Param("slope", Kind.FLOAT, 0.01, "factor below zero"))
    slope: float = 0.01

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("slope")), (args.tensor("x"),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        return (np.where(x < 0, x * np.asarray(self.slope, x.dtype), x),)


@dataclass(frozen=True, slots=True)
class Tanh(Unary):
    """Hyperbolic tangent."""

    name: ClassVar[str] = "tanh"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.tanh(inputs[0]),)


@dataclass(frozen=True, slots=True)
class Sigmoid(Unary):
    """Logistic function, 1 / (1 + exp(-x))."""

    name: ClassVar[str] = "sigmoid"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        small = np.exp(-np.abs(x))  # never overflows
        return (np.where(x < 0, small / (1 + small), 1 / (1 + small)),)


def check_axis(axis: int, x: TensorType) -> None:
    """Refuse an axis that `x` does not have."""
    if not 0 <= axis < x.rank:
        axes = f"axes 0 to {x.rank - 1}" if x.rank else "no axes"
        raise OpError("E0308", "no such axis", "axis", note=f"axis is {axis}; {x} has {axes}")


@dataclass(frozen=True, slots=True)
class Softmax(Op):
    """Exponentials that sum to one along `axis` (in sources negative axes count from the end)."""

    name: ClassVar[str] = "softmax"
    params: ClassVar[tuple[Param, ...]] = (_X, Param("axis", Kind.INT, 1, "the dimension that sums to one"))
    axis: int = 1

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, axis = args.tensor("x"), args.integer("axis")
        return cls(axis + x.type.rank if -x.type.rank <= axis < 0 else axis), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_axis(self.axis, x)
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        powers = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return (powers / powers.sum(axis=self.axis, keepdims=True),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=5 * outputs[0].elements)
