"""Copies: a nest of loops over a source and a destination, and the transposition of tiles in registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final

from convc.kernels.base import Kernel

#: Runs of a table that are written out one by one; more of them are left to the table.
FEW_RUNS: Final = 8

#: Table entries that are no offset: the fill value stands there, or (in lanes past the last channel) zero.
OUTSIDE: Final = -1
ZERO: Final = -2

#: Rows so far apart are exchanged, by the lanes of the upper and of the lower result.
Stage = tuple[int, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Loop:
    """One axis of a copy: steps of `src` and `dst` floats, or tables of offsets.

    Only the indices `begin .. end` have a source; the first of them reads offset 0.
    """

    extent: int
    src: int | tuple[int, ...]
    dst: int | tuple[int, ...]
    begin: int
    end: int

    @staticmethod
    def of(src: Sequence[int], dst: Sequence[int]) -> tuple[Loop, int, int]:
        """The loop through these offsets, and what its strides start from on either side."""
        begin, end, first, step = progression(src)
        dst_begin, dst_end, dst_first, dst_step = progression(dst)
        plain_dst = (dst_begin, dst_end) == (0, len(dst)) and dst_step is not None
        if step is None or not plain_dst:
            table = tuple(dst) if not plain_dst else dst_step or 0
            return Loop(len(src), tuple(src), table, 0, len(src)), 0, dst_first if plain_dst else 0
        return Loop(len(src), step, dst_step or 0, begin, end), first, dst_first

    @property
    def whole(self) -> bool:
        """Whether it is strides alone, and nothing outside."""
        return isinstance(self.src, int) and isinstance(self.dst, int) and (self.begin, self.end) == (0, self.extent)

    @property
    def partial(self) -> bool:
        """Whether some index may have no source."""
        return (self.begin, self.end) != (0, self.extent) or (isinstance(self.src, tuple) and min(self.src) < 0)


def progression(offsets: Sequence[int]) -> tuple[int, int, int, int | None]:
    """(begin, end, first, step) where the offsets from begin to end are evenly spaced and only `OUTSIDE` around them.

    The step is None where they are not.
    """
    inside = [i for i, offset in enumerate(offsets) if offset >= 0]
    if not inside:
        return 0, 0, 0, None if ZERO in offsets else 0
    begin, end = inside[0], inside[-1] + 1
    step = offsets[begin + 1] - offsets[begin] if end - begin > 1 else 0
    even = all(offsets[i] == offsets[begin] + (i - begin) * step for i in range(begin, end))
    around = all(offset == OUTSIDE for offset in (*offsets[:begin], *offsets[end:]))
    return begin, end, offsets[begin], step if even and around else None


def merged(loops: Sequence[Loop]) -> tuple[Loop, ...]:
    """The loops from the outermost, those of one step left out, neighbours that run as one joined."""
    found: list[Loop] = []
    for loop in loops:
        if loop.extent == 1 and loop.whole:
            continue
        outer = found[-1] if found else None
        if outer and loop.whole and isinstance(outer.src, int) and isinstance(outer.dst, int):
            assert isinstance(loop.src, int) and isinstance(loop.dst, int)
            n = loop.extent
            if (outer.src, outer.dst) == (loop.src * n, loop.dst * n):
                found[-1] = Loop(outer.extent * n, loop.src, loop.dst, outer.begin * n, outer.end * n)
                continue
        found.append(loop)
    return tuple(found)


@dataclass(frozen=True)
class Copy(Kernel):
    """Parameters of templates/kernels/copy.c.j2.

    Each step of the `loops` (outermost first, the last inside a work item) copies `run` floats that lie side by side in
    both, or writes `value`. In the last step of loop `blocks` only the first `keep` of them stay, the others are zero.
    """

    template: ClassVar[str] = "copy"
    lanes: ClassVar[int] = 1
    what: str
    loops: tuple[Loop, ...]
    run: int
    src_start: int = 0
    dst_start: int = 0
    value: float = 0.0
    blocks: int = -1
    keep: int = 0

    @property
    def stem(self) -> str:
        return f"{self.what}_{'x'.join(str(loop.extent) for loop in self.loops)}x{self.run}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def how(self) -> str:
        """How it copies, in words."""
        if self.solid:
            return "whole runs"
        return f"{self.run} floats at a time" if self.run > 1 else "one by one"

    @property
    def outer(self) -> tuple[Loop, ...]:
        return self.loops[:-1]

    @property
    def inner(self) -> Loop:
        return self.loops[-1]

    @property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """(first step, steps, offset in the source) of the few pieces of the innermost table that lie side by side in
        both: the inside of a row that is padded by reflection, and its ends. Empty where they are many."""
        offsets = self.inner.src
        if isinstance(offsets, int) or self.inner.partial or self.inner.dst != self.run:
            return ()
        begins = [i for i in range(len(offsets)) if i == 0 or offsets[i] != offsets[i - 1] + self.run]
        if len(begins) > FEW_RUNS:
            return ()
        ends = [*begins[1:], len(offsets)]
        return tuple((begin, end - begin, offsets[begin]) for begin, end in zip(begins, ends, strict=True))

    @property
    def solid(self) -> bool:
        """Whether the innermost loop goes through both without gaps."""
        return self.inner.src == self.run == self.inner.dst

    @property
    def items(self) -> int:
        return prod(loop.extent for loop in self.outer)


@dataclass(frozen=True)
class Turn(Kernel):
    """Parameters of templates/kernels/turn.c.j2: axis `p` lies side by side in the source, axis `q` in the destination.

    In the last step of loop `blocks` only `rows` of q are read, the others being zeros, and only `columns` of p are
    written: one of the axes is the lanes of a block of channels.
    """

    template: ClassVar[str] = "turn"
    what: str
    lanes: int
    loops: tuple[Loop, ...]
    blocks: int  # the loop of which the last step is not full; -1: none
    p: int
    q: int
    p_dst: int
    q_src: int
    rows: int
    columns: int
    src_start: int = 0
    dst_start: int = 0

    @property
    def stem(self) -> str:
        extents = (*(loop.extent for loop in self.loops), self.p, self.q)
        return f"{self.what}_{'x'.join(map(str, extents))}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def how(self) -> str:
        """How it copies, in words."""
        return f"tiles of {self.lanes} x {self.lanes}, turned in registers"

    @property
    def chunks(self) -> tuple[int, int]:
        """Length of the pieces along p and q that make up a work item: 16 floats are a cache line."""
        if self.q <= 16:
            return max(16, 8192 // self.q), self.q
        return (self.p, max(16, 8192 // self.p)) if self.p <= 16 else (16, 512)

    @property
    def pieces(self) -> tuple[int, int]:
        """Pieces along p and q; the last is the longest, so that each holds a whole tile if the axis does."""
        return max(1, self.p // self.chunks[0]), max(1, self.q // self.chunks[1])

    @property
    def items(self) -> int:
        return prod(loop.extent for loop in self.loops) * prod(self.pieces)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return stages(self.lanes)


def stages(lanes: int) -> tuple[Stage, ...]:
    """How `lanes` vectors are turned: for each distance of rows that are exchanged, the lanes of both results.

    Lanes count through both rows. Halves are exchanged as in any transposition by divide and conquer.
    """
    found: list[Stage] = []
    distance = 1
    while distance < lanes:
        upper = tuple(lane if not lane & distance else lanes + lane - distance for lane in range(lanes))
        lower = tuple(lane + distance if not lane & distance else lanes + lane for lane in range(lanes))
        found.append((distance, upper, lower))
        distance *= 2
    return tuple(found)
