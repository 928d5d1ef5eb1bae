"""How the lanes of a vector of results get the input channels of their groups.

A vector of output channels may hold several groups, and begin or end in the middle of one. At step i every lane wants
input channel i of its own group, so the vector that is multiplied is one of

    load      the source as it is (depthwise: a group is a channel)
    shuffle   its lanes in another order, which moves them within 16 bytes and is a constant
    order     the lanes of one vector in any order, or of two or three merged: the channels of a step mostly lie in
              different lanes, so that each lane is taken from the one vector that has it for this step
    splat     one channel in all lanes, or a channel for each group, blended

With wide vectors an order that is known only at run time is one instruction, so one function takes tables of orders for
all blocks and steps. Elsewhere, and where channels of a step meet in a lane, they are splat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

#: Lanes that a shuffle moves at full speed: those of 16 bytes, which other lanes cannot be moved to or from.
QUAD: Final = 4

#: Lanes from which on an order of any lanes is an instruction.
LEAST_ORDERED: Final = 8

#: Vectors of the source that are merged at most.
MOST_MERGED: Final = 3

#: Time of a tile of three taps whose columns are merged from so many vectors and ordered, relative to one whose columns
#: are loaded, with 16 registers on a Zen 4. With 32, where tiles of two rows make more of a column, orders always win.
_ORDERED: Final = {1: 1.1, 2: 1.7, 3: 3.0}

#: The same of columns that are blended from splats of one channel, of two, three, and more.
_SPLAT: Final = (1.05, 1.15, 1.9, 2.6)


@dataclass(frozen=True, slots=True)
class Step:
    """What a vector of results reads at a step: lanes of `blocks` of the source, counted from the first one's, those
    `taken` as bits for each block; merged, they are put in `order`.
    """

    blocks: tuple[int, ...]
    taken: tuple[int, ...]
    order: tuple[int, ...]


@dataclass(frozen=True)
class Lanes:
    """The group that each lane reads, counted from the first lane's.

    `width` are the input channels of a group, `start` is the place of the first group's first one in its block.
    """

    groups: tuple[int, ...]
    width: int
    start: int = 0

    @property
    def splats(self) -> int:
        """Channels that are blended in a step."""
        return self.groups[-1] + 1

    def blend(self, group: int) -> tuple[int, ...]:
        """Which lanes keep what they have, and which take (from the second vector) the channel of `group`."""
        return tuple(lane + len(self.groups) * (g == group) for lane, g in enumerate(self.groups))

    @cached_property
    def steps(self) -> tuple[Step, ...] | None:
        """What is read at each; None where channels meet in a lane, or lie in more vectors than are merged."""
        found = [self._step(number) for number in range(self.width)]
        return tuple(step for step in found if step) if all(found) else None

    def _step(self, number: int) -> Step | None:
        lanes = len(self.groups)
        channels = [self.start + group * self.width + number for group in self.groups]
        block_of = {channel % lanes: channel // lanes for channel in channels}
        blocks = tuple(sorted({channel // lanes for channel in channels}))
        if len(block_of) < len(set(channels)) or len(blocks) > MOST_MERGED:
            return None
        taken = tuple(sum(1 << lane for lane, found in block_of.items() if found == block) for block in blocks)
        return Step(blocks, taken, tuple(channel % lanes for channel in channels))


def lanes_of_block(block: int, lanes: int, width: int, per_group: int, channels: int) -> Lanes:
    """Those of block number `block` of `channels` results, of which groups have `per_group`.

    Lanes past the last channel go on in the source's block, where that holds all, else they read the last group.
    """
    of_lane = [(block * lanes + lane) // per_group for lane in range(lanes)]
    first = of_lane[0]
    start = first * width % lanes
    if start + (of_lane[-1] + 1 - first) * width > lanes:
        of_lane = [min(group, (channels - 1) // per_group) for group in of_lane]
    return Lanes(tuple(group - first for group in of_lane), width, start)


def mode_of(patterns: Sequence[Lanes], registers: int) -> Literal["load", "shuffle", "order", "splat"]:
    """How blocks are read that are all read alike."""
    lanes = len(patterns[0].groups)
    steps = [step for pattern in patterns for step in pattern.steps or ()]
    whole = all(pattern.steps for pattern in patterns)
    if whole and all(step.blocks == (0,) and step.order == tuple(range(lanes)) for step in steps):
        return "load"
    if whole and all(step.blocks == (0,) and _within_quads(step.order) for step in steps) and patterns[0].splats > 1:
        return "shuffle"
    if not whole or lanes < LEAST_ORDERED:
        return "splat"
    ordered = sum(_ORDERED[len(step.blocks)] for step in steps)
    blended = sum(pattern.width * _SPLAT[min(pattern.splats, len(_SPLAT)) - 1] for pattern in patterns)
    return "order" if registers == 32 or ordered < blended else "splat"


def _within_quads(order: tuple[int, ...]) -> bool:
    """Whether every lane reads one of its own sixteen bytes, and all sixteen bytes alike."""
    quads = [[source - at for source in order[at : at + QUAD]] for at in range(0, len(order), QUAD)]
    return all(0 <= source < QUAD for source in quads[0]) and all(quad == quads[0] for quad in quads)
