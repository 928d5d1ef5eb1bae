"""Matrix products of two operands computed while running."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.copy import Stage, stages

#: Rows that a work item at least multiplies with the columns it has packed.
_ROWS = 96

#: Work items that are enough to share among threads.
_ITEMS = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """One axis of the stacks: its strides in a, b and the result."""

    extent: int
    a: int
    b: int
    dst: int


@dataclass(frozen=True)
class MatMul(Kernel):
    """Parameters of templates/kernels/matmul.c.j2: dst[m, n] = sum over k of a[m, k] * b[k, n].

    `a` and `b` are the strides of the operands along (m, k) and (k, n); columns of the result lie side by side, its
    rows `dst_row` apart. A work item packs `vectors` vectors of columns of b into scratch, then takes `tile` rows of a
    at a time. With few rows, and columns side by side, b is read as it lies.
    """

    template: ClassVar[str] = "matmul"
    lanes: int
    vectors: int
    tile: int
    batch: tuple[Batch, ...]
    m: int
    k: int
    n: int
    a: tuple[int, int]
    b: tuple[int, int]
    dst_row: int

    @property
    def stem(self) -> str:
        stack = "x".join(str(axis.extent) for axis in self.batch)
        return f"matmul{'_' + stack if stack else ''}_{self.m}x{self.k}x{self.n}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("a", "b", *(("scratch",) if self.packs else ()), "dst")

    @property
    def packs(self) -> bool:
        """Whether columns are packed first; not worth it for few rows of whole panels."""
        return self.b[1] != 1 or self.m > self.tile or self.n % self.width != 0

    @property
    def turned(self) -> bool:
        """Whether columns lie as rows, of whole vectors at least, and are turned while they are packed."""
        return self.b[0] == 1 and self.b[1] != 1 and 1 < self.lanes <= self.k

    @property
    def stages(self) -> tuple[Stage, ...]:
        return stages(self.lanes)

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return self.vectors * self.lanes

    @property
    def panels(self) -> int:
        return ceil_div(self.n, self.width)

    @property
    def rows(self) -> int:
        """Rows of a work item, whole tiles but for the last."""
        others = prod(axis.extent for axis in self.batch) * self.panels
        share = ceil_div(self.m, ceil_div(_ITEMS, others))
        return ceil_div(max(share, min(self.m, _ROWS)), self.tile) * self.tile

    @property
    def bands(self) -> int:
        return ceil_div(self.m, self.rows)

    @property
    def scratch_bytes(self) -> int:
        return self.k * self.width * 4

    @property
    def items(self) -> int:
        return prod(axis.extent for axis in self.batch) * self.panels * self.bands
