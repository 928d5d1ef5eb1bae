"""The call of a convolution that is computed directly."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from convc.ir.graph import Graph, Node
from convc.ir.types import ceil_div
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.conv_packing import ConvPacking, VectorPacking
from convc.ops.conv import Conv
from convc.options import Target
from convc.plan.blocking import flattened, rows_per_group, split_reduction, walk_of
from convc.plan.call import Call, Packed
from convc.plan.formulas import make_formula
from convc.plan.reduction import channel_tile, reduction_of


def direct_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    """`anchor`, a convolution, with its epilogue `followers`."""
    op, src, dst, weight, lanes = anchor.op, anchor.inputs[0].type, node.output.type, anchor.inputs[1], target.lanes
    assert isinstance(op, Conv)
    oc, window = weight.type.shape[0], weight.type.shape[2:]
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    blocks = ceil_div(oc, lanes)
    walk = walk_of(anchor, dst, formula, lanes)
    pixels, vectors = channel_tile(oc, op.groups, walk.width.out, target)
    reduction = reduction_of(src, oc, op.groups, vectors * lanes, ceil_div(blocks, vectors))
    walk = flattened(walk, pixels)
    split = split_reduction(reduction, prod(window), vectors * lanes) if src.block > 1 and dst.block > 1 else None
    packing = ConvPacking(oc, op.groups, window, vectors, lanes, reduction, split=split)
    kernel = ConvDirect(
        lanes, vectors, pixels, src.shape[0], oc, walk.depth, walk.height, walk.width, reduction, walk.src, src.block,
        walk.dst, dst.block > 1, op.bias, walk.epilogue, rows_per_group(walk, reduction, split, oc, packing.size() * 4),
        split, walk.last_row,
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, blocks * lanes)),) if op.bias else ()
    reason = (
        f"direct, tiles of {pixels} pixels x {vectors * lanes} channels: "
        f"{'the source is plain' if src.block == 1 else 'source and result are blocked by channels'}"
    )
    all_operands = (anchor.inputs[0], Packed(weight, packing), *bias, *operands, node.output)
    return Call(kernel, all_operands, kernel.items, node, reason)
