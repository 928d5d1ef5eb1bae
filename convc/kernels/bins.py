"""Pooling over bins whose ends are known: whole maps, and the uneven bins of adaptive pooling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.formula import IDENTITY, Formula
from convc.kernels.plane import Plane

#: Where the bins of one axis begin and end, one for each output.
Axis = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Bins(Kernel):
    """Parameters of templates/kernels/bins.c.j2; `p` is the order of a norm."""

    template: ClassVar[str] = "bins"
    kind: Literal["max", "average", "norm"]
    lanes: int
    n: int
    channels: int
    depth: Axis
    height: Axis
    width: Axis
    src: Plane
    dst: Plane
    epilogue: Formula = IDENTITY
    p: int = 0

    @property
    def stem(self) -> str:
        axes = (self.depth, self.height, self.width) if self.depth != ((0, 1),) else (self.height, self.width)
        whole = all(len(axis) == 1 for axis in axes)
        name = {"max": "maxpool", "average": "avgpool", "norm": f"l{self.p}pool"}[self.kind]
        size = "x".join(str(axis[-1][1] if whole else len(axis)) for axis in axes)
        return f"{'global' if whole else 'adaptive'}_{name}_{self.channels}x{size}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", *self.epilogue.parameters(), "dst")

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def items(self) -> int:
        return self.n * self.blocks * len(self.depth) * len(self.height)

    @property
    def masked(self) -> bool:
        return self.epilogue.spoils(self.channels, self.lanes)

    @cached_property
    def longest(self) -> int:
        """The widest bin along a row."""
        return max(end - begin for begin, end in self.width)


def whole(extent: int) -> Axis:
    """One bin of everything."""
    return ((0, extent),)
