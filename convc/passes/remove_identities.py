"""remove-identities: nodes that hand on their input unchanged are taken out.

    before:  d: f32[1, 8] = dropout(x)        after:  y: f32[1, 8] = relu(x)
             y: f32[1, 8] = relu(d)

Requires: nothing. Ensures: no `identity` or `dropout`, no `reshape` or `flatten` to the same shape, no `concat` of one
tensor. Declines: never; an output of the network keeps its name whatever value it becomes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ops.shape import Concat, Dropout, Flatten, Identity, Reshape
from convc.passes.base import Pass, Report
from convc.passes.rewrite import substitute


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "remove-identities"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        renamed: dict[str, Value] = {}
        kept = []
        for node in graph.nodes:
            reason = _reason(node)
            if reason:
                renamed[node.name] = renamed.get(node.inputs[0].name, node.inputs[0])
                report.applied(node, f"removed: {reason}")
            else:
                kept.append(substitute(node, renamed))
        if not renamed:
            return graph
        outputs = tuple(replace(o, value=renamed.get(o.value.name, o.value)) for o in graph.outputs)
        return replace(graph, nodes=tuple(kept), outputs=outputs)


def _reason(node: Node) -> str:
    """Why the node does nothing; empty if it does something."""
    match node.op:
        case Identity() | Dropout():
            return f"{node.op.name} does nothing at inference"
        case Reshape() | Flatten() if node.inputs[0].type == node.output.type:
            return f"{node.op.name} to the shape it has already"
        case Concat() if len(node.inputs) == 1 and node.inputs[0].type == node.output.type:
            return "concat of one tensor"
    return ""
