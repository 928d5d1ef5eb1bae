"""remove-dead: nodes and parameters that no output depends on are taken out.

    before:  a: f32[1, 8] = relu(x)           after:  b: f32[1, 8] = tanh(x)
             b: f32[1, 8] = tanh(x)                   return b
             return b

Requires: nothing. Ensures: every node and parameter reaches an output. Declines: inputs stay, used or not: they are
the caller's contract.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph
from convc.passes.base import Pass, Report


@dataclass(frozen=True)
class RemoveDead(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "remove-dead"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        needed = {output.value.name for output in graph.outputs}
        kept = []
        for node in reversed(graph.nodes):
            if any(value.name in needed for value in node.outputs):
                needed.update(value.name for value in node.inputs)
                kept.append(node)
            else:
                report.applied(node, "no output depends on it: removed")
        parameters = tuple(value for value in graph.parameters if value.name in needed)
        if len(kept) == len(graph.nodes) and len(parameters) == len(graph.parameters):
            return graph
        return replace(graph, nodes=tuple(reversed(kept)), parameters=parameters)
