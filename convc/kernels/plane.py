"""One side of a kernel: where its elements lie, and how vectors of channels are stored there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plane:
    """Strides of one side of a kernel, in floats: image, block of channels, channel inside it, slice, row, pixel."""

    n: int
    block: int
    channel: int
    d: int
    h: int
    w: int


def store_mode(dst: Plane, blocked: bool) -> str:
    """How a vector of output channels is stored: `block` (aligned), `row` (side by side), `lanes` (one by one)."""
    if blocked:
        return "block"
    return "row" if dst.channel == 1 else "lanes"
