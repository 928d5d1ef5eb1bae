"""Choosing the kernel of convolutions in narrow groups, depthwise ones among them."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.ir.types import TensorType, round_up
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.grouped import Grouped, GroupedPacking
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.options import Target
from convc.plan.blocking import flattened, walk_of
from convc.plan.call import Call, Packed
from convc.plan.formulas import make_formula


def is_narrow(op: Conv | ConvTranspose, src: TensorType, dst: TensorType, lanes: int) -> bool:
    """Whether vectors of `lanes` results would hold several groups; depthwise always."""
    if op.groups == 1 or src.block != dst.block:
        return False
    return op.groups == src.shape[1] or dst.shape[1] // op.groups % lanes > 0


def grouped_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    op, src, dst, weight = anchor.op, anchor.inputs[0].type, node.output.type, anchor.inputs[1]
    assert isinstance(op, Conv)
    (oc, width), window, lanes = weight.type.shape[:2], weight.type.shape[2:], dst.block
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    walk = flattened(walk_of(anchor, dst, formula, lanes), target.registers - 4)
    kernel = Grouped(
        lanes, target.registers, src.shape[0], src.shape[1], oc, op.groups, walk.depth, walk.height, walk.width,
        walk.src, walk.dst, op.bias, walk.epilogue, walk.last_row,
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, round_up(oc, lanes))),) if op.bias else ()
    packed = Packed(weight, GroupedPacking(oc, width, window, lanes))
    all_operands = (anchor.inputs[0], packed, *bias, *operands, node.output)
    return Call(kernel, all_operands, kernel.items, node, kernel.how)
