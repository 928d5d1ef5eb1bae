"""A formula over a whole tensor: any rank, any mixture of layouts and broadcasts.

The elements are walked by a nest of loops, outermost first, each with an extent and a stride for every tensor; loops
that step all tensors alike have become one (`plan/elementwise.py`). The innermost counts vectors: of the channels of a
block, one position after another, or of `lanes` floats that lie one after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar, Final

from convc.kernels.base import Kernel
from convc.kernels.formula import Access, Formula

#: Vectors that a work item takes: enough to hide the cost of beginning one, few enough to be shared evenly.
ITEM_VECTORS: Final = 1024


@dataclass(frozen=True)
class Elementwise(Kernel):
    """Parameters of templates/kernels/elementwise.c.j2.

    `loops` are the extents; the last is in floats if `rows` (the others step vectors of a block of channels). The
    strides of the formula's accesses and of `dst` are by loop. `channels` is not 0 where the loop `block_loop` steps
    blocks of channels the last of which is ragged, and somebody must know how many lanes of it are there.
    """

    template: ClassVar[str] = "elementwise"
    lanes: int
    loops: tuple[int, ...]
    rows: bool
    formula: Formula
    dst: Access
    channels: int = 0
    block_loop: int = 0
    masked: bool = False

    @property
    def stem(self) -> str:
        steps = "_".join(term.op for term in self.formula.terms)[:48].rstrip("_")
        return f"{steps}_{'x'.join(map(str, self.loops))}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*(f"operand{i}" for i in range(self.formula.operands)), "dst")

    @property
    def in_place(self) -> tuple[int, ...]:
        """Operands that are read as the result is written; not where a last vector goes over the one before it."""
        if self.overlaps:
            return ()
        return tuple(i for i, access in enumerate(self.formula.accesses) if access == self.dst)

    @property
    def step(self) -> int:
        """What the innermost loop advances by."""
        return self.lanes if self.rows else 1

    @property
    def partial(self) -> int:
        """Floats of a row shorter than a vector; 0 where rows are longer."""
        return self.loops[-1] if self.rows and self.loops[-1] < self.lanes else 0

    @property
    def overlaps(self) -> bool:
        """Whether the last vector of a row begins inside the one before it, so that it ends with the row."""
        return self.rows and not self.partial and self.loops[-1] % self.lanes != 0

    @cached_property
    def cut(self) -> int:
        """The loop that is cut into chunks for the work items; those inside it belong to one item, whole."""
        inside = 1
        for number in reversed(range(len(self.loops))):
            inside *= self._vectors(number)
            if inside >= ITEM_VECTORS:
                return number
        return 0

    def _vectors(self, number: int) -> int:
        last = number == len(self.loops) - 1
        return max(1, self.loops[number] // self.step) if last else self.loops[number]

    @cached_property
    def chunk(self) -> int:
        """Iterations of the loop `cut` in one work item; the last item of a row takes up to twice as many."""
        inside = prod(self._vectors(number) for number in range(self.cut + 1, len(self.loops)))
        step = self.step if self.cut == len(self.loops) - 1 else 1
        return max(1, ITEM_VECTORS // inside) * step

    @property
    def chunks(self) -> int:
        return max(1, self.loops[self.cut] // self.chunk)

    @property
    def items(self) -> int:
        return prod(self.loops[: self.cut]) * self.chunks
