"""Direct convolution: a register tile of pixels by vectors of output channels, swept over the map.

    acc[pixel][o] += src[pixel + tap][c] * weights[tap][c][o]

Output channels lie in the lanes, so nothing is ever summed across a vector. One template serves plain and blocked
sources, any stride, dilation, padding and groups, and the linear layer (rows of the batch are its pixels).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div, round_up
from convc.kernels.base import Kernel, Packing
from convc.kernels.formula import Formula
from convc.kernels.tiles import Axis, Tiling, present, tile_plane

#: Vectors that a tile may hold as accumulators, by register count: the rest is for weights and a broadcast.
ACCUMULATORS: Final = {32: 28, 16: 12}

#: Bytes of a map above which it does not lie in the second-level cache when a layer begins to read it.
SOURCE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Plane:
    """Strides of one side of a kernel, in floats: image, block of channels, channel inside it, slice, row, pixel."""

    n: int
    block: int
    channel: int
    d: int
    h: int
    w: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """The input channels one output tile sums over, in blocks as the source stores them.

    `bases` are the first input channel of each output tile (all zero unless grouped). `scattered` reductions walk
    single channels, because a group begins in the middle of a block.
    """

    channels: int
    block: int
    bases: tuple[int, ...]
    scattered: bool = False

    @property
    def parts(self) -> tuple[tuple[int, int, int], ...]:
        """(first block, blocks, channels in each): the whole blocks, then the rest."""
        whole, rest = divmod(self.channels, self.block)
        found = [(0, whole, self.block)] if whole else []
        return tuple([*found, (whole, 1, rest)] if rest else found)


@dataclass(frozen=True, slots=True)
class Split:
    """The input channels in `parts` sweeps over the map, `blocks` whole blocks in each; sums wait in the result."""

    parts: int
    blocks: int

    def last(self, blocks: int) -> int:
        """Blocks of the last sweep, of `blocks` in all."""
        return blocks - (self.parts - 1) * self.blocks


@dataclass(frozen=True, slots=True)
class ConvPacking(Packing):
    """Weights `[oc, ic / groups, kernel...]` -> `[tile][block][kernel...][c][o][lane]`, absent channels zero.

    `interleave` is (channels, pixels, lanes) where a linear layer reads a blocked map as one row: its input channels
    are reordered, and padded, to the order of that map in memory.
    """

    oc: int
    groups: int
    kernel: tuple[int, ...]
    vectors: int
    lanes: int
    reduction: Reduction
    interleave: tuple[int, int, int] | None = None
    split: Split | None = None

    @property
    def tiles(self) -> int:
        return len(self.reduction.bases)

    def size(self) -> int:
        return self.tiles * self.reduction.channels * prod(self.kernel) * self.vectors * self.lanes

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return self.in_parts(self.in_tiles(array), self.split)

    def in_tiles(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """`[tile][everything else]`."""
        taps = prod(self.kernel)
        weights = self._interleaved(np.asarray(array).reshape(self.oc, -1, taps))
        width = self.vectors * self.lanes
        out = np.zeros((self.tiles, self.reduction.channels, taps, width), np.float32)
        if self.groups == 1:
            full = np.zeros((self.tiles * width, *weights.shape[1:]), np.float32)
            full[: self.oc] = weights
            out[:] = full.reshape(self.tiles, width, -1, taps).transpose(0, 2, 3, 1)
        else:
            self._place_groups(weights, out, width)
        blocks = [
            out[:, first * self.reduction.block : first * self.reduction.block + blocks * size]
            .reshape(self.tiles, blocks, size, taps, width)
            .transpose(0, 1, 3, 2, 4)
            .reshape(self.tiles, -1)
            for first, blocks, size in self.reduction.parts
        ]
        return np.concatenate(blocks, axis=1)

    def in_parts(self, tiles: npt.NDArray[np.float32], split: Split | None) -> npt.NDArray[np.float32]:
        """Tiles one after another; where input channels are split, those of the first part before the others."""
        if split is None:
            return np.ascontiguousarray(tiles).reshape(-1)
        step = split.blocks * self.reduction.parts[0][2] * prod(self.kernel) * self.vectors * self.lanes
        cuts = [step * part for part in range(1, split.parts)]
        return np.concatenate([part.reshape(-1) for part in np.split(tiles, cuts, axis=1)])

    def _place_groups(self, weights: npt.NDArray[np.float64], out: npt.NDArray[np.float32], width: int) -> None:
        """Each output channel's filter at its own group's place in the channels its tile reads."""
        inputs, per_group = weights.shape[1], self.oc // self.groups
        for channel in range(self.oc):
            tile, lane = divmod(channel, width)
            start = channel // per_group * inputs - self.reduction.bases[tile]
            out[tile, start : start + inputs, :, lane] = weights[channel]

    def _interleaved(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.interleave is None:
            return weights
        channels, pixels, lanes = self.interleave
        padded = np.zeros((self.oc, round_up(channels, lanes), pixels))
        padded[:, :channels] = weights.reshape(self.oc, channels, pixels)
        blocked = padded.reshape(self.oc, -1, lanes, pixels).transpose(0, 1, 3, 2)
        return np.ascontiguousarray(blocked).reshape(self.oc, -1, 1)


@dataclass(frozen=True, slots=True)
class VectorPacking(Packing):
    """A value per channel, padded with `fill` to whole vectors."""

    channels: int
    padded: int
    fill: float = 0.0

    def size(self) -> int:
        return self.padded

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        out = np.full(self.padded, self.fill, np.float32)
        out[: self.channels] = np.asarray(array, np.float32).reshape(-1)
        return out


@dataclass(frozen=True)
class ConvDirect(Kernel):
    """Parameters of templates/kernels/conv_direct.c.j2; see the module docstring."""

    template: ClassVar[str] = "conv_direct"
    lanes: int
    vectors: int
    pixels: int
    n: int
    oc: int
    depth: Axis
    height: Axis
    width: Axis
    reduction: Reduction
    src: Plane
    src_block: int  # channels side by side in the source: `lanes`, or 1 where it is plain
    dst: Plane
    dst_blocked: bool
    bias: bool
    epilogue: Formula
    group_rows: int  # output rows in a work item
    split: Split | None = None
    last_row: int = 0
    linear: bool = False
    #: Of a transposed convolution: where each phase of the result begins, in floats, and so in the epilogue's operands.
    phases: tuple[tuple[int, ...], ...] = ()
    sums: bool = False  # the results of a work item, summed by channel, go to `dst_sums` [n][block][group][lane] too

    @property
    def stem(self) -> str:
        axes = self.axes
        prefix = "conv_transpose_" if self.phases else "conv_"
        kind = "linear" if self.linear else prefix + "x".join(str(axis.kernel) for axis in axes)
        grouped = "_grouped" if any(self.reduction.bases) else ""
        outs = "x".join(str(axis.out) for axis in axes)
        return f"{kind}{grouped}_{self.reduction.channels}x{outs}_{self.oc}{self.epilogue.suffix}{self.sums * '_sums'}"

    @property
    def parameters(self) -> tuple[str, ...]:
        bias, sums = ("bias",) * self.bias, ("dst_sums",) * self.sums
        return ("src", "weights", *bias, *self.epilogue.parameters(), *sums, "dst")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Depth, where there is one, height and width."""
        return present(self.depth, self.height, self.width)

    @cached_property
    def tiling(self) -> Tiling:
        return tile_plane(self.height, self.width, self.pixels, self.last_row)

    @property
    def group(self) -> int:
        """Bands of rows in a work item."""
        return max(1, self.group_rows // self.tiling.bands[0].rows)

    @property
    def groups(self) -> int:
        return ceil_div(self.tiling.units, self.group)

    @property
    def oc_tiles(self) -> int:
        return len(self.reduction.bases)

    @property
    def items(self) -> int:
        return self.n * self.depth.out * self.groups * self.oc_tiles

    @property
    def blocks(self) -> int:
        """Vectors of output channels."""
        return ceil_div(self.oc, self.lanes)

    @property
    def tail(self) -> int:
        """Vectors of the last tile of output channels, where it has fewer than the others; else 0."""
        return ceil_div(self.oc, self.lanes) % self.vectors

    @property
    def store(self) -> str:
        return store_mode(self.dst, self.dst_blocked)

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.store == "block" and self.epilogue.spoils(self.oc, self.lanes)

    @property
    def taps(self) -> int:
        return self.depth.kernel * self.height.kernel * self.width.kernel

    @property
    def part_weights(self) -> tuple[int, ...]:
        """Floats of packed weights one output tile reads, in each sweep."""
        width, split = self.taps * self.vectors * self.lanes, self.split
        if split is None:
            return (self.reduction.channels * width,)
        step = split.blocks * self.reduction.parts[0][2]
        return (*(step * width,) * (split.parts - 1), (self.reduction.channels - step * (split.parts - 1)) * width)

    @property
    def prefetch(self) -> int:
        """Cache lines of the next tile's weights to fetch before each register tile."""
        if self.linear:
            return 0
        calls = self.group * sum(s.count for s in self.tiling.bands[0].segments)
        return min(32, ceil_div(self.part_weights[0] * 4, 64 * calls))

    @property
    def pixels_ahead(self) -> bool:
        """Whether a work item fetches its share of the pixels that are read after these: of a pointwise convolution."""
        blocked = self.src_block > 1 and not any(self.reduction.bases) and not self.depth.present
        size = 4 * self.reduction.channels * self.height.size * self.width.size
        return self.taps == 1 and blocked and (self.groups > 1 or self.split is not None) and size > SOURCE_BYTES

    def unroll(self, channels: int) -> int:
        """Channels per step of the inner loop: as many as leave no rest and keep the loop short enough to cache."""
        most = 112 // (self.pixels * self.vectors)
        return next((u for u in (8, 4, 3, 2) if channels % u == 0 and u <= most), 1)

    def steps(self, channels: int) -> tuple[int, int, tuple[int, ...]]:
        """The inner loop over `channels`: where it ends, its step, and the channels that its first turn takes.

        A linear layer's weights come from memory, which gives a core about 1.4 times as much when they are read as
        several streams far apart than as one (16 and 21 GB/s on a Zen 3): each turn takes channels of each.
        """
        streams = next(s for s in ((4, 3, 2, 1) if self.linear else (1,)) if channels % s == 0)
        extent = channels // streams
        each = self.unroll(extent) if streams == 1 else 2 - extent % 2
        return extent, each, tuple(stream * extent + u for stream in range(streams) for u in range(each))


def store_mode(dst: Plane, blocked: bool) -> str:
    """How a vector of output channels is stored: `block` (aligned), `row` (side by side), `lanes` (one by one)."""
    if blocked:
        return "block"
    return "row" if dst.channel == 1 else "lanes"


def choose_tile(blocks: int, width: int, registers: int, ragged: bool = False) -> tuple[int, int]:
    """(pixels, vectors) of the register tile for `blocks` vectors of output channels over rows of `width`.

    Counts cycles per useful multiply-add: a step costs its FMAs or its loads, whichever is more, and at least the FMA
    latency. Where the kernel is `ragged`, what `vectors` leaves of the blocks is a narrower tile, swept the same way.
    Among equals the one with the fewest loads wins; with 64-byte vectors, of which a core loads enough, the widest,
    since it reads the weights least often.
    """
    rate = 1 if registers == 32 else 2  # of multiply-adds in a cycle: 64-byte ones take both halves of a core
    best: tuple[float, float, int, int] | None = None
    for vectors in (4, 3, 2, 1):
        if (blocks % vectors and not (ragged and blocks > vectors)) or (vectors == 4 and registers == 16):
            continue
        pixels = min(ACCUMULATORS[registers] // vectors, (registers - 1 - vectors) // vectors)
        across = ceil_div(width, pixels)
        row = ceil_div(width, across)
        whole, tail = divmod(blocks, vectors)
        cycles = across * (whole * _step(row, vectors, rate) + (_step(row, tail, rate) if tail else 0))
        loads = across * (row + vectors) / (width * vectors)
        score = (round(cycles / (width * blocks), 3), -pixels if rate == 1 else round(loads, 3), pixels, vectors)
        best = min(best, score) if best else score
    assert best is not None
    return best[2], best[3]


def _step(pixels: int, vectors: int, rate: int) -> float:
    """Cycles in which a register tile takes one input channel: there are somewhat fewer loads in one than FMAs."""
    return max(pixels * vectors / rate, (pixels + vectors) / (0.85 * rate), 4) + 0.25


def wide_tile(blocks: int) -> tuple[int, int]:
    """(pixels, vectors) for one row of a linear layer: eight independent sums hide the FMA's latency."""
    return 1, next(v for v in (8, 7, 6, 5, 4, 3, 2, 1) if blocks % v == 0)
