"""What passes share that join a stage with the convolution that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused, members
from convc.ops.shape import Reorder
from convc.passes.base import Report, unwanted, users_text


def join_before(
    graph: Graph, report: Report, stage: Callable[[Graph, Node], Node | None],
    refusal: Callable[[Graph, Node, Node], str], how: str,
) -> Graph:  # fmt: skip
    """The graph with the `stage` of each node, which it reads, in the node's region, but where `refusal` says why not.

    `how` ends the sentence that begins with "computed", a `%s` in it the reader's name.
    """
    joined: dict[str, Node] = {}  # by the stage's name: itself, when it goes
    for node in graph.runtime_nodes():
        before = stage(graph, node)
        if before is None:
            continue
        reason = shared_reason(graph, before, node) or refusal(graph, before, node)
        if reason:
            report.declined(before, f"not computed with {node.name}: {reason}")
        else:
            joined[before.name] = before
            report.applied(before, f"computed {how % node.name}")
    return _join_stages(graph, joined)


def shared_reason(graph: Graph, before: Node, node: Node) -> str:
    """Why `before` cannot go into the region of `node`, which reads it; empty if nobody else needs it."""
    if len(before.outputs) > 1:
        return f"{before.name} is one of several results"
    if reason := unwanted(*members(before), *members(node)):
        return reason
    if len(graph.users[before.name]) > 1:
        return users_text(graph, before.output)
    if before.name in graph.output_names:
        return f"{before.name} is an output of the network"
    if sum(value.name == before.name for member in members(node) for value in member.inputs) > 1:
        return f"what follows {members(node)[0].name} reads {before.name} too"
    return ""


def is_wanted(*nodes: Node) -> bool:
    """Whether the source says `@fuse` of a part of these: then they are joined even where that might not pay."""
    return any(member.fuse for node in nodes for member in members(node))


def _join_stages(graph: Graph, stages: Mapping[str, Node]) -> Graph:
    """The graph with each of these nodes moved into the region that reads it, at its front."""
    if not stages:
        return graph
    nodes = []
    for node in graph.nodes:
        if node.name in stages:
            continue
        first = members(node)[0]
        stage = stages.get(first.inputs[0].name) if first.inputs else None
        if stage is not None:
            region = Fused.of((*members(stage), *members(node)), node.outputs)
            node = replace(region, span=node.span)
        nodes.append(node)
    return graph.with_nodes(_reorders_late(nodes))


def _reorders_late(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, each `reorder` just before its first reader, where layouts put it: a stage may have moved away."""
    waiting: dict[str, Node] = {}
    for node in nodes:
        if isinstance(node.op, Reorder):
            waiting[node.name] = node
            continue
        for value in node.inputs:
            if value.name in waiting:
                yield waiting.pop(value.name)
        yield node
    yield from waiting.values()
