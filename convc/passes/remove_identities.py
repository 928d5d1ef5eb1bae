"""remove-identities: nodes that hand on their input unchanged are taken out.

    before:  d: f32[1, 8] = dropout(x)        after:  y: f32[1, 8] = relu(x)
             y: f32[1, 8] = relu(d)

Requires: nothing. Ensures: no `identity`, `dropout`, or `reshape` to the same shape. Declines: never; an output of the
network keeps its name whatever value it becomes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ops.shape import Dropout, Identity, Reshape
from convc.passes.base import Pass, Report


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "remove-identities"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        renamed: dict[str, Value] = {}
        kept = []
        for node in graph.nodes:
            inputs = tuple(renamed.get(value.name, value) for value in node.inputs)
            if _is_identity(node):
                renamed[node.name] = inputs[0]
                report.applied(node, f"{node.op.name} does nothing at inference: removed")
            else:
                kept.append(node if inputs == node.inputs else replace(node, inputs=inputs))
        if not renamed:
            return graph
        outputs = tuple(replace(o, value=renamed.get(o.value.name, o.value)) for o in graph.outputs)
        return replace(graph, nodes=tuple(kept), outputs=outputs)


def _is_identity(node: Node) -> bool:
    if isinstance(node.op, Reshape):
        return node.inputs[0].type == node.output.type
    return isinstance(node.op, (Identity, Dropout))
