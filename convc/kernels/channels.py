"""Channels of blocked images in another order, or from several of them: vectors shuffled at every pixel.

    dst[pixel][c] = src_k[pixel][channel]        for each c a source k and a channel of it

Each vector of results takes lanes of a few vectors of the sources, always the same at every pixel. So channel shuffles,
concatenations and slices that begin inside a block move at the speed of memory, alone or composed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel

#: Vectors of the sources that one vector of results may take lanes of.
MOST_VECTORS: Final = 8

#: Vectors of the sources that all blocks of results read before the next pixels are taken: half of a first-level cache
#: of 32 KiB, at 16 lanes.
CHUNK_VECTORS: Final = 256

#: Where a lane comes from: (source, channel); past the last channel it is zero.
Lane = tuple[int, int]
ZERO: Final = (-1, 0)


@dataclass(frozen=True, slots=True)
class Mix:
    """How a vector of results is made: for each lane the number of the vector it comes from, and the lane there."""

    lanes: tuple[tuple[int, int], ...]

    @property
    def vectors(self) -> int:
        return max(vector for vector, _ in self.lanes) + 1

    @property
    def whole(self) -> bool:
        """Whether it is one vector as it is."""
        return all(source == (0, lane) for lane, source in enumerate(self.lanes))

    @property
    def has_zeros(self) -> bool:
        return any(vector < 0 for vector, _ in self.lanes)

    def first(self) -> tuple[int, ...]:
        """The lanes of the first two vectors (or of one, twice), those of the second counted on."""
        width = len(self.lanes)
        return tuple(lane + width * (vector == 1) if vector in (0, 1) else 0 for vector, lane in self.lanes)

    def then(self, number: int) -> tuple[int, ...]:
        """The lanes of what there is so far and of vector `number` (-1: zeros), those of the latter counted on."""
        width = len(self.lanes)
        return tuple(
            width + lane if vector == number else place for place, (vector, lane) in enumerate(self.lanes)
        )


@dataclass(frozen=True)
class Channels(Kernel):
    """Parameters of templates/kernels/channels.c.j2: strides of images and of blocks, for each source and the result.

    `table` names the lanes of each block of results; the pixels of a block lie one after another on all sides.
    """

    template: ClassVar[str] = "channels"
    what: str
    lanes: int
    n: int
    pixels: int
    src: tuple[tuple[int, int], ...]
    dst: tuple[int, int]
    table: tuple[tuple[Lane, ...], ...]

    @property
    def stem(self) -> str:
        return f"{self.what}_{sum(lane != ZERO for block in self.table for lane in block)}x{self.pixels}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*(f"src{i}" for i in range(len(self.src))), "dst")

    @cached_property
    def vectors(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The vectors that each block of results takes lanes of: (source, offset in it)."""
        return tuple(
            tuple((source, block * self.src[source][1]) for source, block in _vectors(lanes, self.lanes))
            for lanes in self.table
        )

    @cached_property
    def mix_of(self) -> tuple[int, ...]:
        """The number of each block's mix."""
        return tuple(self.mixes.index(_mix(lanes, self.lanes)) for lanes in self.table)

    @cached_property
    def mixes(self) -> tuple[Mix, ...]:
        """The different ones, each of which is a function."""
        return tuple(dict.fromkeys(_mix(lanes, self.lanes) for lanes in self.table))

    @property
    def most(self) -> int:
        return max(mix.vectors for mix in self.mixes)

    @property
    def chunk(self) -> int:
        """Pixels of a work item: all blocks of results go over them before the next, and find them in a cache."""
        read = len({vector for vectors in self.vectors for vector in vectors})
        return min(self.pixels, max(1, CHUNK_VECTORS // read))

    @property
    def chunks(self) -> int:
        return ceil_div(self.pixels, self.chunk)

    @property
    def items(self) -> int:
        return self.n * self.chunks * len(self.table)

    @property
    def how(self) -> str:
        """How it moves them, in words."""
        return f"lanes of up to {self.most} vectors mixed at every pixel"


def is_mixable(table: tuple[tuple[Lane, ...], ...], lanes: int) -> bool:
    """Whether each vector of results takes lanes of few enough vectors."""
    return all(len(_vectors(block, lanes)) <= MOST_VECTORS for block in table)


def _vectors(block: tuple[Lane, ...], lanes: int) -> tuple[tuple[int, int], ...]:
    """(source, block of channels) of the vectors a block takes lanes of, in order of first use."""
    return tuple(dict.fromkeys((source, channel // lanes) for source, channel in block if source >= 0))


def _mix(block: tuple[Lane, ...], lanes: int) -> Mix:
    vectors = _vectors(block, lanes)
    return Mix(
        tuple(
            (vectors.index((source, channel // lanes)), channel % lanes) if source >= 0 else (-1, 0)
            for source, channel in block
        )
    )
