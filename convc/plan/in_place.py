"""Results written over an operand that nobody reads again, by kernels that read each element before they write it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from convc.ir.graph import Value
from convc.plan.call import Call
from convc.plan.program import Address
from convc.plan.storage import Place


def take_over(
    calls: Sequence[Call], storage: Mapping[str, Place], fixed: Mapping[str, Address], own: Collection[str],
    repeated: Collection[int],
) -> dict[str, Place]:  # fmt: skip
    """The storage with such results in the place of the operand that dies.

    The operand must have its storage to itself and in the arena, be as large as the result, and be read for the last
    time by the call that makes the result; the kernel says at which operands it reads what it writes (`in_place`). In
    the steps `repeated` for portions of a batch both must be values of one portion, which are those with storage in
    `own`: the others are read again for the next portion, or hold all images.
    """
    places = dict(storage)
    last, writers = _last_uses(calls, storage), _writers(calls, storage)
    for step, call in enumerate(calls):
        dst = call.operands[-1]
        if not isinstance(dst, Value) or dst.name in fixed or not _owns(places, dst) or writers[dst.name] > 1:
            continue
        for operand in _candidates(call):
            root = places.get(operand.name, Place(operand, 0)).root
            dies = last[root.name] == step and root.name not in fixed
            if not (root.name in own) == (dst.name in own) == (step in repeated):
                continue
            if dies and root.type == operand.type and root.type.bytes == dst.type.bytes:
                for name, at in places.items():
                    if at.root.name == dst.name:
                        places[name] = Place(root, at.offset)
                places[dst.name] = Place(root, 0)
                last[root.name] = last[dst.name]
                break
    return places


def _candidates(call: Call) -> list[Value]:
    """Operands that the kernel reads only where, and just before, it writes."""
    allowed = call.kernel.in_place
    found = [call.operands[i] for i in allowed]
    others = [operand for i, operand in enumerate(call.operands[:-1]) if i not in allowed]
    return [operand for operand in found if isinstance(operand, Value) and operand not in others]


def _owns(places: Mapping[str, Place], value: Value) -> bool:
    at = places.get(value.name)
    return at is not None and at.root.name == value.name


def _last_uses(calls: Sequence[Call], storage: Mapping[str, Place]) -> dict[str, int]:
    found: dict[str, int] = {}
    for step, call in enumerate(calls):
        for operand in call.operands:
            if isinstance(operand, Value):
                found[storage.get(operand.name, Place(operand, 0)).root.name] = step
    return found


def _writers(calls: Sequence[Call], storage: Mapping[str, Place]) -> dict[str, int]:
    """How many calls write into each root."""
    found: dict[str, int] = {}
    for call in calls:
        dst = call.operands[-1]
        if isinstance(dst, Value):
            name = storage.get(dst.name, Place(dst, 0)).root.name
            found[name] = found.get(name, 0) + 1
    return found
