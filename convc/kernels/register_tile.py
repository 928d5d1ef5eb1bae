"""Which register tile, pixels by vectors of output channels, takes the fewest cycles."""

from __future__ import annotations

from typing import Final, NamedTuple

from convc.ir.types import ceil_div

#: Vectors that a tile may hold as accumulators, by register count: the rest is for weights and a broadcast.
ACCUMULATORS: Final = {32: 28, 16: 12}

#: What storing and loading sums between parts of the channels takes of their multiply-adds, for each vector of a tile.
_STORED: Final = 0.012

#: What each load for a multiply-add takes of its time, where a cycle has two of both.
_LOADED: Final = 0.4


class TileShape(NamedTuple):
    """A register tile across the output channels: what its C functions are called, its vectors, and whether the last
    is half a vector, since the other half would be no channels.
    """

    name: str
    vectors: int
    half: bool


def ends_in_half(oc: int, lanes: int) -> bool:
    """Whether half of the last vector of so many channels is enough.

    Only of 16 lanes: a multiply-add of 16 floats takes as long as two of 8 where it takes both halves of a core, and a
    smaller one is no faster.
    """
    return lanes == 16 and 0 < oc % lanes <= lanes // 2


def tile_shapes(oc: int, lanes: int, vectors: int, halves: bool = True) -> tuple[TileShape, ...]:
    """The tiles of `vectors` vectors that `oc` channels take, and the last one, `tail`, where it is another."""
    blocks = ceil_div(oc, lanes)
    last = TileShape("tail", blocks % vectors or vectors, halves and ends_in_half(oc, lanes))
    if blocks <= vectors:
        return (last._replace(name="tile"),)
    whole = TileShape("tile", vectors, False)
    return (whole,) if last[1:] == whole[1:] else (whole, last)


def choose_tile(
    blocks: int, width: int, registers: int, ragged: bool = False, half: bool = False
) -> tuple[int, int]:  # fmt: skip
    """(pixels, vectors) of the register tile for `blocks` vectors of output channels over rows of `width`.

    Counts cycles per useful multiply-add: a step costs its FMAs or its loads, whichever is more, and at least the FMA
    latency. Where the kernel is `ragged`, what `vectors` leaves of the blocks is a narrower tile, swept the same way;
    where it is `half`, of the last vector only half is multiplied (`ends_in_half`).
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
        last = (blocks % vectors or vectors) - 0.5 * half
        cycles = across * ((ceil_div(blocks, vectors) - 1) * _step(row, vectors, rate) + _step(row, last, rate))
        loads = across * (row + vectors) / (width * vectors)
        score = (round(cycles / (width * blocks), 3), -pixels if rate == 1 else round(loads, 3), pixels, vectors)
        best = min(best, score) if best else score
    assert best is not None
    return best[2], best[3]


def choose_block_tile(blocks: int, size: int, registers: int) -> tuple[int, int]:
    """(pixels, vectors) for `size` pixels in nearly equal pieces, by whole tiles of the channels.

    What `vectors` leaves of the `blocks` costs as much as a whole tile. The more 64-byte vectors, the fewer
    channels have weights in the first-level cache, between which sums are stored and loaded; with others loads count.
    Among equals the widest wins.
    """
    rate = 1 if registers == 32 else 2
    best: tuple[float, int, int] | None = None
    for vectors in range(1, min(4 if rate == 1 else 3, blocks) + 1):
        most = min(ACCUMULATORS[registers] // vectors, (registers - 1 - vectors) // vectors)
        pieces = ceil_div(size, most)
        short, longer = divmod(size, pieces)
        sweep = longer * _step(short + 1, vectors, rate) + (pieces - longer) * _step(short, vectors, rate)
        besides = _STORED * vectors if rate == 1 else _LOADED * (size + pieces * vectors) / (size * vectors)
        each = ceil_div(blocks, vectors) * sweep / (size * blocks) * (1 + besides)
        score = (round(each, 3), -most, vectors)
        best = min(best or score, score)
    assert best is not None
    return -best[1], best[2]


def _step(pixels: int, vectors: float, rate: int) -> float:
    """Cycles in which a register tile takes one input channel: there are somewhat fewer loads in one than FMAs."""
    return max(pixels * vectors / rate, (pixels + vectors) / (0.85 * rate), 4) + 0.25


def unroll(channels: int, most: int = 8) -> int:
    """Channels per step of an inner loop: as many, up to `most`, as leave no rest."""
    return next((u for u in (8, 4, 3, 2) if channels % u == 0 and u <= most), 1)


def short_loop(pixels: int, vectors: int) -> int:
    """The most channels in a step with which the loop of a register tile is short enough to cache."""
    return 112 // (pixels * vectors)


def wide_tile(blocks: int) -> tuple[int, int]:
    """(pixels, vectors) for one row of a linear layer: eight independent sums hide the FMA's latency."""
    return 1, next(v for v in (8, 7, 6, 5, 4, 3, 2, 1) if blocks % v == 0)
