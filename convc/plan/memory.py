"""One arena for all that lives between kernels: offsets from lifetimes.

Placing intervals so that those alive together do not overlap is NP-hard in general; the greedy by size (each buffer,
largest first, at the lowest offset free over its whole life) mostly reaches the bound on networks. Where it does not,
other orders are tried; then the buffers that end highest go first, again and again, as long as there are rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convc.ir.types import round_up
from convc.plan.program import Placed

#: Buffers begin on a cache line, which is also the widest vector.
ALIGNMENT = 64

#: How often each order is mended: the plan of a network is made in a fraction of a second.
ROUNDS = 20


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
    bound = lower_bound(buffers)
    best: list[Placed] | None = None
    for order in orders:
        ordered = sorted(buffers, key=order)
        for _ in range(ROUNDS):
            plan = _greedy(ordered)
            if best is None or arena_bytes(plan) < arena_bytes(best):
                best = plan
            if arena_bytes(best) <= round_up(bound, ALIGNMENT):
                return _by_use(best)
            ordered = _highest_first(ordered, plan)
    return _by_use(best or [])


def _highest_first(ordered: Sequence[Buffer], plan: Sequence[Placed]) -> list[Buffer]:
    """The order with the buffers that reach the arena's end at its front."""
    top = arena_bytes(plan)
    highest = {p.name for p in plan if p.offset + round_up(p.bytes, ALIGNMENT) == top}
    return [b for b in ordered if b.name in highest] + [b for b in ordered if b.name not in highest]


def _by_use(places: Sequence[Placed]) -> tuple[Placed, ...]:
    return tuple(sorted(places, key=lambda p: (p.first, p.offset)))


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


def live_bytes(places: Sequence[Placed], steps: int) -> list[int]:
    """The bytes alive at each step."""
    alive = [0] * steps
    for place in places:
        for step in range(place.first, place.last + 1):
            alive[step] += place.bytes
    return alive


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
