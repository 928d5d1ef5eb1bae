"""Choosing the kernel of depthwise convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.ir.types import round_up
from convc.kernels.conv_direct import VectorPacking
from convc.kernels.depthwise import Depthwise, DepthwisePacking
from convc.ops.conv import Conv
from convc.options import Target
from convc.plan.axes import axes_of
from convc.plan.call import Call, Packed, plane
from convc.plan.formulas import make_formula


def depthwise_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    op, src, dst, weight = anchor.op, anchor.inputs[0].type, node.output.type, anchor.inputs[1]
    assert isinstance(op, Conv)
    channels, window, lanes = weight.type.shape[0], weight.type.shape[2:], dst.block
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    multiplier = channels // op.groups
    kernel = Depthwise(
        lanes, target.registers, src.shape[0], channels, multiplier, *axes_of(op, window, src, dst), plane(src),
        plane(dst), op.bias, formula,
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(channels, round_up(channels, lanes))),) if op.bias else ()
    packed = Packed(weight, DepthwisePacking(channels, window, lanes))
    all_operands = (anchor.inputs[0], packed, *bias, *operands, node.output)
    reason = "depthwise: every channel is filtered by itself"
    if multiplier > 1:
        reason = f"depthwise: {multiplier} filters for every channel"
    return Call(kernel, all_operands, kernel.items, node, reason)
