"""Concatenations that grow, as in DenseNet: each joins what the one before did, and what was made of that.

    concat(a, b) |> f -> c      features = [a, b]
    concat(a, b, c) |> f -> d   features = features + [concat(features) |> f]
    concat(a, b, c, d) |> g     features = features + [concat(features) |> f]
                                concat(features) |> g
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from convc.writer.items import Item

#: Concatenations that are worth a list.
_FEWEST = 3


@dataclass(eq=False)
class Growing:
    """The concatenations over one list, in order; `joined` are the values added to it on the way."""

    items: list[Item]
    joined: set[str] = field(default_factory=set)


def growing(items: Sequence[Item], uses: Mapping[str, int]) -> dict[int, Growing]:
    """The list of each concatenation that is over one, by the item's identity."""
    chains: dict[tuple[object, ...], Growing] = {}
    for item in items:
        if item.what != "concat" or item.arguments.get("axis") != 1:
            continue
        known = chains.pop(item.operands[:-1], None)
        family = known or Growing([])
        if known is not None:
            family.joined.add(str(item.operands[-1]))
        family.items.append(item)
        chains[item.operands] = family
    made_by = {output: item for item in items for output in item.outputs}
    kept = [family for family in chains.values() if len(family.items) >= _FEWEST and _closed(family, uses, made_by)]
    return {id(item): family for family in kept for item in family.items}


def _closed(family: Growing, uses: Mapping[str, int], made_by: Mapping[str, Item]) -> bool:
    """Whether what joined the list is read nowhere else, and comes from the concatenation just before it did."""
    for earlier, item in zip(family.items, family.items[1:], strict=False):
        new = str(item.operands[-1])
        if uses.get(new, 0) != sum(new in other.operands for other in family.items):
            return False
        source: Item | None = made_by.get(new)
        while source is not None and source is not earlier:
            tensors = list(source.reads)
            source = made_by.get(tensors[0]) if len(tensors) == 1 and uses.get(tensors[0]) == 1 else None
        if source is None:
            return False
    return True
