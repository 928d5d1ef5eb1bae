"""One arena for all that lives between kernels: offsets from lifetimes.

Placing intervals so that those alive together do not overlap is NP-hard in general; the greedy by size (each buffer,
largest first, at the lowest offset free over its whole life) comes within a few percent of the bound on networks. It
is cheap, so several orders are tried and the smallest arena wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convc.ir.types import round_up
from convc.plan.program import Placed

#: Buffers begin on a cache line, which is also the widest vector.
ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Buffer:
    """`bytes` needed over the steps `first..last`, both included."""

    name: str
    bytes: int
    first: int
    last: int

    def meets(self, other: Buffer | Placed) -> bool:
        return self.first <= other.last and other.first <= self.last


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """The largest sum of bytes alive at one step: no arena can be smaller."""
    steps = {buffer.first for buffer in buffers}
    return max((sum(b.bytes for b in buffers if b.first <= step <= b.last) for step in steps), default=0)


def place(buffers: Sequence[Buffer]) -> tuple[Placed, ...]:
    """A place for every buffer: the best of several greedy orders, in order of first use."""
    orders: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
        lambda b: (-b.bytes, b.first),
        lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
        lambda b: (-(b.last - b.first), -b.bytes),
        lambda b: (b.first, -b.bytes),
    )
    plans = [_greedy(sorted(buffers, key=order)) for order in orders]
    best = min(plans, key=arena_bytes)
    return tuple(sorted(best, key=lambda p: (p.first, p.offset)))


def arena_bytes(places: Sequence[Placed]) -> int:
    return max((place.offset + round_up(place.bytes, ALIGNMENT) for place in places), default=0)


def overlaps(places: Sequence[Placed]) -> list[tuple[Placed, Placed]]:
    """Pairs that share bytes while both are alive: none, in a plan that is right."""
    ordered = sorted(places, key=lambda p: p.offset)
    pairs = []
    for number, a in enumerate(ordered):
        for b in ordered[number + 1 :]:
            if b.offset >= a.offset + a.bytes:
                break
            if a.first <= b.last and b.first <= a.last:
                pairs.append((a, b))
    return pairs


def _greedy(buffers: Sequence[Buffer]) -> list[Placed]:
    placed: list[Placed] = []
    for buffer in buffers:
        offset = 0
        for other in sorted((p for p in placed if buffer.meets(p)), key=lambda p: p.offset):
            if offset + buffer.bytes <= other.offset:
                break
            offset = max(offset, round_up(other.offset + other.bytes, ALIGNMENT))
        placed.append(Placed(buffer.name, offset, buffer.bytes, buffer.first, buffer.last))
    return placed
