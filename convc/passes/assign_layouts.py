"""assign-layouts: every image inside the network is stored in blocks of channels.

    before:  y: f32[1, 64, 56, 56] = conv(x, ...)      after:  y: f32[1, 64, 56, 56; nChw16c] = conv(x, ...)

Inputs and outputs of the network stay as the caller has them. A convolution over fewer channels than a block reads a
plain input as it is; elementwise results of plain images are plain, even where one far smaller operand (the gate of an
excitation) has to be brought out of blocks for it, and so are pools of whole plain maps and what nearest neighbours
enlarge last; every other reader of a plain image gets one `reorder`, shared. `flatten`, `reshape` and `softmax` over
channels need them plain, unless fused into a linear layer, which takes the blocks' order into its weights; movements,
reductions and norms take images as they come (`passes/layout_rules.py`). Layouts and reorders that the graph has
already are decided anew.
Requires: nothing. Ensures: between convolutions nothing is reordered. Declines: tensors that are not images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node, Output, Value, fresh_name, walk
from convc.ir.op import members
from convc.ir.types import Layout, TensorType
from convc.ops.common import Elementwise
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.movement import Slice
from convc.ops.shape import Concat, Flatten, Reorder
from convc.passes.base import Pass, Report
from convc.passes.layout_rules import Rule, is_quick_plain, rule_of
from convc.passes.rewrite import substitute

#: How many times as large plain operands must be for the others to be brought out of blocks.
SMALL: Final = 8


@dataclass(frozen=True)
class AssignLayouts(Pass):
    """See the module docstring; `lanes` is the target's block of channels."""

    name: ClassVar[str] = "assign-layouts"
    level: ClassVar[int] = 2
    lanes: int = 16

    def run(self, graph: Graph, report: Report) -> Graph:
        assigned = _Assignment(_without_layouts(graph), self.lanes, report).run()
        return graph if assigned == graph else assigned


def _without_layouts(graph: Graph) -> Graph:
    """The graph with every computed value plain, and nothing reordered."""
    values: dict[str, Value] = {}
    for node in graph.nodes:
        if isinstance(node.op, Reorder):
            values[node.name] = values.get(node.inputs[0].name, node.inputs[0])
            continue
        for value in (value for part in walk((node,)) for value in part.outputs):
            values[value.name] = Value(value.name, TensorType.plain(value.type.shape, value.type.dtype))
    nodes = [_not_in_place(substitute(n, values)) for n in graph.nodes if not isinstance(n.op, Reorder)]
    outputs = tuple(Output(o.name, values.get(o.value.name, o.value)) for o in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _not_in_place(node: Node) -> Node:
    return replace(node, op=replace(node.op, in_place=False)) if isinstance(node.op, (Concat, Slice)) else node


def _reads(node: Node, value: Value) -> list[str]:
    """The nodes of a region, or the node itself, that read the value."""
    return [member.name for member in members(node) if value in member.inputs]


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
        results = [(o.name, self.now.get(o.value.name, o.value)) for o in self.graph.outputs]
        outputs = tuple(Output(name, self._as(value, False)) for name, value in results)
        return replace(self.graph, nodes=tuple(self.nodes), outputs=outputs)

    def _assign(self, node: Node) -> Node:
        anchor = members(node)[0]
        stored = (self.now.get(value.name, value) for value in node.inputs)
        rule = rule_of(anchor, self.lanes)
        if rule is Rule.PLAIN and not (isinstance(anchor.op, Flatten) and anchor is not node):
            return self._with_types(node, {v.name: self._as(v, False) for v in stored}, False)
        inputs = tuple(stored)
        if self._stays_plain(rule, node, inputs):
            return self._with_types(node, {v.name: self._as(v, False) for v in inputs}, False)
        return self._with_types(node, {v.name: self._operand(node, anchor, v) for v in inputs}, True)

    def _with_types(self, node: Node, inputs: Mapping[str, Value], blocked: bool) -> Node:
        """The node with these inputs (by the name they had); images it makes are blocked, or all plain."""
        values = dict(inputs)
        for part in walk((node,)):
            values.update((value.name, self._stored(value, blocked)) for value in part.outputs)
        self.now.update((value.name, values[value.name]) for value in node.outputs)
        return substitute(node, values)

    def _stored(self, value: Value, blocked: bool) -> Value:
        if not value.type.is_image or not blocked:
            return value
        return Value(value.name, TensorType.blocked(value.type.shape, self.lanes, value.type.dtype))

    def _stays_plain(self, rule: Rule, node: Node, inputs: tuple[Value, ...]) -> bool:
        """What takes images as they come; elementwise arithmetic and what is as quick so, unless the image is there in
        blocks anyway: whoever wants blocks copies once either way, and the caller wants none."""
        images = [v for v in inputs if v.type.is_image and v.name not in self.graph.constants]
        plain = [v for v in images if v.type.block == 1]
        others = sum(v.type.elements for v in images if v.type.block > 1)
        if others * SMALL > sum(v.type.elements for v in plain):
            return False
        if rule is Rule.FOLLOW:
            return not others
        copied = any((v.name, True) in self.copies for v in plain)
        elementwise = all(isinstance(member.op, Elementwise) for member in members(node))
        return not copied and (elementwise or self._is_quick_plain(node))

    def _is_quick_plain(self, node: Node) -> bool:
        """Whether nobody gains from blocks: neither the node, nor whoever reads what it made larger."""
        if not is_quick_plain(node, self.lanes):
            return False
        larger = node.output.type.elements > node.inputs[0].type.elements
        return not (larger and any(node.output in other.inputs for other in self.graph.nodes))

    def _operand(self, node: Node, anchor: Node, value: Value) -> Value:
        """The operand in a layout the node's kernel reads."""
        if value.name in self.graph.constants or not value.type.is_image:
            return value
        first = value.name == anchor.inputs[0].name
        if first and isinstance(anchor.op, Flatten):
            return value
        dense = isinstance(anchor.op, (Conv, ConvTranspose)) and anchor.op.groups == 1
        if first and dense and value.type.shape[1] < self.lanes:
            if value.type.block == 1:
                few = f"{value.type.shape[1]} channels do not fill a block of {self.lanes}"
                self.report.applied(node, f"reads {value.name} plain: {few}")
            return value
        if isinstance(anchor.op, DeformConv) and not first and _reads(node, value) == [anchor.name]:
            return value  # offsets and masks are read through their strides
        if rule_of(anchor, self.lanes) is Rule.FOLLOW:
            return self._as(value, True)
        # An operand of lower rank is aligned at the last axis: its channels are not the result's.
        return self._as(value, value.type.rank == node.outputs[0].type.rank)

    def _as(self, value: Value, blocked: bool) -> Value:
        """`value` blocked or plain: itself, or its one reorder."""
        if not value.type.is_image or (value.type.block > 1) == blocked:
            return value
        key = (value.name, blocked)
        if key not in self.copies:
            layout = Layout.dense(value.type.shape, self.lanes if blocked else 1)
            taken = self.graph.names | {copy.name for copy in self.copies.values()}
            name = fresh_name(f"{value.name}.{'blocked' if blocked else 'plain'}", taken)
            copy = Value(name, value.type.with_layout(layout))
            producer = self.graph.producers.get(value.name)
            node = Node(Reorder(), (value,), (copy,), producer.span if producer else None)
            self.nodes.append(node)
            self.copies[key] = copy
            self.report.applied(node, f"{value.name} is needed as {copy.type.layout.name()} too: reordered once")
        return self.copies[key]
