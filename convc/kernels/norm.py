"""Normalisation with the input's own statistics, in three passes: mean, variance about it, result."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm, prod
from typing import ClassVar

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.reduce import CHUNK


@dataclass(frozen=True)
class NormRows(Kernel):
    """Sets that lie side by side: `rows` of them, each `channels` runs of `pixels`: templates/kernels/norm_rows.c.j2.

    Weight and bias are one number for each channel of each of the `groups` rows of an image, or (`per_element`) one for
    each element of a row.
    """

    template: ClassVar[str] = "norm_rows"
    what: str
    lanes: int
    rows: int
    groups: int
    channels: int
    pixels: int
    eps: float
    weight: bool
    bias: bool
    per_element: bool = False
    chunk: ClassVar[int] = CHUNK

    @property
    def stem(self) -> str:
        return f"{self.what}_{self.rows}_of_{self.channels * self.pixels}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", *(("weight",) if self.weight else ()), *(("bias",) if self.bias else ()), "dst")

    @property
    def items(self) -> int:
        return self.rows


@dataclass(frozen=True)
class NormBlocks(Kernel):
    """Groups of channels of blocked images: templates/kernels/norm_blocks.c.j2.

    Sums are taken lane by lane, then lanes that belong to one group are joined. A work item is the fewest channels that
    are whole groups and whole blocks.
    """

    template: ClassVar[str] = "norm_blocks"
    what: str
    lanes: int
    n: int
    channels: int
    per_group: int
    maps: tuple[int, int, int]  # extents of depth, height, width
    src: tuple[int, int, int, int, int]  # strides of image, block, depth, height, width
    dst: tuple[int, int, int, int, int]
    eps: float
    weight: bool
    bias: bool
    chunk: ClassVar[int] = CHUNK

    @property
    def stem(self) -> str:
        return f"{self.what}_{self.channels}x{'x'.join(map(str, self.maps))}_{self.per_group}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", *(("weight",) if self.weight else ()), *(("bias",) if self.bias else ()), "dst")

    @property
    def unit(self) -> int:
        """Channels of a work item."""
        together = lcm(self.lanes, self.per_group)
        return together if together <= self.channels else ceil_div(self.channels, self.lanes) * self.lanes

    @property
    def units(self) -> int:
        return ceil_div(self.channels, self.unit)

    @property
    def pixels(self) -> int:
        return prod(self.maps)

    @property
    def items(self) -> int:
        return self.n * self.units
