"""Which layouts an op's kernel takes: what `assign-layouts` asks of each node."""

from __future__ import annotations

from enum import Enum
from typing import Final

from convc.ir.graph import Node
from convc.ir.types import lanes_filled
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.ops.movement import Movement, Transpose
from convc.ops.pool import GlobalAvgPool, GlobalMaxPool
from convc.ops.reduce import Reduce
from convc.ops.reshaping import Squeeze, Unsqueeze
from convc.ops.resize import Resize
from convc.ops.shape import Flatten, Reshape
from convc.ops.shuffle import DepthToSpace
from convc.ops.softmax import AlongAxis
from convc.ops.statistics import LayerNorm, LpNorm, StatisticsNorm


class Rule(Enum):
    """What a node wants of its images."""

    PLAIN = "plain"
    BLOCKED = "blocked"
    FOLLOW = "follow"  # as they come: plain ones stay plain, blocked ones blocked


_PLAIN_ONLY: Final = (Flatten, Reshape, Squeeze, Unsqueeze, Linear, MatMul, LayerNorm)
_FOLLOWING: Final = (Movement, Reduce, StatisticsNorm, LpNorm, AlongAxis)


def rule_of(node: Node, lanes: int) -> Rule:
    """The rule for a node, where a block has `lanes` channels."""
    op = node.op
    if isinstance(op, _PLAIN_ONLY) or not _keeps_blocks(node, lanes):
        return Rule.PLAIN
    return Rule.FOLLOW if isinstance(op, _FOLLOWING) else Rule.BLOCKED


def _keeps_blocks(node: Node, lanes: int) -> bool:
    """Whether a node that could follow blocks would not have to take them apart."""
    match node.op:
        case AlongAxis():
            return node.op.axis > 1
        case Transpose():
            return node.op.order[1:2] == (1,)
        case DepthToSpace():
            return node.op.mode == "dcr" and node.output.type.shape[1] % lanes == 0
        case Movement():
            return all(value.type.rank == node.inputs[0].type.rank for value in node.outputs)
        case Reduce():
            return node.op.keepdims or not node.output.type.is_image or min(node.op.axes, default=2) > 1
    return True


def is_quick_plain(node: Node, lanes: int) -> bool:
    """Whether a plain image is computed as fast as it would be in blocks, where nothing follows in the same node."""
    match node.op:
        case GlobalAvgPool() | GlobalMaxPool():
            return True
        case Resize(mode="nearest"):  # that grows: a vector of its outputs lies in a vector of its input
            size, out = node.inputs[0].type.shape[-1], node.output.type.shape[-1]
            return 1 < lanes_filled(size, lanes) <= out and node.op.scale[-1] >= 1
    return False
