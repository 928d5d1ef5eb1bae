"""How constants are laid out for the kernels that convolve: filters by tiles of output channels, values per channel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from convc.ir.types import round_up
from convc.kernels.base import Packing


def whole_and_rest(channels: int, block: int) -> tuple[tuple[int, int, int], ...]:
    """(first block, blocks, channels in each) of so many channels: the whole blocks, then the rest."""
    whole, rest = divmod(channels, block)
    found = [(0, whole, block)] if whole else []
    return tuple([*found, (whole, 1, rest)] if rest else found)


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
        return whole_and_rest(self.channels, self.block)


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
