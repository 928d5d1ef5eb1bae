"""Depthwise convolution: every lane filters a channel of its own, a row of the kernel sliding over a row of the map.

    acc[pixel] += src[pixel * stride + kw * dilation] * weights[kw]      in all lanes at once

A tile holds the sums of neighbouring pixels in registers. For a row of the kernel its weights are loaded once, then
each column of the source once, and multiplied into all the sums it belongs to. Columns outside the map are left out
when the C is generated.

With a channel multiplier m, output channel c * m + j filters input channel c: m blocks of results read one block of
sources, its lanes repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel, Packing
from convc.kernels.conv_direct import Plane
from convc.kernels.formula import Formula
from convc.kernels.tiles import Axis, Tile, Tiling, present, tile_plane


@dataclass(frozen=True, slots=True)
class DepthwisePacking(Packing):
    """Weights `[c, 1, kernel...]` -> `[c / lanes][kernel...][lane]`, absent channels zero."""

    channels: int
    kernel: tuple[int, ...]
    lanes: int

    def size(self) -> int:
        return ceil_div(self.channels, self.lanes) * self.lanes * prod(self.kernel)

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        taps = prod(self.kernel)
        padded = np.zeros((ceil_div(self.channels, self.lanes) * self.lanes, taps), np.float32)
        padded[: self.channels] = np.asarray(array).reshape(self.channels, taps)
        return np.ascontiguousarray(padded.reshape(-1, self.lanes, taps).transpose(0, 2, 1)).reshape(-1)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the source, `offset` from the first pixel's first tap, and the (pixel, tap) pairs that read it."""

    offset: int
    reads: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Taps of a row of the kernel from `begin` on: `steps` times `taps` of them, which read alike."""

    begin: int
    taps: int
    steps: int
    columns: tuple[Column, ...]


def cut_taps(axis: Axis, start: int, cols: int, most: int) -> tuple[Run, ...]:
    """The taps of a row of the kernel for a tile of `cols` pixels from output `start`: at most `most` at a time."""
    length = ceil_div(axis.kernel, ceil_div(axis.kernel, most))
    runs: list[Run] = []
    for begin in range(0, axis.kernel, length):
        taps = min(length, axis.kernel - begin)
        columns = _columns(axis, start, cols, begin, taps)
        last = runs[-1] if runs else None
        if last and last.columns == columns and last.taps == taps:
            runs[-1] = Run(last.begin, taps, last.steps + 1, columns)
        else:
            runs.append(Run(begin, taps, 1, columns))
    return tuple(run for run in runs if run.columns)


def _columns(axis: Axis, start: int, cols: int, begin: int, taps: int) -> tuple[Column, ...]:
    """The columns that taps `begin .. begin + taps` read inside the map, each once, from left to right."""
    found: dict[int, list[tuple[int, int]]] = {}
    for tap in range(taps):
        for pixel in range(*axis.valid(start, cols, begin + tap)):
            found.setdefault(pixel * axis.stride + tap * axis.dilation, []).append((pixel, tap))
    return tuple(Column(offset, tuple(sorted(found[offset]))) for offset in sorted(found))


@dataclass(frozen=True)
class Depthwise(Kernel):
    """Parameters of templates/kernels/depthwise.c.j2; `channels` are those of the result."""

    template: ClassVar[str] = "depthwise"
    lanes: int
    registers: int
    n: int
    channels: int
    multiplier: int
    depth: Axis
    height: Axis
    width: Axis
    src: Plane
    dst: Plane
    bias: bool
    epilogue: Formula

    @property
    def stem(self) -> str:
        size, outs = ("x".join(str(getattr(axis, name)) for axis in self.axes) for name in ("kernel", "out"))
        times = f"_times{self.multiplier}" if self.multiplier > 1 else ""
        return f"depthwise_{size}_{self.channels}x{outs}{times}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "weights", *(("bias",) if self.bias else ()), *self.epilogue.parameters(), "dst")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Depth, where there is one, height and width."""
        return present(self.depth, self.height, self.width)

    @property
    def taps_at_once(self) -> int:
        """Weights of a row of the kernel that registers hold beside the sums."""
        most = self.registers // 2 - 1
        return ceil_div(self.width.kernel, ceil_div(self.width.kernel, most))

    @cached_property
    def tiling(self) -> Tiling:
        return tile_plane(self.height, self.width, self.registers - 2 - self.taps_at_once)  # a column, a product

    def runs(self, tile: Tile) -> tuple[Run, ...]:
        """The taps of a row of the kernel for this tile."""
        start = next(s.start for band in self.tiling.bands for s in band.segments if self.tiling.tiles[s.tile] == tile)
        return cut_taps(self.width, start, tile.cols, self.taps_at_once)

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """For each of the blocks of results that read one block of sources, the lane that each lane reads.

        Empty where all lanes of a result read the same channel, or each its own.
        """
        if self.multiplier % self.lanes == 0 or self.multiplier == 1:
            return ()
        numbers = range(self.lanes)
        return tuple(
            tuple((part * self.lanes + lane) // self.multiplier for lane in numbers) for part in range(self.multiplier)
        )

    @property
    def splat(self) -> bool:
        """Whether all lanes of a block of results read one channel."""
        return self.multiplier > 1 and self.multiplier % self.lanes == 0

    @property
    def items(self) -> int:
        return self.n * self.blocks * self.depth.out * self.tiling.units

    @property
    def masked(self) -> bool:
        return self.epilogue.spoils(self.channels, self.lanes)
