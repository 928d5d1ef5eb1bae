"""Where values lie: those of one portion of a batch together, in a block of the arena that is their segment's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from convc.ir.graph import Value
from convc.ops.images import of_some
from convc.plan.call import Call
from convc.plan.memory import Buffer, arena_bytes, lower_bound, place
from convc.plan.program import Address, Placed, Segment, Space
from convc.plan.storage import Place


@dataclass(frozen=True, slots=True)
class Arena:
    """The plan: an address for each root, its table, and the segments with their blocks."""

    addresses: Mapping[str, Address]
    memory: tuple[Placed, ...]
    segments: tuple[Segment, ...]
    bytes: int
    lower_bound: int


def own_values(
    calls: Sequence[Call], segments: Sequence[Segment], storage: Mapping[str, Place], fixed: Collection[str]
) -> dict[str, Segment]:
    """Roots that only one segment touches, and that in several portions: what need not be kept for all images."""
    touched: dict[str, set[Segment]] = {}
    for segment in segments:
        for call in calls[segment.first : segment.end]:
            for root in _roots(call, storage):
                touched.setdefault(root.name, set()).add(segment)
    alone = {name: next(iter(found)) for name, found in touched.items() if len(found) == 1 and name not in fixed}
    return {name: segment for name, segment in alone.items() if segment.portions > 1}


def for_portions(storage: Mapping[str, Place], own: Mapping[str, Segment]) -> dict[str, Place]:
    """The storage with roots in `own` as large as one portion."""

    def seen(at: Place) -> Place:
        return replace(at, root=of_some(at.root, own[at.root.name].images)) if at.root.name in own else at

    return {name: seen(at) for name, at in storage.items()}


def plan_arena(
    calls: Sequence[Call], segments: Sequence[Segment], storage: Mapping[str, Place], fixed: Collection[str],
    own: Mapping[str, Segment],
) -> Arena:  # fmt: skip
    """A place for every root that is not `fixed`.

    What all images have is alive from its first writer to its last reader; a segment of several portions counts as one
    step, since the last portion is still to read what the first has read.
    """
    buffers = _buffers(calls, segments, storage, fixed, own)
    apart = {segment: [b for b in buffers if own.get(b.name) is segment] for segment in segments}
    placed = {segment: place(found) for segment, found in apart.items() if found}
    blocks = {f"<{s.first}>": Buffer(f"<{s.first}>", arena_bytes(p), s.first, s.end - 1) for s, p in placed.items()}
    whole = place([*(b for b in buffers if b.name not in own), *blocks.values()])
    offsets = {p.name: p.offset for p in whole}
    addresses = {p.name: Address(Space.ARENA, 0, p.offset) for p in whole if p.name not in blocks}
    memory = [p for p in whole if p.name not in blocks]
    found = []
    for segment in segments:
        at, inside = offsets.get(f"<{segment.first}>", 0), placed.get(segment, ())
        addresses |= {p.name: Address(Space.PORTION, 0, p.offset) for p in inside}
        memory += [replace(p, offset=at + p.offset) for p in inside]
        found.append(replace(segment, offset=at, bytes=arena_bytes(inside)))
    in_order = tuple(sorted(memory, key=lambda p: (p.first, p.offset)))
    return Arena(addresses, in_order, tuple(found), arena_bytes(whole), lower_bound(buffers))


def _roots(call: Call, storage: Mapping[str, Place]) -> list[Value]:
    values = (operand for operand in call.operands if isinstance(operand, Value))
    return [storage[value.name].root if value.name in storage else value for value in values]


def _buffers(
    calls: Sequence[Call], segments: Sequence[Segment], storage: Mapping[str, Place], fixed: Collection[str],
    own: Mapping[str, Segment],
) -> list[Buffer]:  # fmt: skip
    """One buffer per root in the arena."""
    lives: dict[str, tuple[Value, int, int]] = {}
    for segment in segments:
        for step in range(segment.first, segment.end):
            for root in _roots(calls[step], storage):
                if root.name in fixed:
                    continue
                whole = segment.portions > 1 and root.name not in own
                first, last = (segment.first, segment.end - 1) if whole else (step, step)
                lives[root.name] = (root, lives[root.name][1] if root.name in lives else first, last)
    return [Buffer(root.name, root.type.bytes, first, last) for root, first, last in lives.values()]
