"""Softmax, its logarithm, and hardmax along one axis of a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final

from convc.kernels.base import Kernel
from convc.kernels.formula import Access

#: Vectors of a row that registers hold beside what an exponential needs.
HELD: Final = 8

#: Floats of source and result that a work item should touch: they are read up to three times.
ITEM_FLOATS: Final = 4096


@dataclass(frozen=True)
class Softmax(Kernel):
    """Parameters of templates/kernels/softmax.c.j2.

    `loops` are the extents of all axes but the one summed along, outermost first, those joined that can be; the strides
    of `src` and `dst` are by loop, and `src_axis`, `dst_axis` those along the axis. Where the axis is contiguous
    (`along`), lanes lie along it; otherwise along the last loop, in floats or, in blocks of channels, in vectors.
    `channels` is not 0 where the loop `block_loop` steps blocks the last of which is ragged.
    """

    template: ClassVar[str] = "softmax"
    kind: str  # the op's name
    lanes: int
    axis: int
    loops: tuple[int, ...]
    src: Access
    dst: Access
    src_axis: int
    dst_axis: int
    along: bool
    channels: int = 0
    block_loop: int = 0

    @property
    def stem(self) -> str:
        return f"{self.kind}_{self.axis}_of_{'x'.join(map(str, self.loops))}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def held(self) -> bool:
        """Whether a row stays in registers from its largest element to the division."""
        return self.along and self.kind != "hardmax" and self.axis <= HELD * self.lanes

    @property
    def step(self) -> int:
        """What one vector advances the last loop by."""
        return 1 if self.src.mode == "block" else self.lanes

    @property
    def chunk(self) -> int:
        """Iterations of the last loop in one work item: whole vectors, side by side, so that rows are read in order."""
        vectors = max(1, min(ITEM_FLOATS // (self.axis * self.lanes), 32))
        return min(vectors * self.step, self.loops[-1])

    @property
    def chunks(self) -> int:
        return -(-self.loops[-1] // self.chunk)

    @property
    def vectors(self) -> int:
        """Vectors of one chunk."""
        return -(-self.chunk // self.step)

    @property
    def ragged(self) -> bool:
        """Whether the last loop ends inside a vector."""
        return self.loops[-1] % self.step != 0

    @property
    def items(self) -> int:
        return prod(self.loops) if self.along else prod(self.loops[:-1]) * self.chunks
