"""The taps of a row of a kernel as it slides over a row of the map.

For a tile of neighbouring pixels each column of the source is read once, and multiplied into all the sums it belongs
to. Columns outside the map are left out here, before any C exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.types import ceil_div
from convc.kernels.tiles import Axis


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
