"""place-slices: a slice, or a piece of a split, is read where its source lies, and nothing is copied.

    before:  u: f32[1, 32, 9, 9; nChw16c], v: f32[1, 48, 9, 9; nChw16c] = split(x, sizes = [32, 48])
             w: f32[1, 80, 5, 9; nChw16c] = slice(x, axis = 2, begin = 2, end = 7)
    after:   u: f32[1, 32, 9, 9; nChw16c] = slice(x, axis = 1, begin = 0, end = 32, in_place = true)
             v: f32[1, 48, 9, 9; nChw16c] = slice(x, axis = 1, begin = 32, end = 80, in_place = true)
             w: f32[1, 80, 5, 9; nChw16c(6480, 1296, 144, 16)] = slice(x, axis = 2, begin = 2, end = 7, in_place = true)

A slice of a slice lies in place in it, whatever their axes. Crops of rows and columns (U-Net, FCN) are read in place by
what steps from pixel to pixel anyway: arithmetic, and copies into another place.
Requires: layouts, concatenations in place, movements fused. Ensures: a slice in place has the strides of its source and
starts at a whole block; the memory planner gives both one buffer. Declines: plain tensors, steps other than 1, channels
that begin or end inside a block (lanes past the last channel hold zeros), what lies in a concatenation, inputs of the
network, and crops that a convolution, a pool or a norm reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import members
from convc.ir.types import Layout
from convc.ops.common import Elementwise
from convc.ops.movement import Movement, Slice, Split
from convc.ops.shape import Concat, Reorder
from convc.passes.base import Pass, Report
from convc.passes.rewrite import substitute


@dataclass(frozen=True)
class PlaceSlices(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "place-slices"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        views: dict[str, Value] = {}  # by name, with the strides they have now
        nodes: list[Node] = []
        for original in graph.nodes:
            node = substitute(original, views)
            pieces = _pieces(node)
            reasons = [_refusal(graph, piece) for piece in pieces]
            for piece, reason in zip(pieces, reasons, strict=True):
                if reason:
                    report.declined(piece, f"copied: {reason}")
                else:
                    report.applied(piece, f"lies in {piece.inputs[0].name}")
            if all(reasons):
                nodes.append(node)
                continue
            for piece, reason in zip(pieces, reasons, strict=True):
                nodes.append(piece if reason else _in_place(piece, views))
        return graph.with_nodes(nodes) if views else graph


def _pieces(node: Node) -> list[Node]:
    """The slices a node stands for: itself, or those of a split; none where it lies in place, or is neither."""
    match node.op:
        case Slice(in_place=False):
            return [node]
        case Split(axis=axis):
            ranges = zip(node.outputs, node.op.starts, node.op.sizes, strict=True)
            source = node.inputs
            return [Node(Slice(axis, a, a + size), source, (value,), node.span, node.fuse) for value, a, size in ranges]
    return []


def _refusal(graph: Graph, piece: Node) -> str:
    op, source, result = piece.op, piece.inputs[0], piece.output
    assert isinstance(op, Slice)
    block = source.type.block
    if block == 1 or result.type.block != block:
        return f"{source.name} is not stored by blocks of channels"
    if source.name in graph.constants or source in graph.inputs:
        return f"{source.name} is not computed while running"
    users = graph.users.get(result.name, ())
    if any(isinstance(user.op, Concat) and user.op.in_place for user in users):
        return "it lies in a concatenation"
    if op.step != 1:
        return f"its step is {op.step}"
    if op.axis == 1 and (op.begin % block or (op.end % block and op.end != source.type.shape[1])):
        return f"channels {op.begin} to {op.end} are no whole blocks of {block}"
    if source.type.strides[1:] == Layout.dense(result.type.shape, block).strides[1:]:
        return ""
    reader = next((user for user in users if not _steps(user, result)), None)
    return f"{reader.name} reads whole maps" if reader else ""


def _steps(user: Node, value: Value) -> bool:
    """Whether a node reads this value by its strides alone, from pixel to pixel."""
    anchor, *_ = members(user)
    if all(read.name != value.name for read in anchor.inputs) or isinstance(anchor.op, Elementwise):
        return True
    return anchor is user and isinstance(anchor.op, (Movement, Reorder, Concat))


def _in_place(piece: Node, views: dict[str, Value]) -> Node:
    value = Value(piece.name, piece.output.type.with_layout(piece.inputs[0].type.layout))
    views[value.name] = value
    assert isinstance(piece.op, Slice)
    return replace(piece, op=replace(piece.op, in_place=True), outputs=(value,))
