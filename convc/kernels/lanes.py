"""How the lanes of a vector of results get the input channels of their groups.

A vector of output channels may hold several groups, and begin or end in the middle of one. At step i every lane wants
input channel i of its own group, so the vector that is multiplied is one of

    load      the source as it is (depthwise: a group is a channel)
    splat     one channel in all lanes, or a channel for each group, blended
    shuffle   the lanes of one source vector in another order
    mix       the same of two neighbouring ones

whichever the machine does fastest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Lanes that a shuffle moves at full speed: those of 16 bytes, which other lanes cannot be moved to or from.
QUAD: Final = 4


@dataclass(frozen=True, slots=True)
class Lanes:
    """The group that each lane reads, counted from the first lane's, and how; see the module docstring.

    `width` are the input channels of a group, `start` is the place of the first group's first one in its block.
    """

    mode: str
    groups: tuple[int, ...]
    width: int
    start: int = 0

    @property
    def steps(self) -> int:
        """Steps that are written out one by one, because they differ in their C, not only in where they read."""
        return 1 if self.mode == "splat" else self.width

    @property
    def splats(self) -> int:
        """Channels that are blended in a step."""
        return self.groups[-1] + 1

    def order(self, step: int) -> tuple[int, ...]:
        """The lane of the source, or of two, that each lane reads at this step."""
        return tuple(self.start + group * self.width + step for group in self.groups)

    def blend(self, group: int) -> tuple[int, ...]:
        """Which lanes keep what they have, and which take (from the second vector) the channel of `group`."""
        return tuple(lane + len(self.groups) * (g == group) for lane, g in enumerate(self.groups))

    @property
    def temporaries(self) -> int:
        """Registers besides sums and weights: a column, a product, others to make the column from."""
        if self.mode == "mix":
            return 4
        return 3 if self.splats > 1 and self.mode == "splat" else 2


def lanes_of_block(block: int, lanes: int, width: int, per_group: int, channels: int, registers: int) -> Lanes:
    """Those of block number `block` of `channels` results, of which groups have `per_group`.

    Lanes past the last channel go on in the source's block, where that holds all, else they read the last group.
    """
    of_lane = [(block * lanes + lane) // per_group for lane in range(lanes)]
    first = of_lane[0]
    start = first * width % lanes
    if start + (of_lane[-1] + 1 - first) * width > lanes:
        of_lane = [min(group, (channels - 1) // per_group) for group in of_lane]
    groups = tuple(group - first for group in of_lane)
    if width == per_group == 1:
        return Lanes("load", groups, width)
    end = start + (groups[-1] + 1) * width
    possible = [Lanes("splat", groups, width)]
    if groups[-1] > 0 and end <= 2 * lanes:
        possible.append(Lanes("shuffle" if end <= lanes else "mix", groups, width, start))
    return min(possible, key=lambda found: _cost(found, registers))


def _cost(found: Lanes, registers: int) -> float:
    """Measured on kernels of three taps, relative to a load. Blends are cheap everywhere; across 16 bytes shuffles are
    not, but with 64-byte vectors, where any of two vectors is one instruction."""
    if found.mode == "splat":
        return 0.5 + 0.5 * found.splats
    if registers == 32:
        return 1.2 if found.mode == "shuffle" else 1.7
    within = len(found.groups) <= QUAD or all(_within_quads(found.order(step)) for step in range(found.width))
    return {"shuffle": 1.1 if within else 2.4, "mix": 2.0 if len(found.groups) <= QUAD else 3.6}[found.mode]


def _within_quads(order: tuple[int, ...]) -> bool:
    """Whether every lane reads one of its own sixteen bytes, and all sixteen bytes alike."""
    quads = [[source - at for source in order[at : at + QUAD]] for at in range(0, len(order), QUAD)]
    return all(0 <= source < QUAD for source in quads[0]) and all(quad == quads[0] for quad in quads)
