"""Strassen's product for pointwise convolutions: seven products of halves where the direct sum takes eight.

A map's pixels, its input and its output channels are cut in halves, `C = A B` with A the pixels and B the weights:

    | C11 C12 |   | A11 A12 |   | B11 B12 |
    | C21 C22 | = | A21 A22 | * | B21 B22 |

    S1 = A21 + A22   S2 = S1 - A11    S3 = A11 - A21   S4 = A12 - S2
    T1 = B12 - B11   T2 = B22 - T1    T3 = B22 - B12   T4 = T2 - B21
    C11 = A11 B11 + A12 B21                   U = A11 B11 + S2 T2
    C12 = U + S1 T1 + S4 B22                  C22 = U + S1 T1 + S3 T3
    C21 = U + S3 T3 - A22 T4

in the form of Winograd, "On multiplication of 2 x 2 matrices", Linear Algebra and its Applications 4 (1971), after
Strassen, "Gaussian elimination is not optimal" (1969). Pixels are halved a register tile at a time: two tiles side by
side are a pair, so the sums of products never leave the registers for longer than a tile needs the first-level cache.
Of the sums S, those of a few pairs wait in the thread's scratch while all output channels pass; the sums T are made in
double precision when weights are packed, which then are 7/4 as many.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import LINE, Kernel, Packing
from convc.kernels.conv_packing import whole_and_rest
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane
from convc.kernels.register_tile import short_loop, unroll
from convc.kernels.tiles import divide

#: What is multiplied, in terms of A11, A12, A21, A22 and B11, B12, B21, B22, and which products C11, C12, C21, C22 add.
INPUTS: Final = np.array([
    [1, 0, 0, 0], [0, 1, 0, 0], [-1, 0, 1, 1], [0, 0, 1, 1], [1, 1, -1, -1], [1, 0, -1, 0], [0, 0, 0, 1],
])  # fmt: skip
WEIGHTS: Final = np.array([
    [1, 0, 0, 0], [0, 0, 1, 0], [1, -1, 0, 1], [-1, 1, 0, 0], [0, 0, 0, 1], [0, -1, 0, 1], [-1, 1, 1, -1],
])  # fmt: skip
OUTPUTS: Final = np.array([
    [1, 1, 0, 0, 0, 0, 0], [1, 0, 1, 1, 1, 0, 0], [1, 0, 1, 0, 0, 1, 1], [1, 0, 1, 1, 0, 1, 0],
])  # fmt: skip

#: How much coarser than the direct sum it rounds, on average (as `Scheme.growth`, whose two taps are here A11 and A12).
GROWTH: Final = sqrt(float((OUTPUTS @ ((INPUTS**2).sum(1) * (WEIGHTS**2).sum(1))).mean()) / 2)


@dataclass(frozen=True, slots=True)
class StrassenPacking(Packing):
    """Weights `[oc, ic]` -> `[tile of oc][product][ic][o][lane]`, the tiles those of the first half.

    Products with A12 and A22 have the channels of the second half of `ic` only, the others those of the first; absent
    channels are zero.
    """

    oc: int
    ic: int
    vectors: int
    lanes: int

    @property
    def low(self) -> int:
        """Channels of the first half of `ic`: whole blocks."""
        return ceil_div(ceil_div(self.ic, self.lanes), 2) * self.lanes

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each product."""
        low, high = self.low, self.ic - self.low
        return (low, high, low, low, low, low, high)

    @property
    def half(self) -> int:
        """Output channels of the first half: whole tiles."""
        tile = self.vectors * self.lanes
        return ceil_div(self.oc, 2 * tile) * tile

    def size(self) -> int:
        return self.half * sum(self.channels)

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        b = np.zeros((2, self.low, 2, self.half))
        b.reshape(2 * self.low, 2 * self.half)[: self.ic, : self.oc] = np.asarray(array).reshape(self.oc, self.ic).T
        quarters = b.transpose(0, 2, 1, 3).reshape(4, self.low, self.half)
        tile = self.vectors * self.lanes
        panels = []
        for row, channels in zip(WEIGHTS, self.channels, strict=True):
            made = np.tensordot(row, quarters[:, :channels], 1).astype(np.float32)
            panels.append(made.reshape(channels, -1, tile).transpose(1, 0, 2).reshape(self.half // tile, -1))
        return np.concatenate(panels, axis=1).reshape(-1)


@dataclass(frozen=True, slots=True)
class Pairs:
    """`count` pairs of register tiles of `first` and `second` pixels, from pair `start`, which begins at `pixel`."""

    start: int
    count: int
    pixel: int
    first: int
    second: int

    @property
    def pixels(self) -> int:
        return self.first + self.second


@dataclass(frozen=True)
class Strassen(Kernel):
    """What the kernels of one level of his product and of two have in common.

    Source and result lie in blocks of `lanes` channels, their maps as lines of `count` pixels; or they are matrices
    with a row for a pixel (`by_rows`), of whole blocks of channels that may begin anywhere. A work item is a chunk of
    `chunk` pairs (or fours) and, of its output channels, one of `parts` parts, each of which makes the sums for itself.
    All chunks of a part follow one another, so that a thread that has a part reads only its weights.
    """

    levels: ClassVar[int]  # 2 where each product is computed by his product in turn
    lanes: int
    vectors: int
    pixels: int  # of a register tile, at most
    n: int
    ic: int
    oc: int
    count: int
    chunk: int
    parts: int
    src: Plane
    dst: Plane
    bias: bool
    epilogue: Formula
    by_rows: bool = False

    @property
    def stem(self) -> str:
        rows = "_rows" if self.by_rows else ""
        return f"{self.template}{rows}_{self.ic}x{self.count}_{self.oc}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "weights", *(("bias",) if self.bias else ()), *self.epilogue.parameters(), "scratch", "dst")

    @property
    @abstractmethod
    def packing(self) -> Packing:
        """How weights are packed."""

    @property
    @abstractmethod
    def bias_floats(self) -> int:
        """Output channels, absent ones of the last tiles included."""

    @property
    @abstractmethod
    def pairs(self) -> tuple[Pairs, ...]:
        """The map's pixels in pairs of tiles of nearly equal width, or in fours, the wider ones first."""

    @property
    @abstractmethod
    def scratch_bytes(self) -> int:
        """What a thread needs for a work item."""

    @property
    def oc_tiles(self) -> int:
        """Tiles of output channels in each piece; the last may have fewer."""
        return self.bias_floats // ((1 << self.levels) * self.vectors * self.lanes)

    @property
    def ragged(self) -> bool:
        """Whether some of the last vectors are absent."""
        return ceil_div(self.oc, self.lanes) * self.lanes < self.bias_floats

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.epilogue.spoils(self.oc, self.lanes)

    def reduction(self, channels: int) -> tuple[tuple[int, int, int], ...]:
        """(first block, blocks, channels in each) of so many channels."""
        return whole_and_rest(channels, self.lanes)

    @property
    def widths(self) -> tuple[int, ...]:
        """Distinct widths of the first tile of a pair."""
        return tuple(sorted({pair.first for pair in self.pairs}, reverse=True))

    @property
    def pair_count(self) -> int:
        return sum(run.count for run in self.pairs)

    @property
    def chunks(self) -> int:
        return ceil_div(self.pair_count, self.chunk)

    @property
    def items(self) -> int:
        return self.n * self.chunks * self.parts

    @property
    def tile_floats(self) -> int:
        return self.widths[0] * self.vectors * self.lanes

    def unroll(self, channels: int) -> int:
        """Channels per step of the inner loop: as many as leave no rest and keep the loop short enough to cache."""
        return unroll(channels, short_loop(self.widths[0], self.vectors))

    def lines_ahead(self, channels: int) -> int:
        """Cache lines of the next tile's weights that each step of so many channels fetches."""
        return ceil_div(channels * self.vectors * self.lanes, LINE * min(self.chunk, self.pair_count))

    def ahead(self, channels: int) -> int:
        """Floats that are fetched while so many channels pass."""
        return sum(
            blocks * (size // self.unroll(size)) * self.lines_ahead(self.unroll(size)) * LINE
            for _, blocks, size in self.reduction(channels)
        )


@dataclass(frozen=True)
class StrassenOnce(Strassen):
    """Parameters of templates/kernels/strassen.c.j2; see the module docstring."""

    template: ClassVar[str] = "strassen"
    levels: ClassVar[int] = 1

    @property
    def packing(self) -> StrassenPacking:
        return StrassenPacking(self.oc, self.ic, self.vectors, self.lanes)

    @property
    def bias_floats(self) -> int:
        return 2 * self.packing.half

    @property
    def low(self) -> int:
        """Input channels of the first half, in whole blocks."""
        return self.packing.low

    @property
    def high(self) -> int:
        return self.ic - self.low

    @cached_property
    def pairs(self) -> tuple[Pairs, ...]:
        found: list[Pairs] = []
        for pixel, size, count in divide(self.count, 2 * self.pixels):
            start = found[-1].start + found[-1].count if found else 0
            found.append(Pairs(start, count, pixel, ceil_div(size, 2), size // 2))
        return tuple(found)

    def seconds(self, first: int) -> tuple[int, ...]:
        """Distinct widths of the second tile beside a first of so many pixels; none where the map is one pixel."""
        return tuple(dict.fromkeys(pair.second for pair in self.pairs if pair.first == first))

    @property
    def sum_floats(self) -> int:
        """Of the four sums of a pair."""
        return 4 * self.low * self.widths[0]

    @property
    def scratch_bytes(self) -> int:
        """The sums of a chunk's pairs, three products."""
        return 4 * (self.chunk * self.sum_floats + 3 * self.tile_floats)

    @property
    def tile_ahead(self) -> int:
        """Floats that a pair fetches."""
        return sum(map(self.ahead, self.packing.channels))
