"""An algorithm that can compute a convolution, and the choice of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm with its parameters.

    Direct convolution has none, Winograd tiles of `outputs`, `block` at a time, Strassen `block` pairs at a time, or
    with two `levels`, his product of his products, fours.
    """

    outputs: tuple[int, int] = (0, 0)
    block: int = 0
    levels: int = 1

    @property
    def is_direct(self) -> bool:
        return self.block == 0

    @property
    def is_strassen(self) -> bool:
        return self.block > 0 and self.outputs == (0, 0)

    @property
    def name(self) -> str:
        if self.is_strassen:
            return f"strassen, {self.block} pairs" if self.levels == 1 else f"strassen twice, {self.block} fours"
        return "direct" if self.is_direct else f"winograd {self.outputs[0]}x{self.outputs[1]}, {self.block} tiles"


DIRECT: Final = Candidate()


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that was chosen, and in words why."""

    candidate: Candidate
    reason: str
