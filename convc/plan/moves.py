"""Choosing how elements are copied: whole vectors where both sides keep the same channels together, runs where both lie
side by side, tiles turned in registers where each side has an axis of its own side by side, else one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convc.diagnostics import InternalError
from convc.ir.types import TensorType, ceil_div, lanes_filled, round_up
from convc.kernels.copy import OUTSIDE, ZERO, Copy, Loop, Turn, merged
from convc.plan.positions import Positions

#: Runs shorter than this are copied inside the innermost loop, longer ones are that loop.
_SHORT = 64


@dataclass(frozen=True, slots=True)
class Move:
    """A copy to be: `at` is where it begins along one axis of the destination, `value` what stands outside the source.

    `fill` says that the lanes past its last channel are nobody else's.
    """

    what: str
    src: TensorType
    dst: TensorType
    positions: Positions
    at: tuple[int, int] = (1, 0)
    value: float = 0.0
    fill: bool = True

    def sources(self) -> list[list[int]]:
        """Offsets in the source by the index along each axis of the destination."""
        return [self._source(axis) for axis in range(len(self.positions))]

    def _source(self, axis: int) -> list[int]:
        offsets = [0] * len(next(iter(self.positions[axis].values())))
        for source, indices in self.positions[axis].items():
            for i, index in enumerate(indices):
                offsets[i] = OUTSIDE if index < 0 else offsets[i] + place(self.src, source, index)
        return offsets

    def targets(self) -> list[list[int]]:
        """Offsets in the destination by the index along each of its axes."""
        lengths = [len(next(iter(indices.values()))) for indices in self.positions]
        starts = [self.at[1] if axis == self.at[0] else 0 for axis in range(len(lengths))]
        return [[place(self.dst, axis, starts[axis] + i) for i in range(n)] for axis, n in enumerate(lengths)]


def place(type: TensorType, axis: int, index: int) -> int:
    """The offset of an index along one axis."""
    if axis == 1 and type.block > 1:
        return index // type.block * type.strides[1] + index % type.block
    return index * type.strides[axis] if type.rank else 0


def is_separable(src: TensorType, positions: Positions) -> bool:
    """Whether places in a blocked source are sums over the axes: only one of them may begin inside a block."""
    feeding = [indices[1] for indices in positions if 1 in indices]
    return src.block == 1 or sum(any(i % src.block for i in indices) for indices in feeding) <= 1


def choose(move: Move, lanes: int) -> Copy | Turn:
    """The kernel for a copy; `lanes` is the width of a vector."""
    if not is_separable(move.src, move.positions):
        raise InternalError(f"{move.what} of {move.src} mixes blocks of channels")
    blocks = (move.src.block, move.dst.block)
    kernel: Copy | Turn | None = None
    if blocks[0] == blocks[1] > 1:
        kernel = _vectors(move)
    elif blocks == (1, 1):
        kernel = _plain(move, lanes)
    elif blocks[0] == 1:
        kernel = _into_blocks(move, lanes)
    elif blocks[1] == 1:
        kernel = _out_of_blocks(move, lanes)
    return kernel or _each(move)


def _loops(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> tuple[list[Loop], int, int]:
    """A loop for each axis, and where the source's and the destination's strides start."""
    found = [Loop.of(src, dst) for src, dst in zip(sources, targets, strict=True)]
    return [loop for loop, *_ in found], sum(start for _, start, _ in found), sum(start for *_, start in found)


def _vectors(move: Move) -> Copy | Turn | None:
    """Both sides keep the same channels together: a copy of whole vectors."""
    block, sources, targets = move.dst.block, move.sources(), move.targets()
    channels, first = sources[1], move.at[1] if move.at[0] == 1 else 0
    groups = [channels[i : i + block] for i in range(0, len(channels), block)]
    together = all(
        set(group) == {OUTSIDE} or (group[0] % block == 0 and group == list(range(group[0], group[0] + len(group))))
        for group in groups
    )
    ragged = len(channels) % block
    if not together or first % block or (ragged and move.value and any(OUTSIDE in axis for axis in sources)):
        return None
    past = max(move.positions[1].get(1, (0,))) + 1 < move.src.shape[1]  # other channels follow in the last vector
    keep = ragged if ragged and groups[-1][0] != OUTSIDE and past else 0
    sources[1], targets[1] = [group[0] for group in groups], targets[1][::block]
    loops, src_start, dst_start = _loops(sources, targets)
    if not keep:
        return Copy(move.what, merged(loops) or _ONCE, block, src_start, dst_start, move.value)
    before, after = merged(loops[:1]), merged(loops[2:])
    return Copy(
        move.what, (*before, loops[1], *after), block, src_start, dst_start, move.value, blocks=len(before), keep=keep
    )


_ONCE = (Loop(1, 0, 0, 0, 1),)


def _plain(move: Move, lanes: int) -> Copy | Turn:
    loops, src_start, dst_start = _loops(move.sources(), move.targets())
    nest = merged(loops) or _ONCE
    p = next((i for i, loop in enumerate(nest) if loop.src == 1 and loop.whole), None)
    q = len(nest) - 1 if nest[-1].dst == 1 and nest[-1].whole else None
    if p is not None and q is not None and p != q and not any(loop.partial for loop in nest):
        rest = tuple(loop for i, loop in enumerate(nest) if i not in (p, q))
        across, along = nest[p], nest[q]
        width = lanes_filled(min(across.extent, along.extent), lanes)
        if isinstance(across.dst, int) and isinstance(along.src, int) and width > 1:
            return Turn(
                move.what, width, rest, -1, across.extent, along.extent, across.dst, along.src, along.extent,
                across.extent, src_start, dst_start,
            )  # fmt: skip
    last = nest[-1]
    if len(nest) > 1 and last.whole and last.src == last.dst == 1 and last.extent < _SHORT:
        return Copy(move.what, nest[:-1], last.extent, src_start, dst_start, move.value)
    return Copy(move.what, nest, 1, src_start, dst_start, move.value)


def _into_blocks(move: Move, lanes: int) -> Copy | Turn | None:
    """A plain source: its channels become lanes while the pixels become vectors."""
    block, sources, targets = move.dst.block, move.sources(), move.targets()
    first = move.at[1] if move.at[0] == 1 else 0
    channels, *_ = Loop.of(sources[1], range(len(sources[1])))
    if not channels.whole or not isinstance(channels.src, int) or first % block or block != lanes:
        return None
    count = ceil_div(channels.extent, block)
    step = channels.src
    blocks = Loop(count, step * block, move.dst.strides[1], 0, count)
    return _turned(move, block, sources, targets, blocks, (step, 1), channels.extent - (count - 1) * block)


def _out_of_blocks(move: Move, lanes: int) -> Copy | Turn | None:
    """A plain destination: the lanes become channels while vectors become pixels."""
    block, sources, targets = move.src.block, move.sources(), move.targets()
    if move.positions[1].keys() != {1} or any(1 in p for i, p in enumerate(move.positions) if i != 1):
        return None
    channels = move.positions[1][1]
    if channels != tuple(range(channels[0], channels[0] + len(channels))) or channels[0] % block or block != lanes:
        return None
    count = ceil_div(len(channels), block)
    step = move.dst.strides[1]
    blocks = Loop(count, move.src.strides[1], step * block, 0, count)
    return _turned(move, block, sources, targets, blocks, (1, step), len(channels) - (count - 1) * block)


def _turned(
    move: Move, block: int, sources: list[list[int]], targets: list[list[int]], blocks: Loop, lane: tuple[int, int],
    last: int,
) -> Copy | Turn | None:  # fmt: skip
    """Lanes (their strides on both sides are `lane`) against the axis that lies side by side on the other side."""
    side = "dst" if lane[0] == 1 else "src"
    src_start, dst_start = sources[1][0], targets[1][0]
    before, b_src, b_dst = _loops(sources[:1], targets[:1])
    after, a_src, a_dst = _loops(sources[2:], targets[2:])
    nest = merged(after)
    pixels = next((i for i, loop in enumerate(nest) if getattr(loop, side) == 1 and loop.whole), None)
    if pixels is None or any(loop.partial for loop in (*before, *nest)):
        return None
    pixel = nest[pixels]
    assert isinstance(pixel.src, int) and isinstance(pixel.dst, int)
    outer = merged(before)
    loops = (*outer, blocks, *(loop for i, loop in enumerate(nest) if i != pixels))
    starts = (src_start + b_src + a_src, dst_start + b_dst + a_dst)
    if side == "src":
        return Turn(
            move.what, block, loops, len(outer), pixel.extent, block, pixel.dst, lane[0], last, pixel.extent, *starts
        )
    return Turn(
        move.what, block, loops, len(outer), block, pixel.extent, lane[1], pixel.src, pixel.extent, last, *starts
    )


def _each(move: Move) -> Copy | Turn:
    """One by one, through tables where strides do not do."""
    sources, targets = move.sources(), move.targets()
    if move.dst.block == 1:
        loops, src_start, dst_start = _loops(sources, targets)
        return Copy(move.what, merged(loops) or _ONCE, 1, src_start, dst_start, move.value)
    first = move.at[1] if move.at[0] == 1 else 0
    end = first + len(sources[1])
    if move.fill:  # the lanes past the last channel
        past = range(end, round_up(end, move.dst.block))
        sources[1] += [ZERO] * len(past)
        targets[1] += [place(move.dst, 1, channel) for channel in past]
    channels = Loop(len(sources[1]), tuple(sources[1]), tuple(targets[1]), 0, len(sources[1]))
    others, src_start, dst_start = _loops([sources[0], *sources[2:]], [targets[0], *targets[2:]])
    return Copy(move.what, (*merged(others), channels), 1, src_start, dst_start, move.value)
