"""Padding and cropping of any axis.

    pad: dst[i] = src[i - before] inside, and outside
        constant  a number · edge  the nearest element · reflect  the mirror image about the edge element
        wrap      the tensor again from its other end

Semantics of ONNX `Pad`; negative numbers crop, before the rest is padded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.movement import Movement
from convc.ops.signature import Arguments, Kind, Param

MODES: Final = ("constant", "reflect", "edge", "wrap")

#: Where `positions` has no element of the source.
OUTSIDE: Final = -1


@dataclass(frozen=True, slots=True)
class Pad(Movement):
    """Padding; `pads` are the numbers before each axis, then those after each."""

    name: ClassVar[str] = "pad"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("pads", Kind.SHAPE, doc="a number, or those before and after each spatial axis, or each axis"),
        Param("mode", Kind.CHOICE, "constant", "what stands outside", MODES),
        Param("value", Kind.FLOAT, 0.0, "the number, where it is constant"),
    )
    pads: tuple[int, ...]
    mode: str = "constant"
    value: float = 0.0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        pads = _all_axes(args.integers("pads", 0), x.type)
        return cls(pads, args.choice("mode"), args.number("value")), (x,)

    def around(self, axis: int) -> tuple[int, int]:
        """The numbers before and after `axis`."""
        return self.pads[axis], self.pads[len(self.pads) // 2 + axis]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if len(self.pads) != 2 * x.rank:
            raise _not_a_padding(self.pads, x)
        return (TensorType.plain(tuple(self._extent(axis, n) for axis, n in enumerate(x.shape)), x.dtype),)

    def _extent(self, axis: int, size: int) -> int:
        before, after = self.around(axis)
        kept = size + min(before, 0) + min(after, 0)
        longest = max(before, after)
        if size + before + after < 1 or kept < 0 or (longest > 0 and not kept and self.mode != "constant"):
            raise OpError(
                "E0324", "nothing is left", "pads", note=f"axis {axis}: {size} + {before} + {after}"
            )
        if self.mode == "reflect" and longest > kept - 1:
            raise OpError(
                "E0324", "the mirror image is too short", "pads",
                note=f"axis {axis} has {kept}: it reflects at most {kept - 1}, {longest} are asked for",
            )  # fmt: skip
        return size + before + after

    def positions(self, axis: int, size: int) -> tuple[int, ...]:
        """For each index of the result along `axis`, that of the source (of `size`), or `OUTSIDE`."""
        before, after = self.around(axis)
        first, kept = max(-before, 0), size + min(before, 0) + min(after, 0)
        return tuple(_position(i, kept, self.mode, first) for i in range(-max(before, 0), kept + max(after, 0)))

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        for axis, size in enumerate(x.shape):
            positions = np.array(self.positions(axis, size))
            shape = [-1 if a == axis else 1 for a in range(x.ndim)]
            inside = (positions != OUTSIDE).reshape(shape)
            x = np.where(inside, np.take(x, np.maximum(positions, 0), axis=axis), np.asarray(self.value, x.dtype))
        return (x,)


def _position(index: int, size: int, mode: str, first: int) -> int:
    if 0 <= index < size:
        return first + index
    match mode:
        case "edge":
            return first + min(max(index, 0), size - 1)
        case "wrap":
            return first + index % size
        case "reflect":
            back = index % (2 * size - 2)
            return first + min(back, 2 * size - 2 - back)
    return OUTSIDE


def _all_axes(pads: tuple[int, ...], x: TensorType) -> tuple[int, ...]:
    """The numbers of every axis, from whichever way they were written."""
    spatial = x.rank - 2
    if len(pads) == 2 * x.rank:
        return pads
    if spatial > 0 and len(pads) == 1:
        pads *= 2 * spatial
    elif spatial > 0 and len(pads) == spatial:
        pads *= 2
    if spatial < 1 or len(pads) != 2 * spatial:
        raise _not_a_padding(pads, x)
    return (0, 0, *pads[:spatial], 0, 0, *pads[spatial:])


def _not_a_padding(pads: tuple[int, ...], x: TensorType) -> OpError:
    spatial = x.rank - 2
    some = f"one number, {2 * spatial} (before and after each spatial axis)" if spatial > 0 else ""
    return OpError(
        "E0324", "this padding does not fit the tensor", "pads",
        note=f"there are {len(pads)} numbers; {x} takes {some + ' or ' if some else ''}{2 * x.rank}",
    )  # fmt: skip
