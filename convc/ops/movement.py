"""Ops that pick and arrange elements, each axis by itself.

    transpose: dst axis i is src axis order[i] · slice: indices begin, begin + step, ... before end, of one axis
    split: the axis in pieces of the given sizes, one result each · gather: the listed indices of one axis
    expand: extents of 1 repeated to a shape, by NumPy's broadcasting · tile: the whole tensor repeated along each axis

Semantics of NumPy's `transpose`, indexing, `split`, `take`, `broadcast_to`, `tile` and of the ONNX ops of these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.axes import resolve_axis
from convc.ops.common import OneTensor, X
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Movement(OneTensor):
    """What ops that move the elements of one tensor share."""


@dataclass(frozen=True, slots=True)
class Transpose(Movement):
    """Axes in another order."""

    name: ClassVar[str] = "transpose"
    params: ClassVar[tuple[Param, ...]] = (X, Param("order", Kind.SHAPE, None, "axes of x; all, reversed by default"))
    order: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        rank = x.type.rank
        order = args.integers("order", 0) if args.given("order") else tuple(reversed(range(rank)))
        return cls(tuple(resolve_axis(axis, rank, "order") for axis in order)), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if sorted(self.order) != list(range(x.rank)):
            raise OpError(
                "E0320", "not an order of the axes", "order",
                note=f"order is {list(self.order)}; {x} takes each of 0 to {x.rank - 1} once",
            )  # fmt: skip
        return (TensorType.plain(tuple(x.shape[axis] for axis in self.order), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].transpose(self.order),)


@dataclass(frozen=True, slots=True)
class Slice(Movement):
    """A range of one axis, backwards too.

    `begin` and `end` are Python's: negative ones count from the end, what reaches past the tensor is cut off. Resolved,
    `begin` is not negative, and `end` only (as minus extent minus one) where a backward range reaches index 0.
    `in_place` is set by a pass: the result is read where it lies in x.
    """

    name: ClassVar[str] = "slice"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("axis", Kind.INT, doc="the dimension"),
        Param("begin", Kind.INT, None, "first index; all of the axis by default"),
        Param("end", Kind.INT, None, "index before which it ends"),
        Param("step", Kind.INT, 1, "distance of the indices; negative goes backwards"),
        Param("in_place", Kind.BOOL, False, "set by the compiler: the result lies in x"),
    )
    axis: int
    begin: int
    end: int
    step: int = 1
    in_place: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, step = args.tensor("x"), args.integer("step")
        axis = resolve_axis(args.integer("axis"), x.type.rank)
        if step == 0:
            raise OpError("E0321", "a step of 0 goes nowhere", "step", help="use `step = 1`")
        extent = x.type.shape[axis]
        first, last = (args.integer(name) if args.given(name) else None for name in ("begin", "end"))
        begin, end, _ = slice(first, last, step).indices(extent)
        return cls(axis, max(begin, 0), end if end >= 0 else -extent - 1, step, args.flag("in_place")), (x,)

    def indices(self, extent: int) -> range:
        """The indices taken of an axis of `extent`."""
        return range(*slice(self.begin, self.end, self.step).indices(extent))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        extent = x.shape[resolve_axis(self.axis, x.rank)]
        taken = len(self.indices(extent)) if self.step else 0
        if not taken:
            raise OpError(
                "E0321", "the slice is empty", "begin",
                note=f"from {self.begin} to {self.end} in steps of {self.step} there is nothing: "
                f"axis {self.axis} has {extent}",
            )  # fmt: skip
        return (TensorType.plain(_replaced(x.shape, self.axis, taken), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        return (np.take(x, list(self.indices(x.shape[self.axis])), axis=self.axis),)


@dataclass(frozen=True, slots=True)
class Split(Movement):
    """One result for each of `sizes`."""

    name: ClassVar[str] = "split"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("sizes", Kind.SHAPE, doc="extents of the pieces"),
        Param("axis", Kind.INT, 1, "the dimension"),
    )
    sizes: tuple[int, ...]
    axis: int = 1

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        axis = resolve_axis(args.integer("axis"), x.type.rank)
        return cls(args.integers("sizes", 0), axis), (x,)

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each piece begins."""
        return tuple(accumulate(self.sizes[:-1], initial=0))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        extent = x.shape[resolve_axis(self.axis, x.rank)]
        if not self.sizes or min(self.sizes) < 1 or sum(self.sizes) != extent:
            total = " + ".join(map(str, self.sizes)) or "nothing"
            raise OpError(
                "E0322", "the pieces do not make up the axis", "sizes",
                note=f"{total} = {sum(self.sizes)}, each at least 1; axis {self.axis} has {extent}",
            )  # fmt: skip
        return tuple(TensorType.plain(_replaced(x.shape, self.axis, size), x.dtype) for size in self.sizes)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return tuple(np.split(inputs[0], self.starts[1:], axis=self.axis))


