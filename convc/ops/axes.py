"""Axes as sources write them: counted from 0, or from the end where negative."""

from __future__ import annotations

from convc.ir.op import OpError
from convc.ir.types import TensorType


def resolve_axis(axis: int, rank: int, argument: str = "axis") -> int:
    """`axis` counted from 0, of a tensor with `rank` axes."""
    if not -rank <= axis < rank:
        axes = f"axes 0 to {rank - 1}" if rank else "no axes"
        raise OpError("E0308", "no such axis", argument, note=f"axis is {axis}; the tensor has {axes}")
    return axis % rank


def resolve_axes(axes: tuple[int, ...], rank: int, argument: str = "axes") -> tuple[int, ...]:
    """The axes in ascending order; each at most once."""
    found = tuple(sorted(resolve_axis(axis, rank, argument) for axis in axes))
    if len(set(found)) < len(found):
        raise OpError("E0308", "an axis is named twice", argument, note=f"{argument} are {list(axes)}")
    return found


def check_axes(axes: tuple[int, ...], x: TensorType, argument: str = "axes") -> None:
    """Refuse resolved axes that `x` does not have, or that are not in ascending order: an edited dump says anything."""
    if resolve_axes(axes, x.rank, argument) != axes:
        raise OpError("E0308", "axes must be ascending and not negative", argument, note=f"{argument} are {list(axes)}")
