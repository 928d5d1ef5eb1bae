"""place-concat: the operands of a concatenation over channels are produced straight into their slices of it.

    before:  a: f32[1, 32, 9, 9; nChw16c] = conv(...)
             b: f32[1, 64, 9, 9; nChw16c] = conv(...)
             y: f32[1, 96, 9, 9; nChw16c] = concat(a, b)
    after:   a: f32[1, 32, 9, 9; nChw16c(7776, 1296, 144, 16)] = conv(...)       the strides of y
             b: f32[1, 64, 9, 9; nChw16c(7776, 1296, 144, 16)] = conv(...)
             y: f32[1, 96, 9, 9; nChw16c] = concat(a, b, in_place = true)

Requires: layouts. Ensures: every operand has the strides of the result and starts at a whole block; the memory planner
gives all of them one buffer. Declines: other axes, operands that start inside a block, and operands that are inputs,
constants, views, outputs of the network, or already part of another concatenation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Fused
from convc.ops.shape import Concat, Flatten, Reshape
from convc.passes.base import Pass, Report


@dataclass(frozen=True)
class PlaceConcat(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "place-concat"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        placed: dict[str, Value] = {}
        chosen: set[str] = set()
        for node in graph.runtime_nodes():
            if not isinstance(node.op, Concat):
                continue
            reason = _refusal(graph, node, placed)
            if reason:
                report.declined(node, f"copied: {reason}")
                continue
            placed |= {v.name: Value(v.name, v.type.with_layout(node.output.type.layout)) for v in node.inputs}
            chosen.add(node.name)
            report.applied(node, "its operands are written in place")
        return graph.with_nodes(_place(node, placed, chosen) for node in graph.nodes) if chosen else graph


def _refusal(graph: Graph, node: Node, placed: dict[str, Value]) -> str:
    assert isinstance(node.op, Concat)
    result = node.output.type
    if result.rank != 4 or node.op.axis != 1 or result.block == 1:
        return "only blocked images, over channels, can be joined in place"
    if len(set(node.inputs)) != len(node.inputs):
        return "one operand stands in it twice"
    if node.name in placed:
        return "it is part of another concatenation itself"
    start = 0
    for value in node.inputs:
        producer = graph.producers.get(value.name)
        if start % result.block:
            return f"{value.name} starts at channel {start}, inside a block of {result.block}"
        if producer is None or value.name in graph.constants or isinstance(producer.op, (Flatten, Reshape, Concat)):
            return f"{value.name} is not computed by a kernel that can write into it"
        if value.name in placed:
            return f"{value.name} lies in another concatenation already"
        if value.name in graph.output_names:
            return f"{value.name} is an output of the network"
        start += value.type.shape[1]
    return ""


def _place(node: Node, placed: dict[str, Value], chosen: set[str]) -> Node:
    inputs = tuple(placed.get(value.name, value) for value in node.inputs)
    outputs = tuple(placed.get(value.name, value) for value in node.outputs)
    if node.name in chosen:
        assert isinstance(node.op, Concat)
        return Node(replace(node.op, in_place=True), inputs, outputs, node.span)
    if isinstance(node.op, Fused):
        members = [_place(member, placed, chosen) for member in node.op.nodes]
        return replace(Fused.of(members, outputs), span=node.span)
    if inputs == node.inputs and outputs == node.outputs:
        return node
    return Node(node.op, inputs, outputs, node.span)
