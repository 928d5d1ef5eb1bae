"""Finds the parts of a network that are alike, and puts calls of blocks in their place.

Scopes first, the innermost before those around them: parts of one structure under several scopes become one block.
What has no scopes is searched for stretches that come again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from convc.ir.graph import Graph
from convc.writer.blocks import Block, Part, block_name, call_of, make_block
from convc.writer.items import PARAMETER, Item, items_of

#: Items that a block must save altogether.
_LEAST_GAIN: Final = 3

#: Stretches without scopes: their longest, the fewest items, and what they must save.
_LONGEST, _SHORTEST, _REPEAT_GAIN = 40, 4, 8


def recover(graph: Graph) -> tuple[list[Item], list[Block]]:
    """The network's own items, and the blocks they call, callees first."""
    recovery = _Recovery(graph)
    recovery.scopes()
    recovery.repeats()
    return recovery.items, recovery.blocks


class _Recovery:
    def __init__(self, graph: Graph) -> None:
        self.items = items_of(graph)
        self.blocks: list[Block] = []
        self.outputs = set(graph.output_names)
        self.taken = {item.what for item in self.items} | {"x", PARAMETER, "block", "network"}

    # Scopes

    def scopes(self) -> None:
        heights = _heights([item.path for item in self.items])
        for height in range(1, max(heights.values(), default=0) + 1):
            groups: dict[Hashable, list[Part]] = {}
            for path in (path for path, own in heights.items() if own == height):
                part = self.part(path, [item for item in self.items if item.path.startswith(f"{path}.")])
                if part is not None:
                    groups.setdefault(part.key(), []).append(part)
            for parts in groups.values():
                self.extract(parts, _LEAST_GAIN)

    def part(self, path: str, items: Sequence[Item]) -> Part | None:
        """The items as a part, if it can be called: nothing outside stands between them."""
        while items and items[0].what == "concat" and self._reads_outside(items[0], items):
            items = items[1:]  # what is joined before is told apart by how much it is: it stays outside
        if len(items) < 2:
            return None
        made = {output for item in items for output in item.outputs}
        inputs = tuple(dict.fromkeys(name for item in items for name in item.reads if name not in made))
        results = tuple(name for item in items for name in item.outputs if self._leaves(name, items))
        whole = bool(inputs) and 0 < len(results) < 4 and self._is_convex(items, made)
        return Part(path, tuple(items), inputs, results) if whole else None

    def _reads_outside(self, item: Item, items: Sequence[Item]) -> bool:
        made = {output for other in items for output in other.outputs}
        return not any(name in made for name in item.reads)

    def _leaves(self, name: str, items: Sequence[Item]) -> bool:
        inside = set(map(id, items))
        return name in self.outputs or any(name in item.reads for item in self.items if id(item) not in inside)

    def _is_convex(self, items: Sequence[Item], made: set[str]) -> bool:
        """Whether no path leads out of the part and back into it."""
        inside, after = set(map(id, items)), set(made)
        behind: set[str] = set()
        for item in self.items:
            if id(item) in inside:
                if any(name in behind for name in item.reads):
                    return False
            elif any(name in after for name in item.reads):
                after.update(item.outputs)
                behind.update(item.outputs)
        return True

    # Blocks

    def extract(self, parts: Sequence[Part], gain: int) -> None:
        size = len([item for item in parts[0].items if item.what != PARAMETER])
        if len(parts) < 2 or (len(parts) - 1) * (size - 1) < gain:
            return
        block = make_block(block_name(parts, self.taken), parts)
        if block is None:
            exact: dict[Hashable, list[Part]] = {}
            for part in parts:
                exact.setdefault(tuple(str(item.arguments) for item in part.items), []).append(part)
            if len(exact) > 1:
                for alike in exact.values():
                    self.extract(alike, gain)
            return
        self.taken.add(block.name)
        self.blocks.append(block)
        for number, part in enumerate(parts):
            self._replace(part, call_of(block, part, number))

    def _replace(self, part: Part, call: Item) -> None:
        inside = set(map(id, part.items))
        place = next(i for i, item in enumerate(self.items) if id(item) in inside)
        rest = [item for item in self.items if id(item) not in inside]
        self.items = _ordered([*rest[:place], call, *rest[place:]])

    # Repetitions

    def repeats(self) -> None:
        """Stretches of items without scopes that come again, the most saving first."""
        while len(self.items) > _LONGEST and not any("." in item.path for item in self.items):
            best: list[Part] = []
            for length in range(_SHORTEST, _LONGEST + 1):
                parts = self._alike(length)
                if _gain(parts) > max(_REPEAT_GAIN - 1, _gain(best)):
                    best = parts
            if not best:
                return
            before = len(self.blocks)
            self.extract(best, _REPEAT_GAIN)
            if len(self.blocks) == before:
                return

    def _alike(self, length: int) -> list[Part]:
        """The largest group of equal stretches of `length` items that do not overlap."""
        groups: dict[Hashable, list[tuple[int, Part]]] = {}
        for start in range(len(self.items) - length + 1):
            items = self.items[start : start + length]
            if items[0].what in (PARAMETER, "relu", "add"):
                continue
            part = self.part("", items)
            if part is None or len(part.items) != length or len(part.inputs) > 2 or len(part.results) > 1:
                continue
            group = groups.setdefault(part.key(), [])
            if not group or group[-1][0] + length <= start:
                group.append((start, part))
        found = [[part for _, part in group] for group in groups.values()]
        return max(found, key=_gain, default=[])


def _gain(parts: Sequence[Part]) -> int:
    return (len(parts) - 1) * (len(parts[0].items) - 1) if parts else 0


def _heights(paths: Sequence[str]) -> dict[str, int]:
    """How many levels of scopes lie in each scope, itself counted."""
    found: dict[str, int] = {}
    for path in paths:
        parts = path.split(".")
        for depth in range(1, len(parts)):
            scope = ".".join(parts[:depth])
            found[scope] = max(found.get(scope, 0), len(parts) - depth)
    return found


def _ordered(items: Sequence[Item]) -> list[Item]:
    """In the order given, but for items that must wait for what they read."""
    made_later = {output for item in items for output in item.outputs}
    known: set[str] = set()
    done: list[Item] = []
    waiting = list(items)
    while waiting:
        ready = next(item for item in waiting if all(name in known or name not in made_later for name in item.reads))
        waiting.remove(ready)
        known.update(ready.outputs)
        done.append(ready)
    return done
