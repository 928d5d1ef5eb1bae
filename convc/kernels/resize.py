"""Resizing: the rows an output row reads are combined first, then its pixels along the row.

Positions and weights are tables, worked out when C is generated. Every lane reads its own channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.formula import IDENTITY, Formula
from convc.kernels.plane import Plane
from convc.ops.interpolation import AxisTaps

#: An axis that is not there.
ONE: Final = AxisTaps(((0,),), ((1.0,),))


@dataclass(frozen=True)
class Resize(Kernel):
    """Parameters of templates/kernels/resize.c.j2."""

    template: ClassVar[str] = "resize"
    lanes: int
    mode: str
    n: int
    channels: int
    size: tuple[int, int, int]  # of the source: depth, height, width
    depth: AxisTaps
    height: AxisTaps
    width: AxisTaps
    src: Plane
    dst: Plane
    epilogue: Formula = IDENTITY

    @property
    def stem(self) -> str:
        axes = (self.depth, self.height, self.width) if self.size[0] > 1 else (self.height, self.width)
        return f"resize_{self.mode}_{self.channels}x{'x'.join(str(axis.out) for axis in axes)}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", *self.epilogue.parameters(), *(("scratch",) if self.combines else ()), "dst")

    @property
    def rows(self) -> int:
        """How many rows of the source an output row reads."""
        return self.depth.count * self.height.count

    @property
    def combines(self) -> bool:
        """Whether rows are combined into scratch first; else one row is read where it lies."""
        return not (self.depth.copies and self.height.copies)

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """The columns of the source that any output reads: those of the combined row."""
        return tuple(sorted({place for places in self.width.places for place in places}))

    @property
    def every_column(self) -> bool:
        return len(self.columns) == self.size[2]

    @property
    def scratch_bytes(self) -> int:
        return len(self.columns) * self.lanes * 4

    @cached_property
    def offsets(self) -> tuple[tuple[int, ...], ...]:
        """Where in its row each output's pixels lie, in floats."""
        if not self.combines:
            return tuple(tuple(place * self.src.w for place in places) for places in self.width.places)
        order = {column: number * self.lanes for number, column in enumerate(self.columns)}
        return tuple(tuple(order[place] for place in places) for places in self.width.places)

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def items(self) -> int:
        return self.n * self.blocks * self.depth.out * self.height.out

    @property
    def masked(self) -> bool:
        return self.epilogue.spoils(self.channels, self.lanes)
