"""Kernels of one pass over memory: response norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.plane import Plane


class _Map(Protocol):
    """What has channels and a map."""

    @property
    def channels(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...


def _size(map: _Map) -> str:
    """`64x56x56`, with a depth of more than one between channels and height."""
    numbers = (map.channels, *((map.depth,) if map.depth > 1 else ()), map.height, map.width)
    return "x".join(str(number) for number in numbers)


@dataclass(frozen=True)
class ResponseNorm(Kernel):
    """Local response normalisation across channels: templates/kernels/response_norm.c.j2."""

    template: ClassVar[str] = "response_norm"
    lanes: int
    n: int
    channels: int
    depth: int
    height: int
    width: int
    src: Plane
    dst: Plane
    size: int
    alpha: float
    beta: float
    k: float

    @property
    def stem(self) -> str:
        return f"response_norm_{_size(self)}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "dst")

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def items(self) -> int:
        return self.n * self.depth * self.height
