"""What ops share: bases for functions of elements, NumPy's broadcasting, axes counted from the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import Shape, TensorType, ceil_div
from convc.ops.signature import Arguments, Kind, Param

X = Param("x", Kind.TENSOR, doc="input of any shape")


@dataclass(frozen=True, slots=True)
class OneTensor(Op):
    """What ops over one tensor share; the result has its shape unless they say otherwise."""

    params: ClassVar[tuple[Param, ...]] = (X,)

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType.plain(inputs[0].shape, inputs[0].dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)


class Elementwise(Op):
    """Ops whose result at a place depends on nothing but their operands there, after broadcasting.

    They are what a kernel's formula holds, so any of them may be computed with what comes before. `work` is about how
    many floating operations one element takes.
    """

    work: ClassVar[int] = 1

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=self.work * outputs[0].elements)


@dataclass(frozen=True, slots=True)
class Unary(OneTensor, Elementwise):
    """What functions of one element share."""

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (self.of(inputs[0]),)

    @abstractmethod
    def of(self, x: Array) -> Array:
        """The function itself, in NumPy."""


@dataclass(frozen=True, slots=True)
class Binary(Elementwise):
    """What functions of two elements share."""

    params: ClassVar[tuple[Param, ...]] = (Param("a", Kind.TENSOR, doc="left"), Param("b", Kind.TENSOR, doc="right"))

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("a"), args.tensor("b"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        a, b = inputs
        return (TensorType.plain(broadcast(self.name, a.shape, b.shape), a.dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("*", "*")

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (self.of(*inputs),)

    @abstractmethod
    def of(self, a: Array, b: Array) -> Array:
        """The function itself, in NumPy."""


def broadcast(name: str, a: Shape, b: Shape, argument: str = "b") -> Shape:
    """The shape of a result over `a` and `b`, aligned at the last axis; `argument` is to blame if there is none."""
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    for i, (m, n) in enumerate(zip(left, right, strict=True)):
        if m != n and 1 not in (m, n):
            raise OpError(
                "E0309", f"shapes do not fit in {name}", argument,
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


def check_axis(axis: int, x: TensorType) -> None:
    """Refuse an axis that `x` does not have."""
    if not 0 <= axis < x.rank:
        axes = f"axes 0 to {x.rank - 1}" if x.rank else "no axes"
        raise OpError("E0308", "no such axis", "axis", note=f"axis is {axis}; {x} has {axes}")
