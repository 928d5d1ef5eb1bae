"""What passes share when they put one value in another's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from convc.ir.graph import Node, Value
from convc.ir.op import Fused


def substitute(node: Node, values: Mapping[str, Value]) -> Node:
    """`node` with each value it reads or makes replaced by that of its name in `values`, inside regions too.

    The same object where nothing changes.
    """
    inputs = tuple(values.get(value.name, value) for value in node.inputs)
    outputs = tuple(values.get(value.name, value) for value in node.outputs)
    if isinstance(node.op, Fused):
        members = tuple(substitute(member, values) for member in node.op.nodes)
        if members == node.op.nodes and outputs == node.outputs:
            return node
        return replace(Fused.of(members, outputs), span=node.span)
    if inputs == node.inputs and outputs == node.outputs:
        return node
    return Node(node.op, inputs, outputs, node.span, node.fuse)
