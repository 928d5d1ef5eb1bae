"""place-concat: the operands of a concatenation over channels are produced straight into their slices of it.

    before:  a: f32[1, 32, 9, 9; nChw16c] = conv(...)
             b: f32[1, 64, 9, 9; nChw16c] = conv(...)
             y: f32[1, 96, 9, 9; nChw16c] = concat(a, b)
    after:   a: f32[1, 32, 9, 9; nChw16c(7776, 1296, 144, 16)] = conv(...)       the strides of y
             b: f32[1, 64, 9, 9; nChw16c(7776, 1296, 144, 16)] = conv(...)
             y: f32[1, 96, 9, 9; nChw16c] = concat(a, b, in_place = true)

A concatenation inside another one lies in place in it. An operand that cannot lie there (an input of the network, one
that lies in another concatenation, one that stands here twice) gets a copy that can, so that the others still may.
Requires: layouts. Ensures: every operand has the strides of the result and starts at a whole block; the memory planner
gives all of them one buffer. Declines: other axes, plain tensors, operands that start inside a block, and where every
operand would need a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.types import Layout
from convc.ops.shape import Concat, Reorder
from convc.passes.base import Pass, Report
from convc.passes.rewrite import substitute


@dataclass(frozen=True)
class PlaceConcat(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "place-concat"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        placing = _Placing(graph, report)
        # Outer concatenations first: what lies in them takes over their strides.
        joins = [node for node in reversed(tuple(graph.runtime_nodes())) if isinstance(node.op, Concat)]
        done = [node for node in joins if isinstance(node.op, Concat) and node.op.in_place]
        placing.placed |= {value.name: value for node in done for value in node.inputs}
        for node in joins:
            if node not in done:
                placing.consider(node)
        return placing.result()


@dataclass
class _Placing:
    graph: Graph
    report: Report
    placed: dict[str, Value] = field(default_factory=dict)  # values with their new strides
    chosen: dict[str, frozenset[str]] = field(default_factory=dict)  # concat -> the operands that lie in it
    names: set[str] = field(default_factory=set)

    def consider(self, node: Node) -> None:
        layout = self.placed.get(node.name, node.output).type.layout
        reason = self._refusal(node, layout)
        if reason:
            self.report.declined(node, f"copied: {reason}")
            return
        own = self._own(node)
        if not own:
            self.report.declined(node, "copied: no operand could be written in place")
            return
        self.placed |= {value.name: Value(value.name, value.type.with_layout(layout)) for value in own}
        self.chosen[node.name] = frozenset(value.name for value in own)
        others = len(node.inputs) - len(own)
        exception = f", but for {others} copied" if others else ""
        self.report.applied(node, f"its operands are written in place{exception}")

    def _refusal(self, node: Node, layout: Layout) -> str:
        assert isinstance(node.op, Concat)
        if not node.output.type.is_image or node.op.axis != 1 or layout.block == 1:
            return "only blocked images, over channels, can be joined in place"
        start = 0
        for value in node.inputs:
            if start % layout.block:
                return f"{value.name} starts at channel {start}, inside a block of {layout.block}"
            start += value.type.shape[1]
        return ""

    def _own(self, node: Node) -> list[Value]:
        """The operands that can lie in this concatenation."""
        return [value for value in dict.fromkeys(node.inputs) if self._free(value)]

    def _free(self, value: Value) -> bool:
        computed = value.name in self.graph.producers and value.name not in self.graph.constants
        return computed and value.name not in self.placed and value.name not in self.graph.output_names

    def result(self) -> Graph:
        if not self.chosen:
            return self.graph
        self.names = set(self.graph.names)
        nodes: list[Node] = []
        for node in self.graph.nodes:
            placed = substitute(node, self.placed)
            nodes += self._join(placed) if node.name in self.chosen else [placed]
        return self.graph.with_nodes(nodes)

    def _join(self, node: Node) -> list[Node]:
        """The concatenation in place, after copies of the operands that lie elsewhere."""
        assert isinstance(node.op, Concat)
        layout = node.output.type.layout
        operands: list[Value] = []
        copies: list[Node] = []
        for value in node.inputs:
            if value.name not in self.chosen[node.name] or value in operands:
                copy = Value(fresh_name(f"{value.name}.copy", self.names), value.type.with_layout(layout))
                self.names.add(copy.name)
                copies.append(Node(Reorder(), (value,), (copy,), node.span))
                value = copy
            operands.append(value)
        return [*copies, Node(replace(node.op, in_place=True), tuple(operands), node.outputs, node.span, node.fuse)]
