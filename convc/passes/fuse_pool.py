"""fuse-pool: the global average of a convolution's result is summed while that result is stored.

    before:  y: f32[1, 64, 56, 56; nChw16c] = fused { conv(x) ... relu }
             p: f32[1, 64, 1, 1; nChw16c] = global_avgpool(y)
    after:   y, p = fused { conv(x) ... relu, global_avgpool }

So squeeze-and-excitation does not read the map a second time. Every work item of the kernel keeps the sum of what it
stores, by channel; the sums are added in order, whatever the number of threads. The kernels of Winograd and Strassen
keep none: after those the average is a step of its own.
Requires: everything else fused, layouts. Ensures: the region's nodes are the originals, in order; it has two results.
Declines: where the map does not come from a convolution alone, where it is not stored by blocks of channels, where it
has a depth, and where the source says `@nofuse`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused, members
from convc.ops.common import Elementwise
from convc.ops.conv import Conv
from convc.ops.pool import GlobalAvgPool
from convc.passes.base import Pass, Report, unwanted


@dataclass(frozen=True)
class FusePool(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-pool"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        joined: dict[str, Node] = {}  # the pool, by the name of what it reads
        for node in graph.runtime_nodes():
            before = graph.producers.get(node.inputs[0].name) if isinstance(node.op, GlobalAvgPool) else None
            if before is None:
                continue
            reason = _refusal(before, node)
            if reason:
                report.declined(node, f"reads the map again: {reason}")
            elif before.name in joined:
                report.declined(node, f"reads the map again: {joined[before.name].name} is its average already")
            else:
                joined[before.name] = node
                report.applied(node, f"summed while {before.name} is stored, if its kernel keeps sums")
        pools = {pool.name for pool in joined.values()}
        nodes = (_with(node, joined) for node in graph.nodes if node.name not in pools)
        return graph.with_nodes(nodes) if joined else graph


def _refusal(before: Node, pool: Node) -> str:
    first, *rest = members(before)
    if not isinstance(first.op, Conv) or not all(isinstance(member.op, Elementwise) for member in rest):
        return f"{before.name} is not a convolution with its epilogue"
    if len(before.outputs) > 1:
        return f"{before.name} has several results"
    if before.output.type.block == 1 or pool.output.type.block != before.output.type.block:
        return f"{before.name} is not stored by blocks of channels"
    if before.output.type.rank > 4:
        return "it has a depth"
    return unwanted(*members(before), pool)


def _with(node: Node, pools: dict[str, Node]) -> Node:
    pool = pools.get(node.name)
    if pool is None:
        return node
    return replace(Fused.of((*members(node), pool), (node.output, pool.output)), span=node.span)
