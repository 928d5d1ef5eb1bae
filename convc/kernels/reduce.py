"""Reductions: loops over what is kept, around loops over what is summed (multiplied, compared)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final, Literal

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel

#: What becomes of one element x, and what joins two results a and b; lanes that hold no element hold the last.
MAPS: Final = {
    "sum": ("x", "a + b", "0.0f"),
    "max": ("x", "convc_maximum(a, b)", "-__builtin_inff()"),
    "min": ("x", "convc_minimum(a, b)", "__builtin_inff()"),
    "prod": ("x", "a * b", "1.0f"),
    "l1": ("convc_abs(x)", "a + b", "0.0f"),
    "squares": ("x * x", "a + b", "0.0f"),
    "exp": ("convc_exp(x - largest)", "a + b", "0.0f"),
}

#: Vectors that one partial sum takes in before it is added to the total: long sums then lose little.
CHUNK: Final = 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A loop over results: its strides on both sides."""

    extent: int
    src: int
    dst: int


@dataclass(frozen=True, slots=True)
class Summed:
    """A loop over the elements of one result."""

    extent: int
    src: int


@dataclass(frozen=True)
class Reduce(Kernel):
    """Parameters of templates/kernels/reduce.c.j2.

    A vector holds `lanes` neighbours of an axis of `width`: results side by side (`across`), of which there are
    ceil(width / lanes) vectors, or elements of one result that are joined at the end. Of blocked images the axis is the
    channels, and vectors lie `vector_src` floats apart. `finish` is what is done with the total.
    """

    template: ClassVar[str] = "reduce"
    what: str
    kind: Literal["sum", "max", "min", "prod", "l1", "squares", "exp"]
    finish: Literal["", "mean", "sqrt", "log"]
    lanes: int
    across: bool
    kept: tuple[Kept, ...]
    summed: tuple[Summed, ...]
    width: int
    count: int  # elements of one result
    vector_src: int
    vector_dst: int = 0
    lane_dst: int = 1
    src_padded: bool = False  # whole vectors may be read: lanes past the last channel hold zeros
    dst_padded: bool = False  # whole vectors must be written, zeros past the last channel
    least: float = 0.0

    @property
    def stem(self) -> str:
        kept = "x".join(str(loop.extent) for loop in self.kept) or "1"
        return f"{self.what}_{kept}_of_{self.count}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def vectors(self) -> int:
        """Vectors along the axis that lies in the lanes."""
        return ceil_div(self.width, self.lanes)

    @property
    def last(self) -> int:
        """Lanes of the last of them that hold an element."""
        return self.width - (self.vectors - 1) * self.lanes

    @property
    def items(self) -> int:
        return prod(loop.extent for loop in self.kept) * (self.vectors if self.across else 1)

    @property
    def walks(self) -> bool:
        """Whether the innermost loop walks the vectors of one result."""
        return not self.across and self.width != self.lanes

    @property
    def overlaps(self) -> bool:
        """Whether the last vector of a result, where it is not whole, is read as one that overlaps another."""
        return not self.across and self.vectors > 1 and self.vector_src == self.lanes and not self.src_padded

    @property
    def outer(self) -> tuple[Summed, ...]:
        """The loops around the innermost one."""
        return self.summed if self.walks else self.summed[:-1]

    @property
    def inner(self) -> Summed:
        """The innermost loop, over whole vectors only."""
        if not self.walks:
            return self.summed[-1] if self.summed else Summed(1, 0)
        whole = self.vectors if self.last == self.lanes else self.vectors - 1
        return Summed(whole, self.vector_src)

    @property
    def chunk(self) -> int:
        return CHUNK

    def maps(self, kind: str) -> tuple[str, str, str]:
        """The C of `kind`: of one element, of joining two, and what an empty lane holds."""
        return MAPS[kind]
