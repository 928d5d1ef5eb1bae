"""How a direct convolution walks its operands, so that caches serve the register tiles.

    for each group of output rows           its pixels, and the sums over it, stay in the second-level cache
        for each part of the input channels
            for each tile of output channels    its weights of this part stay in the first-level cache
                for each register tile of the group

The order of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), for convolutions. Sums
wait in the result between parts; bias is added in the first, the epilogue applied in the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from convc.ir.graph import Node
from convc.ir.types import TensorType, ceil_div
from convc.kernels.conv_packing import Reduction, Split
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane
from convc.kernels.tiles import UNIT, Axis
from convc.ops.conv import Conv
from convc.plan.axes import axes_of
from convc.plan.call import plane

#: Bytes of weights that a sweep over pixels finds in the first-level cache (of 32 KiB; pixels need the rest).
PANEL_BYTES: Final = 16 * 1024

#: Bytes of pixels and sums that stay in the second-level cache (512 KiB or more): weights and results pass through it.
GROUP_BYTES: Final = 224 * 1024

#: Work items that a layer should at least have, for threads to share.
ITEMS: Final = 16

#: Register tiles in a row of a flattened map.
TILES_PER_ROW: Final = 8


@dataclass(frozen=True, slots=True)
class Walk:
    """The axes of a convolution and how its operands step along them; the last row may be shorter than the others."""

    depth: Axis
    height: Axis
    width: Axis
    src: Plane
    dst: Plane
    epilogue: Formula
    last_row: int = 0  # 0: as long as the others


def walk_of(anchor: Node, dst: TensorType, formula: Formula, lanes: int) -> Walk:
    """The walk of a convolution whose result, or that of its epilogue `formula`, is a `dst`."""
    op, src, window = anchor.op, anchor.inputs[0].type, anchor.inputs[1].type.shape[2:]
    assert isinstance(op, Conv)
    return _upright(Walk(*axes_of(op, window, src, dst), plane(src), plane(dst, lanes), formula))


def flattened(walk: Walk, pixels: int) -> Walk:
    """A pointwise walk over one line of pixels in rows of whole register tiles; others as they are.

    A 7 x 7 map is then 49 pixels, not 7 rows of 7.
    """
    if not is_line(walk):
        return walk
    count = walk.depth.out * walk.height.out * walk.width.out
    row = min(count, pixels * TILES_PER_ROW)
    rows = ceil_div(count, row)
    accesses = tuple(
        replace(a, strides=(*a.strides[:2], 0, a.strides[4] * row, a.strides[4])) for a in walk.epilogue.accesses
    )
    return Walk(
        UNIT, replace(UNIT, size=rows, out=rows), replace(UNIT, size=row, out=row),
        replace(walk.src, d=0, h=walk.src.w * row), replace(walk.dst, d=0, h=walk.dst.w * row),
        replace(walk.epilogue, accesses=accesses), count % row,
    )  # fmt: skip


def _upright(walk: Walk) -> Walk:
    """A walk over volumes whose taps lie along the depth alone as one over images, whose rows are the slices.

    Others stay as they are.
    """
    rows = [(p.h, p.w) for p in (walk.src, walk.dst)] + [a.strides[3:] for a in walk.epilogue.accesses]
    alone = walk.depth.kernel > 1 and all(_is_trivial(axis) for axis in (walk.height, walk.width))
    if not alone or not all(walk.height.out == 1 or h == w * walk.width.out for h, w in rows):
        return walk
    count = walk.height.out * walk.width.out
    accesses = tuple(
        replace(a, strides=(*a.strides[:2], 0, a.strides[2], a.strides[4])) for a in walk.epilogue.accesses
    )
    return replace(
        walk, depth=UNIT, height=walk.depth, width=replace(UNIT, size=count, out=count),
        src=replace(walk.src, d=0, h=walk.src.d), dst=replace(walk.dst, d=0, h=walk.dst.d),
        epilogue=replace(walk.epilogue, accesses=accesses),
    )  # fmt: skip


def is_line(walk: Walk) -> bool:
    """Whether it is pointwise, and the pixels of every map follow one another as if it had one row."""
    pointwise = all(map(_is_trivial, (walk.depth, walk.height, walk.width)))
    steps = [(p.d, p.h, p.w) for p in (walk.src, walk.dst)] + [a.strides[2:] for a in walk.epilogue.accesses]
    return pointwise and all(_rows_join(walk, *step) for step in steps)


def _is_trivial(axis: Axis) -> bool:
    """Whether every output reads the input at its own place, and no other."""
    return axis.kernel == axis.stride == 1 and axis.pad == 0 and axis.size == axis.out


def _rows_join(walk: Walk, d: int, h: int, w: int) -> bool:
    """Whether rows and slices follow one another as pixels do."""
    rows = walk.height.out == 1 or h == w * walk.width.out
    return rows and (walk.depth.out == 1 or d == w * walk.width.out * walk.height.out)


def split_reduction(reduction: Reduction, taps: int, outputs: int) -> Split | None:
    """Parts of the input channels whose weights for `outputs` channels stay in the first-level cache."""
    _, blocks, size = reduction.parts[0]
    parts = ceil_div(blocks, max(1, PANEL_BYTES // (taps * size * outputs * 4)))
    each = ceil_div(blocks, parts)
    return Split(ceil_div(blocks, each), each) if parts > 1 else None


def rows_per_group(walk: Walk, reduction: Reduction, split: Split | None, oc: int, weights: int) -> int:
    """Output rows in a work item: those that move the fewest bytes between the second-level cache and what is behind.

    Every group reads all `weights` (bytes). Its pixels are read once if those of one part stay in the cache, else by
    every tile of output channels; its sums are moved twice for every part unless they stay there too.
    """
    rows, tiles = walk.height.out, len(reduction.bases)
    channels = split.blocks * reduction.block if split else reduction.channels
    source = 4 * walk.width.out * walk.width.stride * walk.height.stride * channels
    sums = 4 * walk.width.out * oc
    parts = split.parts if split else 1

    def moved(group: int) -> float:
        pixels = 1 if group * source <= GROUP_BYTES else tiles
        waits = 2 * (parts - 1) if group * (source + sums) > GROUP_BYTES else 0
        return ceil_div(rows, group) * weights + rows * (source * parts * pixels + sums * waits)

    most = min(rows, max(1, ceil_div(rows * tiles, ITEMS)))
    return min(range(1, most + 1), key=lambda group: (moved(group), -group))
