"""Pooling windows: maximum, average and norm. Every lane reads its own channel only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.formula import IDENTITY, Formula
from convc.kernels.plane import Plane
from convc.kernels.tiles import Axis, Tiling, present, tile_plane


@dataclass(frozen=True)
class Window(Kernel):
    """Parameters of templates/kernels/window.c.j2.

    `divisors` are, for an average, the taps counted along each axis (depth, height, width) by output slice, row and
    column; their product divides the sum.
    """

    template: ClassVar[str] = "window"
    kind: Literal["max", "average", "norm"]
    lanes: int
    n: int
    channels: int
    depth: Axis
    height: Axis
    width: Axis
    src: Plane
    dst: Plane
    epilogue: Formula = IDENTITY
    divisors: tuple[tuple[int, ...], ...] = ()
    p: int = 0  # order of a norm
    pixels: int = 12

    @property
    def stem(self) -> str:
        name = {"max": "maxpool", "average": "avgpool", "norm": f"l{self.p}pool"}[self.kind]
        size, outs = ("x".join(str(getattr(axis, name)) for axis in self.axes) for name in ("kernel", "out"))
        return f"{name}_{size}_{self.channels}x{outs}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", *self.epilogue.parameters(), "dst")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Depth, where there is one, height and width."""
        return present(self.depth, self.height, self.width)

    @cached_property
    def tiling(self) -> Tiling:
        return tile_plane(self.height, self.width, self.pixels)

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def items(self) -> int:
        return self.n * self.blocks * self.depth.out * self.tiling.units

    @property
    def masked(self) -> bool:
        return self.epilogue.spoils(self.channels, self.lanes)


def average_counts(axis: Axis, pad_end: int, include_pad: bool) -> tuple[int, ...]:
    """Taps that count along one axis, per output: those inside the map, or inside the padded map."""
    low, high = (-axis.pad, axis.size + pad_end) if include_pad else (0, axis.size)
    starts = [out * axis.stride - axis.pad for out in range(axis.out)]
    return tuple(sum(low <= start + tap * axis.dilation < high for tap in range(axis.kernel)) for start in starts)
