"""The kernels of poolings: over windows, over whole maps, to a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from convc.ir.graph import Graph, Node
from convc.kernels.bins import Bins, whole
from convc.kernels.tiles import UNIT, Axis
from convc.kernels.window import Window, average_counts
from convc.ops.adaptive_pool import AdaptiveAvgPool, AdaptivePool
from convc.ops.pool import AvgPool, GlobalAvgPool, GlobalLpPool, GlobalMaxPool, GlobalPool, LpPool, MaxPool, WindowPool
from convc.options import Target
from convc.plan.axes import axes_of
from convc.plan.call import Call, extent5, five, plane
from convc.plan.formulas import make_formula
from convc.plan.reduce import reduce_kernel

Kind = Literal["max", "average", "norm"]

#: What poolings of whole maps are of plain images.
REDUCTIONS: Final[dict[type, str]] = {GlobalAvgPool: "reduce_mean", GlobalMaxPool: "reduce_max"}

_KINDS: Final[dict[type, Kind]] = {
    MaxPool: "max", AvgPool: "average", LpPool: "norm",
    GlobalMaxPool: "max", GlobalAvgPool: "average", GlobalLpPool: "norm",
}  # fmt: skip


def pool_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node]) -> Call:
    """Pooling over windows."""
    op = anchor.op
    assert isinstance(op, WindowPool)
    axes = axes_of(op, op.kernel, anchor.inputs[0].type, node.output.type)
    divisors: tuple[tuple[int, ...], ...] = ()
    if isinstance(op, AvgPool):
        after = five((0, 0, *op.pad[len(op.kernel) :]), 0)[2:]
        divisors = tuple(
            average_counts(axis, pad, op.count_include_pad) for axis, pad in zip(axes, after, strict=True)
        )
    p = op.p if isinstance(op, LpPool) else 0
    return _window(graph, node, anchor, followers, _KINDS[type(op)], axes, divisors, p)


def adaptive_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node]) -> Call:
    """Pooling to a size: windows where all bins are alike and apart, otherwise bins with ends of their own."""
    op = anchor.op
    assert isinstance(op, AdaptivePool)
    kind: Kind = "average" if isinstance(op, AdaptiveAvgPool) else "max"
    extents = anchor.inputs[0].type.shape[2:]
    if all(extent % out == 0 for extent, out in zip(extents, op.size, strict=True)) and max(op.size) > 1:
        found = [Axis(n, out, n // out, n // out, 1, 0) for n, out in zip(extents, op.size, strict=True)]
        depth, height, width = [UNIT] * (3 - len(found)) + found
        axes = (depth, height, width)
        divisors = tuple(average_counts(axis, 0, True) for axis in axes) if kind == "average" else ()
        return _window(graph, node, anchor, followers, kind, axes, divisors, 0)
    bins = op.bins(extents)
    return _bins(graph, node, anchor, followers, kind, [whole(1)] * (3 - len(bins)) + list(bins), 0)


def global_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    """Pooling of whole maps; rows that follow each other without a gap are walked as one.

    A plain image alone is a reduction over its spatial axes, whose pixels lie in the lanes.
    """
    op, src, dst = anchor.op, anchor.inputs[0].type, node.output.type
    assert isinstance(op, GlobalPool)
    if type(op) in REDUCTIONS and not followers and src.block == dst.block == 1:
        kernel = reduce_kernel(REDUCTIONS[type(op)], src, dst, tuple(range(2, src.rank)), True, target)
        reason = "four partial results; elements of one result lie in the lanes"
        return Call(kernel, (anchor.inputs[0], node.output), kernel.items, node, reason)
    _, _, depth, height, width = extent5(anchor.inputs[0].type)
    strides = plane(anchor.inputs[0].type)
    if strides.h == width * strides.w:
        height, width = 1, height * width
    p = op.p if isinstance(op, GlobalLpPool) else 0
    return _bins(graph, node, anchor, followers, _KINDS[type(op)], [whole(depth), whole(height), whole(width)], p)


def _window(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], kind: Kind, axes: tuple[Axis, Axis, Axis],
    divisors: tuple[tuple[int, ...], ...], p: int,
) -> Call:  # fmt: skip
    src, dst = anchor.inputs[0].type, node.output.type
    formula, operands = make_formula(graph, followers, dst, dst.block, anchor.output)
    kernel = Window(
        kind, dst.block, src.shape[0], src.shape[1], *axes, plane(src), plane(dst), formula, divisors, p=p
    )
    all_operands = (anchor.inputs[0], *operands, node.output)
    return Call(kernel, all_operands, kernel.items, node, "windows read only taps inside the map")


def _bins(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], kind: Kind,
    bins: Sequence[tuple[tuple[int, int], ...]], p: int,
) -> Call:  # fmt: skip
    src, dst = anchor.inputs[0].type, node.output.type
    formula, operands = make_formula(graph, followers, dst, dst.block, anchor.output)
    depth, height, width = bins
    kernel = Bins(
        kind, dst.block, src.shape[0], src.shape[1], depth, height, width, plane(src), plane(dst), formula, p
    )
    all_operands = (anchor.inputs[0], *operands, node.output)
    return Call(kernel, all_operands, kernel.items, node, "four partial results per block of channels")
