"""Convolution in narrow groups, depthwise the narrowest: the lanes of a vector of results hold several groups.

    acc[pixel] += src[channel i of each lane's group][pixel * stride + kw * dilation] * weights[i][kw]

for every i; how the source gets into the lanes is `kernels/lanes.py`. A tile holds the sums of neighbouring pixels in
registers. For a row of the kernel its weights are loaded once, then each column of the source once, and multiplied into
all the sums it belongs to (`kernels/sliding.py`). Depthwise with a channel multiplier m is the case of groups of one
input and m outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Packing
from convc.kernels.convolution import Convolution
from convc.kernels.formula import Formula
from convc.kernels.lanes import Lanes, lanes_of_block
from convc.kernels.plane import Plane
from convc.kernels.sliding import Run, cut_taps
from convc.kernels.tiles import Axis, Tile, Tiling, tile_plane


@dataclass(frozen=True, slots=True)
class GroupedPacking(Packing):
    """Weights `[oc, ic / groups, kernel...]` -> `[oc / lanes][ic / groups][kernel...][lane]`, absent channels zero."""

    oc: int
    width: int
    kernel: tuple[int, ...]
    lanes: int

    def size(self) -> int:
        return ceil_div(self.oc, self.lanes) * self.lanes * self.width * prod(self.kernel)

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        terms = self.width * prod(self.kernel)
        padded = np.zeros((ceil_div(self.oc, self.lanes) * self.lanes, terms), np.float32)
        padded[: self.oc] = np.asarray(array).reshape(self.oc, terms)
        return np.ascontiguousarray(padded.reshape(-1, self.lanes, terms).transpose(0, 2, 1)).reshape(-1)


@dataclass(frozen=True)
class Grouped(Convolution):
    """Parameters of templates/kernels/grouped.c.j2; source and result are blocked as its `lanes` are."""

    template: ClassVar[str] = "grouped"
    lanes: int
    registers: int
    n: int
    ic: int
    oc: int
    groups: int
    depth: Axis
    height: Axis
    width: Axis
    src: Plane
    dst: Plane
    bias: bool
    epilogue: Formula
    last_row: int = 0
    sums: bool = False
    starts: tuple[int, ...] = ()  # of the results in dst and in the epilogue's operands, where not 0; in floats

    @property
    def stem(self) -> str:
        size, outs = ("x".join(str(getattr(axis, name)) for axis in self.axes) for name in ("kernel", "out"))
        times = f"_times{self.group_oc}" if self.group_ic == 1 < self.group_oc else ""
        kind = "depthwise" if self.group_ic == 1 else f"grouped{self.groups}"
        return f"{kind}_{size}_{self.oc}x{outs}{times}{self.epilogue.suffix}{self.sums * '_sums'}"

    @property
    def how(self) -> str:
        """How the source gets into the lanes, in words."""
        if self.group_ic == self.group_oc == 1:
            return "depthwise: every channel is filtered by itself"
        if self.group_ic == 1:
            return f"depthwise: {self.group_oc} filters for every channel"
        modes = sorted({pattern.mode for pattern in self.patterns})
        return f"groups of {self.group_ic} channels lie across vectors: lanes are read by {', '.join(modes)}"

    @property
    def group_ic(self) -> int:
        return self.ic // self.groups

    @property
    def group_oc(self) -> int:
        return self.oc // self.groups

    @property
    def blocks(self) -> int:
        return ceil_div(self.oc, self.lanes)

    @cached_property
    def lanes_of(self) -> tuple[Lanes, ...]:
        """For every block of results."""
        return tuple(
            lanes_of_block(block, self.lanes, self.group_ic, self.group_oc, self.oc, self.registers)
            for block in range(self.blocks)
        )

    @cached_property
    def patterns(self) -> tuple[Lanes, ...]:
        """The different ones; the tiles of each are functions of their own."""
        return tuple(dict.fromkeys(self.lanes_of))

    @property
    def pattern_of(self) -> tuple[int, ...]:
        """The number of each block's."""
        return tuple(map(self.patterns.index, self.lanes_of))

    @property
    def by_channel(self) -> bool:
        """Whether some tiles find single channels of the source, so that all are told their first one."""
        return any(pattern.mode == "splat" for pattern in self.patterns)

    @property
    def taps_at_once(self) -> int:
        """Weights of a row of the kernel that registers hold beside the sums."""
        most = self.registers // 2 - 1
        return ceil_div(self.width.kernel, ceil_div(self.width.kernel, most))

    @property
    def tile_pixels(self) -> int:
        """Pixels of a tile."""
        return self.registers - self.taps_at_once - max(pattern.temporaries for pattern in self.patterns)

    @cached_property
    def tiling(self) -> Tiling:
        return tile_plane(self.height, self.width, self.tile_pixels, self.last_row)

    def runs(self, tile: Tile) -> tuple[Run, ...]:
        """The taps of a row of the kernel for this tile."""
        start = next(s.start for band in self.tiling.bands for s in band.segments if self.tiling.tiles[s.tile] == tile)
        return cut_taps(self.width, start, tile.cols, self.taps_at_once)

    @property
    def map_items(self) -> int:
        return self.tiling.units

    @property
    def items(self) -> int:
        return self.n * self.blocks * self.depth.out * self.map_items

    @property
    def masked(self) -> bool:
        return self.epilogue.spoils(self.oc, self.lanes)
