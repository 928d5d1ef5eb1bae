"""Axes of extent 1, taken away and put in.

    squeeze: without the named axes, or without all that have extent 1 · unsqueeze: with axes of extent 1 at the named
    places of the result
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.axes import check_axes, resolve_axes
from convc.ops.movement import Movement
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Squeeze(Movement):
    """Axes of extent 1 taken away."""

    name: ClassVar[str] = "squeeze"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("axes", Kind.SHAPE, None, "which; all of extent 1 by default"),
    )
    axes: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        if not args.given("axes"):
            return cls(tuple(axis for axis, extent in enumerate(x.type.shape) if extent == 1)), (x,)
        return cls(resolve_axes(args.integers("axes", 0), x.type.rank)), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_axes(self.axes, x)
        wide = [axis for axis in self.axes if x.shape[axis] != 1]
        if wide:
            raise OpError(
                "E0326", "only an axis of extent 1 can be squeezed", "axes",
                note=f"axis {wide[0]} of {x} has {x.shape[wide[0]]}",
            )  # fmt: skip
        return (TensorType.plain(tuple(n for axis, n in enumerate(x.shape) if axis not in self.axes), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].squeeze(self.axes),)


@dataclass(frozen=True, slots=True)
class Unsqueeze(Movement):
    """Axes of extent 1 put in."""

    name: ClassVar[str] = "unsqueeze"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("axes", Kind.SHAPE, doc="their places in the result"),
    )
    axes: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, axes = args.tensor("x"), args.integers("axes", 0)
        return cls(resolve_axes(axes, x.type.rank + len(axes))), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rank = x.rank + len(self.axes)
        check_axes(self.axes, TensorType.plain((1,) * rank))
        extents = iter(x.shape)
        return (TensorType.plain(tuple(1 if axis in self.axes else next(extents) for axis in range(rank)), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        for axis in self.axes:
            x = x.reshape(*x.shape[:axis], 1, *x.shape[axis:])
        return (x,)
