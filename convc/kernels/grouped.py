"""Convolution in narrow groups, depthwise the narrowest: the lanes of a vector of results hold several groups.

    acc[pixel] += src[channel i of each lane's group][pixel * stride + kw * dilation] * weights[i][kw]

for every i; how the source gets into the lanes is `kernels/lanes.py`. A tile holds the sums of neighbouring pixels in
registers. For a row of the kernel its weights are loaded once, then each column of the source once, and multiplied into
all the sums it belongs to (`kernels/sliding.py`). Where a column takes more than a load, and registers allow, a tile
has two rows of pixels, so that a column meets two rows of the kernel. Depthwise with a channel multiplier m is the case
of groups of one input and m outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Packing
from convc.kernels.convolution import Convolution
from convc.kernels.formula import Formula
from convc.kernels.lanes import Lanes, lanes_of_block, mode_of
from convc.kernels.plane import Plane
from convc.kernels.sliding import Pass, Run, cut_taps, passes
from convc.kernels.tiles import Axis, Tile, Tiling, share_rows, tile_plane

#: Pixels that a row of a tile of two has at least: with fewer sums, multiply-adds wait for one another.
LEAST_SHARED: Final = 6


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
        if self.mode == "load":
            return "depthwise: every channel is filtered by itself"
        if self.group_ic == 1:
            return f"depthwise: {self.group_oc} filters for every channel"
        how = {"shuffle": "shuffled", "order": "merged and ordered", "splat": "splat by groups"}[self.mode]
        return f"groups of {self.group_ic} channels lie across vectors: lanes are {how}"

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
            lanes_of_block(block, self.lanes, self.group_ic, self.group_oc, self.oc) for block in range(self.blocks)
        )

    @cached_property
    def patterns(self) -> tuple[Lanes, ...]:
        """The different ones."""
        return tuple(dict.fromkeys(self.lanes_of))

    @property
    def pattern_of(self) -> tuple[int, ...]:
        """The number of each block's."""
        return tuple(map(self.patterns.index, self.lanes_of))

    @cached_property
    def mode(self) -> str:
        """How lanes are read: see `kernels/lanes.py`."""
        return mode_of(self.patterns, self.registers)

    @property
    def variants(self) -> tuple[Lanes, ...]:
        """The patterns whose tiles are functions of their own; one, where tables serve all."""
        return self.patterns[:1] if self.mode == "order" else self.patterns

    @cached_property
    def merged(self) -> tuple[int, ...]:
        """Of an order: how many vectors its steps merge, from few to many; each has a loop of its own."""
        return tuple(sorted({len(step.blocks) for pattern in self.patterns for step in pattern.steps or ()}))

    @property
    def taps_at_once(self) -> int:
        """Weights of a row of the kernel that registers hold beside the sums."""
        most = (self.registers // 2 - 1) // self.rows
        return ceil_div(self.width.kernel, ceil_div(self.width.kernel, most))

    @property
    def rows(self) -> int:
        """Rows of a tile that share rows of the source."""
        height = self.height
        shared = height.dilation == 1 and height.stride < height.kernel and height.out > 1
        room = self.registers == 32 and self.width.out >= LEAST_SHARED
        return 2 if shared and room and self.mode in ("order", "splat") else 1

    @property
    def tile_pixels(self) -> int:
        """Pixels of a tile: registers also hold weights, a column, a product, and what a column is made with."""
        others = 2 if self.mode in ("load", "shuffle") else 3
        return self.registers - self.taps_at_once * self.rows - others

    @cached_property
    def tiling(self) -> Tiling:
        if self.rows > 1:
            return share_rows(self.height, self.width, self.rows, self.tile_pixels // self.rows)
        return tile_plane(self.height, self.width, self.tile_pixels, self.last_row)

    def passes(self, tile: Tile) -> tuple[Pass, ...]:
        """The loops over rows of the kernel for this tile."""
        return passes(self.height, tile)

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
