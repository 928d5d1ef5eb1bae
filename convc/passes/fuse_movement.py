"""fuse-movement: movements of channels that follow each other become one region, moved once.

    before:  c: f32[1, 116, 28, 28; nChw8c] = concat(a, b)
             s: f32[1, 116, 28, 28; nChw8c] = channel_shuffle(c, groups = 2)
             u: f32[1, 58, 28, 28; nChw8c], v: f32[1, 58, 28, 28; nChw8c] = split(s, sizes = [58, 58])
    after:   u: f32[1, 58, 28, 28; nChw8c], v: f32[1, 58, 28, 28; nChw8c] = fused { concat, channel_shuffle, split }

Concatenations over channels, channel shuffles, splits, slices and gathers of channels. ShuffleNet-v2 has such a region
between two units, in the place of three passes over memory. The lanes of each vector of results are mixed from those
it comes from (`convc/kernels/channels.py`).
Requires: layouts; concatenations in place. Ensures: the region's nodes are the originals, in order; it has the results
of the last. Declines: where something else reads a value between, where a tensor is not stored by blocks of channels
(then it moves as before), and where the source says `@nofuse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused, members
from convc.ops.channel_moves import moves_channels
from convc.ops.shape import Concat
from convc.passes.base import Pass, Report
from convc.passes.regions import shared_reason


@dataclass(frozen=True)
class FuseMovement(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-movement"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by their first result
        constants = graph.constants
        for node in graph.nodes:
            before = _before(node, nodes) if node.name not in constants else None
            if before is not None and before.name not in constants:
                reason = _refusal(graph, before, node)
                if reason:
                    report.declined(before, f"not moved with {node.name}: {reason}")
                else:
                    report.applied(before, f"moved with {node.name}, once")
                    del nodes[before.name]
                    node = replace(Fused.of((*members(before), node), node.outputs), span=node.span)
            nodes[node.name] = node
        return graph.with_nodes(nodes.values())


def _before(node: Node, nodes: Mapping[str, Node]) -> Node | None:
    """What makes the tensor that `node` takes channels of, if it moves channels too."""
    if isinstance(node.op, Concat) or not moves_channels(node):
        return None
    before = nodes.get(node.inputs[0].name)
    if before is None or len(before.outputs) > 1:  # the other pieces of a split are wanted too
        return None
    return before if all(moves_channels(member) for member in members(before)) else None


def _refusal(graph: Graph, before: Node, node: Node) -> str:
    blocks = {value.type.block for value in (*before.inputs, before.output, *node.outputs)}
    if len(blocks) > 1 or blocks == {1}:
        return "not all of it is stored by blocks of channels"
    return shared_reason(graph, before, node)
