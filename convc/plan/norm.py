"""Norms with the input's own statistics."""

from __future__ import annotations

from math import prod

from convc.ir.graph import Graph, Node, Value
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.norm import NormBlocks, NormRows
from convc.ops.statistics import GroupNorm, LayerNorm, StatisticsNorm
from convc.options import Target
from convc.plan.call import Call, Operand, Packed, extent5, plane


def norm_call(graph: Graph, node: Node, op: StatisticsNorm, target: Target) -> Call:
    """The call for a norm of a plain tensor, or of a blocked image."""
    src, dst = node.inputs[0].type, node.output.type
    flags = op.eps, op.weight, op.bias
    kernel: NormBlocks | NormRows
    if isinstance(op, LayerNorm):
        size = prod(src.shape[op.axis :])
        kernel = NormRows(op.name, target.lanes, src.elements // size, 1, 1, size, *flags, per_element=True)
    else:
        channels, pixels = src.shape[1], prod(src.shape[2:])
        groups = op.groups if isinstance(op, GroupNorm) else channels
        per_group = channels // groups
        if src.block == 1:
            rows = src.shape[0] * groups
            kernel = NormRows(op.name, target.lanes, rows, groups, per_group, pixels, *flags)
        else:
            n, _, *maps = extent5(src)
            s, d = plane(src), plane(dst)
            kernel = NormBlocks(
                op.name, src.block, n, channels, per_group, (maps[0], maps[1], maps[2]),
                (s.n, s.block, s.d, s.h, s.w), (d.n, d.block, d.d, d.h, d.w), *flags,
            )  # fmt: skip
    weights = tuple(_weight(graph, value) for value in node.inputs[1:])
    return Call(
        kernel, (node.inputs[0], *weights, node.output), kernel.items, node,
        "three passes: mean, distances from it, result",
    )  # fmt: skip


def _weight(graph: Graph, value: Value) -> Operand:
    constant = value.name in graph.constants
    return Packed(value, VectorPacking(value.type.elements, value.type.elements)) if constant else value