@dataclass(frozen=True, slots=True)
class Gather(Movement):
    """The listed indices of one axis, known when the network is built; negative ones count from the end."""

    name: ClassVar[str] = "gather"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("indices", Kind.SHAPE, doc="which, in order; repetitions are fine"),
        Param("axis", Kind.INT, 0, "the dimension"),
    )
    indices: tuple[int, ...]
    axis: int = 0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        axis = resolve_axis(args.integer("axis"), x.type.rank)
        extent = x.type.shape[axis]
        indices = tuple(i + extent if -extent <= i < 0 else i for i in args.integers("indices", 0))
        return cls(indices, axis), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        extent = x.shape[resolve_axis(self.axis, x.rank)]
        wrong = [index for index in self.indices if not 0 <= index < extent]
        if wrong or not self.indices:
            note = f"{wrong[0]} is none of the {extent} of axis {self.axis}" if wrong else "there must be at least one"
            raise OpError("E0323", "no such index", "indices", note=note)
        return (TensorType.plain(_replaced(x.shape, self.axis, len(self.indices)), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.take(inputs[0], self.indices, axis=self.axis),)


@dataclass(frozen=True, slots=True)
class Expand(Movement):
    """Broadcasting to a shape; extents of 1 in it leave the axis as it is (ONNX `Expand`)."""

    name: ClassVar[str] = "expand"
    params: ClassVar[tuple[Param, ...]] = (X, Param("shape", Kind.SHAPE, doc="extents, aligned at the last axis"))
    shape: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, wanted = args.tensor("x"), args.integers("shape", 0)
        rank = max(len(wanted), x.type.rank)
        have, want = ((1,) * (rank - len(shape)) + shape for shape in (x.type.shape, wanted))
        return cls(tuple(h if w == 1 else w for h, w in zip(have, want, strict=True))), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        have = (1,) * (len(self.shape) - x.rank) + x.shape
        if len(have) != len(self.shape) or any(h not in (1, w) for h, w in zip(have, self.shape, strict=True)):
            raise OpError(
                "E0309", "the tensor does not expand to this shape", "shape",
                note=f"{list(x.shape)} to {list(self.shape)}: only extents of 1 can be repeated",
            )  # fmt: skip
        return (TensorType.plain(self.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.broadcast_to(inputs[0], self.shape),)


@dataclass(frozen=True, slots=True)
class Tile(Movement):
    """The tensor repeated along each axis."""

    name: ClassVar[str] = "tile"
    params: ClassVar[tuple[Param, ...]] = (X, Param("repeats", Kind.SHAPE, doc="how often, a number for each axis"))
    repeats: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.integers("repeats", 0)), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if len(self.repeats) != x.rank or min(self.repeats, default=1) < 1:
            raise OpError(
                "E0305", "tile takes a number for each axis, at least 1", "repeats",
                note=f"repeats are {list(self.repeats)}, the input is {x}",
            )  # fmt: skip
        return (TensorType.plain(tuple(n * r for n, r in zip(x.shape, self.repeats, strict=True)), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.tile(inputs[0], self.repeats),)


def _replaced(shape: tuple[int, ...], axis: int, extent: int) -> tuple[int, ...]:
    return (*shape[:axis], extent, *shape[axis + 1 :])
