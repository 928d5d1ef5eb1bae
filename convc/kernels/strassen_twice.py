"""Strassen's product of Strassen's products: 49 multiplications of quarters where the direct sum takes 64.

A map's pixels, its input and its output channels are cut in four, halves of `kernels/strassen.py`'s halves: each of its
seven products of halves, an *outer* product, is computed by seven *inner* ones. Pixels are cut a register tile at
a time, four tiles side by side. Both sides of all 49 products are sums of quarters, or quarters as they are; those of
the weights are made in double precision when weights are packed, which then are 49/16 as many, those of the pixels for
one outer product at a time. Between outer products two sums of them wait, for all output channels: both are in the
thread's scratch, which so stays in a core's own cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Packing
from convc.kernels.strassen import GROWTH, WEIGHTS, Pairs, Strassen, StrassenPacking
from convc.kernels.tiles import divide

#: Products of quarters, of outer and inner ones.
PRODUCTS: Final = len(WEIGHTS) ** 2

#: How much coarser than the direct sum it rounds: both levels multiply.
GROWTH_TWICE: Final = GROWTH**2


@dataclass(frozen=True, slots=True)
class StrassenTwicePacking(Packing):
    """Weights `[oc, ic]` -> `[outer product][tile of oc][inner product][ic][o][lane]`, a quarter of oc and ic each."""

    oc: int
    ic: int
    vectors: int
    lanes: int

    @property
    def quarter(self) -> int:
        """Output channels of a quarter: whole tiles."""
        tile = self.vectors * self.lanes
        return ceil_div(self.oc, 4 * tile) * tile

    def size(self) -> int:
        return PRODUCTS * self.quarter * (self.ic // 4)

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        half = 2 * self.quarter
        b = np.zeros((2 * half, self.ic))
        b[: self.oc] = np.asarray(array).reshape(self.oc, self.ic)
        halves = b.reshape(2, half, 2, self.ic // 2).transpose(2, 0, 1, 3).reshape(4, half, self.ic // 2)
        inner = StrassenPacking(half, self.ic // 2, self.vectors, self.lanes)
        return np.concatenate([inner.apply(np.tensordot(row, halves, 1)) for row in WEIGHTS])


@dataclass(frozen=True)
class StrassenTwice(Strassen):
    """Parameters of templates/kernels/strassen_twice.c.j2; see the module docstring.

    Fours of tiles stand for pairs; input channels are four times as many whole blocks.
    """

    template: ClassVar[str] = "strassen_twice"
    levels: ClassVar[int] = 2

    @property
    def packing(self) -> StrassenTwicePacking:
        return StrassenTwicePacking(self.oc, self.ic, self.vectors, self.lanes)

    @property
    def quarter(self) -> int:
        """Input channels of a quarter."""
        return self.ic // 4

    @property
    def bias_floats(self) -> int:
        return 4 * self.packing.quarter

    @cached_property
    def pairs(self) -> tuple[Pairs, ...]:
        """Of a four the tiles have one width; the last of all may be narrower."""
        found: list[Pairs] = []
        for four, size, count in divide(ceil_div(self.count, 4), self.pixels):
            start = found[-1].start + found[-1].count if found else 0
            found.append(Pairs(start, count, 4 * four, size, 3 * size))
        return tuple(found)

    @property
    def sum_floats(self) -> int:
        """Of the pixels' sides of an outer product of a four."""
        return len(WEIGHTS) * self.quarter * self.widths[0]

    @property
    def part_tiles(self) -> int:
        """Tiles of output channels of a part, at most."""
        return ceil_div(self.oc_tiles, self.parts)

    @property
    def scratch_bytes(self) -> int:
        """The pixels' sides and two sums of outer products for all tiles, of a chunk; three inner products, a sum."""
        return 4 * (self.chunk * (self.sum_floats + 8 * self.part_tiles * self.tile_floats) + 7 * self.tile_floats)
