"""Layouts over whole networks: nothing is reordered inside, and at most one reorder stands at each input and output."""

from __future__ import annotations

import pytest

from convc import zoo
from convc.frontend import load_graph, parse_graph
from convc.ir.graph import Graph, Node
from convc.ops.shape import Concat, Reorder
from convc.options import Options, Target
from convc.passes.pipeline import run_pipeline
from convc.plan.storage import is_view

TARGETS = (Target("wide", 16, 32), Target("avx2", 8, 16))

#: Concatenations of whole blocks but for one network: 24, 58, 116 channels begin inside a block there.
COPIED = {"shufflenet_v1": 1, "shufflenet_v2": 16}


def reorders(graph: Graph) -> tuple[list[str], list[str]]:
    """Names of the reorders at the ends of a network, and of those inside."""
    ends: list[str] = []
    inside: list[str] = []
    inputs = {value.name for value in graph.inputs}
    for node in graph.runtime_nodes():
        if isinstance(node.op, Reorder):
            first = node.inputs[0].name in inputs
            (ends if first or _leads_out(graph, node) else inside).append(node.name)
    return ends, inside


def _leads_out(graph: Graph, node: Node) -> bool:
    """Whether nothing but other names for the same bytes stands between a node and the caller."""
    users = graph.users.get(node.name, ())
    return (node.name in graph.output_names or bool(users)) and all(
        is_view(user.op) and _leads_out(graph, user) for user in users
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", zoo.names())
def test_no_network_of_the_zoo_reorders_inside(name: str, target: Target) -> None:
    graph = run_pipeline(load_graph(zoo.find(name).path), Options(target)).graph
    ends, inside = reorders(graph)
    assert inside == []
    assert len(ends) <= len(graph.inputs) + len(graph.outputs)
    joins = [node for node in graph.runtime_nodes() if isinstance(node.op, Concat)]
    assert sum(not node.op.in_place for node in joins if isinstance(node.op, Concat)) <= COPIED.get(name, 0)


def test_a_reorder_inside_is_counted() -> None:
    """One between two convolutions, written by hand, that no pass has looked at."""
    graph = parse_graph("""network n(x: f32[1, 8, 4, 4]) {
        b: f32[1, 8, 4, 4; nChw8c] = reorder(x)
        c: f32[1, 8, 4, 4; nChw8c] = conv(b, 8, 1)
        p: f32[1, 8, 4, 4] = reorder(c)
        q: f32[1, 8, 4, 4; nChw8c] = reorder(p)
        d: f32[1, 8, 4, 4; nChw8c] = conv(q, 8, 1)
        e: f32[1, 8, 4, 4] = reorder(d)
        return flatten(e)
    }""")
    assert reorders(graph) == (["b", "e"], ["p", "q"])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_only_the_weights_of_a_selective_kernel_are_reordered(target: Target) -> None:
    """Of two branches that are stacked, weighed by a softmax over both, and added (Li et al. 2019)."""
    graph = parse_graph("""network n(x: f32[1, 32, 12, 12]) {
        a = conv(x, 32, 3, pad = 1) |> relu
        b = conv(x, 32, 3, pad = 2, dilation = 2) |> relu
        s = concat(unsqueeze(a, [1]), unsqueeze(b, [1]))
        g = reduce_sum(s, [1], keepdims = false) |> global_avgpool |> conv(64, 1) |> reshape([1, 2, 32, 1, 1])
        return reduce_sum(s * softmax(g), [1], keepdims = false) |> conv(32, 1)
    }""")
    graph = run_pipeline(graph, Options(target)).graph
    _, inside = reorders(graph)
    types = {node.name: node.output.type for node in graph.runtime_nodes()}
    assert inside and all(types[name].elements <= 64 for name in inside)
