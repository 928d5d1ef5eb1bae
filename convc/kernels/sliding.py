"""The taps of a row of a kernel as it slides over a row of the map.

For a tile of neighbouring pixels each column of the source is read once, and multiplied into all the sums it belongs
to. Columns outside the map are left out here, before any C exists. Where a tile has two rows of results that share rows
of the source, what is read of a row is multiplied into both: each takes it by another row of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from convc.ir.types import ceil_div
from convc.kernels.tiles import Axis, Tile


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


@dataclass(frozen=True, slots=True)
class Pass:
    """A loop over rows of the kernel, from `begin` to `end` (C), for some rows of a tile.

    The weights of the rows `kernel_rows` before the loop's are held at a time. A read is of the row of the source that
    the loop's row of the kernel meets, so many rows below; with the (row of the tile, number in `kernel_rows`) pairs
    that take it.
    """

    begin: str
    end: str
    kernel_rows: tuple[int, ...]
    reads: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


def passes(axis: Axis, tile: Tile) -> tuple[Pass, ...]:
    """Those of a tile along the height, which is `axis`."""
    if tile.row_groups is not None:
        return tuple(
            Pass(str(taps.begin), str(taps.end), (0,), tuple((r * axis.stride, ((r, 0),)) for r in range(*taps.pixels)))
            for taps in tile.row_groups
        )
    bounds = sorted({at + row * axis.stride for row in range(tile.rows) for at in (0, axis.kernel)})
    found = []
    for begin, end in pairwise(bounds):
        rows = [row for row in range(tile.rows) if row * axis.stride <= begin < row * axis.stride + axis.kernel]
        first = f"kh_begin > {begin} ? kh_begin : {begin}" if begin else "kh_begin"
        last = f"(kh_end < {end} ? kh_end : {end})" if end < bounds[-1] else "kh_end"
        reads = ((0, tuple((row, slot) for slot, row in enumerate(rows))),)
        found.append(Pass(first, last, tuple(row * axis.stride for row in rows), reads))
    return tuple(found)
