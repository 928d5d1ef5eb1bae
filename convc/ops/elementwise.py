"""Arithmetic on elements, with NumPy's broadcasting: shapes are aligned at the last axis, an extent of 1 is repeated.

    add a + b · sub a - b · mul a * b · div a / b · sqrt · constant: one number, f32[]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import Shape, TensorType, ceil_div
from convc.ops.activation import Unary
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Binary(Op):
    """What operations on two tensors share."""

    params: ClassVar[tuple[Param, ...]] = (Param("a", Kind.TENSOR, doc="left"), Param("b", Kind.TENSOR, doc="right"))

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("a"), args.tensor("b"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        a, b = inputs
        return (TensorType.plain(_broadcast(self.name, a.shape, b.shape), a.dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("*", "*")

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=outputs[0].elements)


def _broadcast(name: str, a: Shape, b: Shape) -> Shape:
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    for i, (m, n) in enumerate(zip(left, right, strict=True)):
        if m != n and 1 not in (m, n):
            raise OpError(
                "E0309", f"shapes do not fit in {name}", "b",
                note=f"{list(a)} and {list(b)}: axis {i} is {m} on the left and {n} on the right",
                help=_projection(a, b),
            )  # fmt: skip
    return tuple(n if m == 1 else m for m, n in zip(left, right, strict=True))


def _projection(a: Shape, b: Shape) -> str:
    """How a residual block brings the larger of two maps to the shape of the other, where one stride does it."""
    if len(a) != 4 or len(b) != 4 or a[0] != b[0]:
        return ""
    side, small, large = ("right", a, b) if b[2] >= a[2] else ("left", b, a)
    steps = [s for s in range(1, 9) if ceil_div(large[2], s) == small[2] and ceil_div(large[3], s) == small[3]]
    stride = f", stride = {steps[0]}" if steps and steps[0] > 1 else ""
    return f"project the {side} one: `|> conv({small[1]}, 1{stride})`" if steps else ""


@dataclass(frozen=True, slots=True)
class Add(Binary):
    """a + b."""

    name: ClassVar[str] = "add"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0] + inputs[1],)


@dataclass(frozen=True, slots=True)
class Sub(Binary):
    """a - b."""

    name: ClassVar[str] = "sub"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0] - inputs[1],)


@dataclass(frozen=True, slots=True)
class Mul(Binary):
    """a * b."""

    name: ClassVar[str] = "mul"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0] * inputs[1],)


@dataclass(frozen=True, slots=True)
class Div(Binary):
    """a / b."""

    name: ClassVar[str] = "div"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0] / inputs[1],)


@dataclass(frozen=True, slots=True)
class Sqrt(Unary):
    """Square root."""

    name: ClassVar[str] = "sqrt"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.sqrt(inputs[0]),)


@dataclass(frozen=True, slots=True)
class Constant(Op):
    """One number; a number beside a tensor in the source becomes one of these."""

    name: ClassVar[str] = "constant"
    params: ClassVar[tuple[Param, ...]] = (Param("value", Kind.FLOAT, doc="the number"),)
    value: float

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("value")), ()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType.plain(()),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.asarray(self.value, np.float64),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ()
