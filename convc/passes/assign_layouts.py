"""assign-layouts: every image inside the network is stored in blocks of channels.

    before:  y: f32[1, 64, 56, 56] = conv(x, ...)      after:  y: f32[1, 64, 56, 56; nChw16c] = conv(x, ...)

Inputs and outputs of the network stay as the caller has them. A convolution over few channels reads a plain input as
it is; every other reader of a plain image gets one `reorder`, shared. `flatten`, `reshape` and `softmax` of images
need them plain, unless fused into a linear layer, which takes the blocks' order into its weights.
Requires: nothing. Ensures: between convolutions nothing is reordered. Declines: tensors that are not images.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Output, Value, fresh_name
from convc.ir.op import Fused
from convc.ir.types import Layout, TensorType
from convc.ops.activation import Softmax
from convc.ops.conv import Conv
from convc.ops.shape import Flatten, Reorder, Reshape
from convc.passes.base import Pass, Report

_PLAIN_ONLY = (Flatten, Reshape, Softmax)


@dataclass(frozen=True)
class AssignLayouts(Pass):
    """See the module docstring; `lanes` is the target's block of channels."""

    name: ClassVar[str] = "assign-layouts"
    level: ClassVar[int] = 2
    lanes: int = 16

    def run(self, graph: Graph, report: Report) -> Graph:
        return _Assignment(graph, self.lanes, report).run()


@dataclass
class _Assignment:
    graph: Graph
    lanes: int
    report: Report
    nodes: list[Node] = field(default_factory=list)
    now: dict[str, Value] = field(default_factory=dict)  # each value as it is stored
    copies: dict[tuple[str, bool], Value] = field(default_factory=dict)  # its reorder, by (name, blocked)

    def run(self) -> Graph:
        constants = self.graph.constants
        for node in self.graph.nodes:
            self.nodes.append(node if node.name in constants else self._assign(node))
        outputs = tuple(Output(o.name, self._as(self.now.get(o.value.name, o.value), False)) for o in self.graph.outputs)
        return replace(self.graph.with_nodes(self.nodes), outputs=outputs)

    def _assign(self, node: Node) -> Node:
        inputs = tuple(self._operand(node, self.now.get(value.name, value)) for value in node.inputs)
        blocked = not isinstance(node.op, _PLAIN_ONLY)
        outputs = tuple(self._stored(value, blocked) for value in node.outputs)
        self.now.update((value.name, value) for value in outputs)
        if isinstance(node.op, Fused):
            region = self._region(node.op, dict(zip((v.name for v in node.inputs), inputs, strict=True)), outputs)
            return replace(Fused.of(region, outputs), span=node.span)
        return Node(node.op, inputs, outputs, node.span)

    def _stored(self, value: Value, blocked: bool) -> Value:
        if value.type.rank != 4 or not blocked:
            return value
        return Value(value.name, TensorType.blocked(value.type.shape, self.lanes, value.type.dtype))

    def _region(self, op: Fused, inputs: dict[str, Value], outputs: tuple[Value, ...]) -> list[Node]:
        """The region's nodes with stored types; results inside are blocked like its output."""
        known = dict(inputs) | {value.name: value for value in outputs}
        nodes = []
        for node in op.nodes:
            for value in node.outputs:
                known.setdefault(value.name, self._stored(value, True))
            ins = tuple(known[value.name] for value in node.inputs)
            nodes.append(Node(node.op, ins, tuple(known[value.name] for value in node.outputs), node.span))
        return nodes

    def _operand(self, node: Node, value: Value) -> Value:
        """The operand in a layout the node's kernel reads."""
        if value.name in self.graph.constants or value.type.rank != 4:
            return value
        if isinstance(node.op, _PLAIN_ONLY):
            return self._as(value, False)
        anchor = node.op.nodes[0] if isinstance(node.op, Fused) else node
        stem = isinstance(anchor.op, Conv) and anchor.op.groups == 1 and anchor.inputs[0].name == value.name
        if stem and value.type.shape[1] < self.lanes:
            return value
        if isinstance(anchor.op, Flatten) and value.name == anchor.inputs[0].name:
            return value
        return self._as(value, True)

    def _as(self, value: Value, blocked: bool) -> Value:
        """`value` blocked or plain: itself, or its one reorder."""
        if value.type.rank != 4 or (value.type.block > 1) == blocked:
            return value
        key = (value.name, blocked)
        if key not in self.copies:
            layout = Layout.dense(value.type.shape, self.lanes if blocked else 1)
            name = fresh_name(f"{value.name}.{'blocked' if blocked else 'plain'}", self.graph.names)
            copy = Value(name, value.type.with_layout(layout))
            node = Node(Reorder(), (value,), (copy,))
            self.nodes.append(node)
            self.copies[key] = copy
            self.report.applied(node, f"{value.name} is needed as {copy.type.layout.name()} too")
        return self.copies[key]
