"""Register tiles over a window operation (convolution, pooling): exact pieces, no edge code.

A row of outputs is cut into pieces of nearly equal width. For each piece it is known here, before any C exists, which
taps of the kernel fall outside the map for which of its pixels. Taps with the same set of valid pixels form a group;
a group is a plain loop over taps in which those pixels, and no others, take part. So padding costs nothing: no zeros
are stored, loaded or multiplied, and no pixel is tested while running.

Where rows are narrow a tile spans several of them; then the rows at the top and the bottom have tiles of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from convc.ir.types import ceil_div

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of a window operation."""

    size: int  # of the input
    out: int
    kernel: int
    stride: int
    dilation: int
    pad: int  # before

    @property
    def present(self) -> bool:
        """Whether there is more to walk than the first position with one tap."""
        return self.out > 1 or self.kernel > 1 or self.pad != 0

    def valid(self, start: int, count: int, tap: int) -> Interval:
        """Which of the outputs `start .. start + count` (relative) read inside the input at this tap."""
        first = start * self.stride - self.pad + tap * self.dilation
        begin = max(0, ceil_div(-first, self.stride))
        end = min(count, (self.size - 1 - first) // self.stride + 1)
        return (begin, end) if begin < end else (0, 0)

    @property
    def taps_inside(self) -> int:
        """Taps of all outputs that read inside the input."""
        return sum(end - begin for begin, end in (self.valid(0, self.out, tap) for tap in range(self.kernel)))

    def groups(self, start: int, count: int) -> tuple[TapGroup, ...]:
        """Taps in order, neighbours with the same valid outputs joined; taps that nobody reads are left out."""
        found: list[TapGroup] = []
        for tap in range(self.kernel):
            pixels = self.valid(start, count, tap)
            if pixels == (0, 0):
                continue
            if found and found[-1].pixels == pixels and found[-1].end == tap:
                found[-1] = TapGroup(found[-1].begin, tap + 1, pixels)
            else:
                found.append(TapGroup(tap, tap + 1, pixels))
        return tuple(found)


#: An axis that is not there: one position, seen by one tap.
UNIT: Final = Axis(1, 1, 1, 1, 1, 0)


def present(depth: Axis, height: Axis, width: Axis) -> tuple[Axis, ...]:
    """Depth, where there is one, height and width."""
    return (depth, height, width) if depth.present else (height, width)


@dataclass(frozen=True, slots=True)
class TapGroup:
    """Taps `begin .. end` of one axis, valid for the tile's `pixels` (an interval along that axis)."""

    begin: int
    end: int
    pixels: Interval


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile function: `rows` x `cols` outputs and the taps each takes.

    `row_groups` is None for tiles that are told at run time which rows they read: those of one row which rows of the
    kernel, those that share rows of the source (`share_rows`) which of these.
    """

    rows: int
    cols: int
    row_groups: tuple[TapGroup, ...] | None
    col_groups: tuple[TapGroup, ...]

    @property
    def empty(self) -> bool:
        """Whether no tap reads inside the map."""
        return self.row_groups == () or not self.col_groups


@dataclass(frozen=True, slots=True)
class Piece:
    """`count` tiles side by side (or one above the other), from output `start`, each `extent` outputs long."""

    start: int
    extent: int
    count: int
    groups: tuple[TapGroup, ...] | None


def cut(axis: Axis, longest: int) -> tuple[Piece, ...]:
    """The axis in nearly equal pieces of at most `longest`; neighbours that are alike become one counted piece."""
    parts = ceil_div(axis.out, longest)
    short, longer = divmod(axis.out, parts)
    pieces: list[Piece] = []
    start = 0
    for part in range(parts):
        extent = short + (1 if part < longer else 0)
        groups = axis.groups(start, extent)
        last = pieces[-1] if pieces else None
        if last and last.extent == extent and last.groups == groups:
            pieces[-1] = Piece(last.start, extent, last.count + 1, groups)
        else:
            pieces.append(Piece(start, extent, 1, groups))
        start += extent
    return tuple(pieces)


def divide(extent: int, longest: int) -> tuple[tuple[int, int, int], ...]:
    """`extent` in nearly equal parts of at most `longest`: runs of (start, length, how many), the longer ones first."""
    parts = ceil_div(extent, longest)
    short, longer = divmod(extent, parts)
    runs = [(0, short + 1, longer), (longer * (short + 1), short, parts - longer)]
    return tuple(run for run in runs if run[2])


@dataclass(frozen=True, slots=True)
class Segment:
    """A horizontal run of equal tiles: tile number `tile`, at output column `start`, `count` times."""

    tile: int
    start: int
    cols: int
    count: int


@dataclass(frozen=True, slots=True)
class Band:
    """Rows `start`, `start + rows`, ... (`count` times), each computed by `segments` from left to right."""

    start: int
    rows: int
    count: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Tiling:
    """All tile functions of a kernel, and where they go."""

    tiles: tuple[Tile, ...]
    bands: tuple[Band, ...]

    @property
    def units(self) -> int:
        """Number of row bands: what work is split into."""
        return sum(band.count for band in self.bands)


def tile_plane(height: Axis, width: Axis, pixels: int, last_row: int = 0) -> Tiling:
    """Tiles of at most `pixels` outputs over the plane.

    Tiles span several rows only when two whole rows fit in one. With `last_row` the last row has so few outputs.
    """
    if last_row and last_row != width.out:
        body = tile_plane(replace(height, size=height.size - 1, out=height.out - 1), width, pixels)
        tail = tile_plane(UNIT, replace(width, size=last_row, out=last_row), pixels)
        both = tuple(dict.fromkeys((*body.tiles, *tail.tiles)))
        moved = tuple(replace(s, tile=both.index(tail.tiles[s.tile])) for s in tail.bands[0].segments)
        return Tiling(both, (*body.bands, Band(height.out - 1, 1, 1, moved)))
    rows = max(1, min(pixels // width.out, height.out)) if width.out * 2 <= pixels else 1
    down = cut(height, rows)
    if rows == 1 and len(down) > 1:  # rows differ in their taps: one function for all, told its taps at run time
        down = (Piece(0, 1, height.out, None),)
    return _tiling(down, cut(width, max(1, pixels // rows)))


def share_rows(height: Axis, width: Axis, rows: int, cols: int) -> Tiling:
    """Tiles of `rows` x at most `cols` outputs, and of one row for the last ones, told their rows at run time."""
    whole, rest = divmod(height.out, rows)
    down = [Piece(0, rows, whole, None), *([Piece(whole * rows, 1, rest, None)] if rest else [])]
    return _tiling(down, cut(width, cols))


def _tiling(down: Sequence[Piece], across: Sequence[Piece]) -> Tiling:
    tiles: dict[Tile, int] = {}
    bands = []
    for band in down:
        segments = []
        for piece in across:
            tile = Tile(band.extent, piece.extent, band.groups, piece.groups or ())
            segments.append(Segment(tiles.setdefault(tile, len(tiles)), piece.start, piece.extent, piece.count))
        bands.append(Band(band.start, band.extent, band.count, tuple(segments)))
    return Tiling(tuple(tiles), tuple(bands))
