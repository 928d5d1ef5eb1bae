"""Nearest-neighbour resizing of plain images: a vector of outputs is one load of the source row, its lanes spread.

Where an image grows, the sources of a vector of outputs lie in one vector of the source. Which row an output row reads
is a table; a row is a few loops, each over vectors whose lanes are spread alike: doubling an image has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel

#: Vectors of a work item, at least: enough to hide the cost of beginning one.
ITEM_VECTORS: Final = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """`count` vectors of outputs from `start` on, each from one of the source: the first at `base`, then `step` on."""

    start: int
    base: int
    step: int
    count: int
    lanes: tuple[int, ...]


@dataclass(frozen=True)
class Spread(Kernel):
    """Parameters of templates/kernels/spread.c.j2: output row r of a plane is source row `rows[r]` at `columns`."""

    template: ClassVar[str] = "spread"
    lanes: int
    planes: int  # images times channels
    src_plane: int  # floats of a plane of the source
    width: int  # floats of its rows
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def stem(self) -> str:
        return f"spread_{self.planes}x{len(self.rows)}x{len(self.columns)}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def chunk(self) -> int:
        """Output rows of a work item."""
        return min(len(self.rows), ceil_div(ITEM_VECTORS, ceil_div(len(self.columns), self.lanes)))

    @property
    def chunks(self) -> int:
        return ceil_div(len(self.rows), self.chunk)

    @property
    def items(self) -> int:
        return self.planes * self.chunks

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        found: list[Run] = []
        for start, base, lanes in _vectors(self.columns, self.width, self.lanes):
            last = found[-1] if found else None
            if last and last.lanes == lanes and start == last.start + last.count * self.lanes:
                step = last.step if last.count > 1 else base - last.base
                if base == last.base + last.count * step:
                    found[-1] = Run(last.start, last.base, step, last.count + 1, lanes)
                    continue
            found.append(Run(start, base, 0, 1, lanes))
        return tuple(found)


def _vectors(columns: Sequence[int], width: int, lanes: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """(first output, where its vector of the source begins, the lanes taken); the last overlaps the one before."""
    last = len(columns) - lanes
    found = []
    for start in [*range(0, last, lanes), last]:
        part = columns[start : start + lanes]
        base = min(min(part), width - lanes)
        found.append((start, base, tuple(column - base for column in part)))
    return found


def can_spread(columns: Sequence[int], width: int, lanes: int) -> bool:
    """Whether every vector of outputs lies in one vector of the source."""
    return 1 < lanes <= min(width, len(columns)) and all(
        max(taken) < lanes for *_, taken in _vectors(columns, width, lanes)
    )
