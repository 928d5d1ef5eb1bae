"""fuse-epilogue: what follows a convolution or linear layer element by element is done before its result is stored.

    before:  c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = b)
             s: f32[1, 8, 9, 9] = add(c, skip)
             y: f32[1, 8, 9, 9] = relu(s)
    after:   y: f32[1, 8, 9, 9] = fused {
                 c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = b)
                 s: f32[1, 8, 9, 9] = add(c, skip)
                 y: f32[1, 8, 9, 9] = relu(s)
                 return y
             }

A linear layer also takes in the `flatten` before it: the order of a blocked map then goes into the packed weights.
Requires: nothing. Ensures: the region's nodes are the originals, in order. Declines: where an intermediate result has
another reader, or the other operand is computed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused
from convc.ops.activation import LeakyRelu, Relu, Relu6, Sigmoid, Tanh
from convc.ops.conv import Conv
from convc.ops.elementwise import Add, Div, Mul, Sub
from convc.ops.linear import Linear
from convc.ops.normalization import BatchNorm
from convc.ops.shape import Flatten
from convc.passes.base import Pass, Report, where

_FOLLOWERS = (Relu, LeakyRelu, Relu6, Tanh, Sigmoid, Add, Sub, Mul, Div, BatchNorm)


@dataclass(frozen=True)
class FuseEpilogue(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-epilogue"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        order = {node.name: i for i, node in enumerate(graph.nodes)}
        regions: dict[str, Node] = {}  # by the name of the last node, whose place the region takes
        taken: set[str] = set()
        for node in graph.nodes:
            if not isinstance(node.op, (Conv, Linear)) or node.name in taken:
                continue
            chain = _chain(graph, node, order, taken, report)
            if len(chain) == 1:
                continue
            taken.update(member.name for member in chain)
            regions[chain[-1].name] = Fused.of(chain)
            report.applied(node, "computed together: " + ", ".join(member.name for member in chain))
        if not regions:
            return graph
        return graph.with_nodes(
            regions.get(node.name, node) for node in graph.nodes if node.name in regions or node.name not in taken
        )


def _chain(graph: Graph, anchor: Node, order: Mapping[str, int], taken: set[str], report: Report) -> list[Node]:
    chain = [*_flatten_before(graph, anchor, taken), anchor]
    while True:
        last = chain[-1]
        users = graph.users.get(last.name, ())
        if not any(isinstance(user.op, _FOLLOWERS) for user in users):
            return chain
        reason = _refusal(graph, last, users, chain, order, taken)
        if reason:
            report.declined(last, reason)
            return chain
        chain.append(users[0])


def _refusal(
    graph: Graph, last: Node, users: tuple[Node, ...], chain: list[Node], order: Mapping[str, int], taken: set[str]
) -> str:
    """Why the chain cannot go on to the only user of `last`; empty if it can."""
    if len(users) > 1:
        return f"not fused further: {last.name} has {len(users)} users: " + ", ".join(map(where, users))
    if last.name in graph.output_names:
        return f"not fused further: {last.name} is an output of the network"
    (user,) = users
    if user.name in taken:
        return f"not fused further: {user.name} belongs to another region already"
    if isinstance(user.op, BatchNorm) and user.inputs[0] != last.output:
        return f"not fused further: {user.name} takes {last.name} as a statistic"
    if user.output.type != last.output.type:
        return f"not fused further: {user.name} has another shape, {user.output.type}"
    if user.inputs.count(last.output) > 1:
        return f"not fused further: {user.name} reads {last.name} twice"
    return ""


def _flatten_before(graph: Graph, anchor: Node, taken: set[str]) -> list[Node]:
    before = graph.producers.get(anchor.inputs[0].name)
    if not isinstance(anchor.op, Linear) or before is None or not isinstance(before.op, Flatten):
        return []
    only = len(graph.users[before.name]) == 1 and before.name not in graph.output_names and before.name not in taken
    return [before] if only and before.inputs[0].type.rank == 4 else []
