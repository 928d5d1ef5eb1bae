"""Figures of whole networks."""

from __future__ import annotations

from convc.driver import make_options, translate
from convc.frontend import parse_graph
from convc.inspect.cost import network_cost
from convc.inspect.table import rows
from convc.ir import Fused, Graph

NET = """
network n(x: f32[1, 3, 32, 32]) {
    a = x |> conv(8, 3, stride = 2, pad = 1, name = "a") |> batchnorm |> relu
    b = a |> maxpool(2) |> conv(8, 3, dilation = 2, pad = 2, name = "b")
    total = b + conv(a, 8, 1, stride = 2, bias = false, name = "c")
    return total |> flatten |> linear(10, name = "fc")
}
"""


def by_name(graph: Graph) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    return {row.node.name: (row.field, row.jump) for row in network_cost(graph).nodes}


def test_receptive_fields() -> None:
    rows = by_name(parse_graph(NET))
    assert rows["a"] == ((3, 3), (2, 2))
    assert rows["maxpool"] == ((5, 5), (4, 4))  # 3 + (2 - 1) * 2
    assert rows["b"] == ((21, 21), (4, 4))  # 5 + (5 - 1) * 4
    assert rows["c"] == ((3, 3), (4, 4))
    assert rows["total"] == ((21, 21), (4, 4))  # the wider of its two operands
    assert rows["fc"][0] == (21 + 7 * 4, 21 + 7 * 4)


def test_offsets_do_not_widen_the_field() -> None:
    rows = by_name(
        parse_graph("""network n(x: f32[1, 4, 32, 32]) {
            y = x |> conv(4, 5, stride = 2, pad = 2)
            offset = y |> conv(18, 3, pad = 1)
            mask = y |> conv(9, 7, pad = 3) |> sigmoid
            return y |> deform_conv(offset, 4, 3, pad = 1, mask = mask, name = "bent")
        }""")
    )
    assert rows["bent"] == ((9, 9), (2, 2))  # 5 + (3 - 1) * 2


def test_sums() -> None:
    cost = network_cost(parse_graph(NET))
    a, b, c, fc = 8 * 3 * 9 + 8, 8 * 8 * 9 + 8, 8 * 8, 10 * 8 * 8 * 8 + 10
    assert cost.parameters == a + 16 + b + c + fc  # of batch norm the scale and the shift
    assert cost.macs == 8 * 3 * 9 * 16 * 16 + (8 * 8 * 9 + 8 * 8) * 8 * 8 + 5120


def test_shared_weights_count_once() -> None:
    graph = parse_graph(
        "network n(x: f32[1, 4, 8, 8]) { "
        'a = conv(x, 4, 1, weight = "w", bias = false) return conv(a, 4, 1, weight = "w", bias = false) }'
    )
    assert network_cost(graph).parameters == 16
    assert network_cost(graph).macs == 2 * 16 * 64


def test_fusion_changes_nothing() -> None:
    graph = parse_graph(NET)
    fused = graph.with_nodes([Fused.of(graph.nodes[:3]), *graph.nodes[3:]])
    assert network_cost(fused) == network_cost(graph)


def test_phases_share_what_a_transposed_convolution_takes() -> None:
    graph = parse_graph("network n(x: f32[1, 16, 8, 8]) { return conv_transpose(x, 16, 4, stride = 2, pad = 1) }")
    table = [row for row in rows(translate(graph, make_options("generic", 1)).program) if row.macs]
    assert len(table) == 4
    assert sum(row.macs for row in table) == network_cost(graph).macs


def test_arithmetic_on_weights_is_free() -> None:
    graph = parse_graph(
        "network n(x: f32[1, 4, 8, 8], w: f32[4, 4, 1, 1]) { return conv(x, weight = w, bias = false) }"
    )
    folded = Graph(graph.name, graph.inputs[:1], graph.inputs[1:], graph.nodes, graph.outputs)
    assert network_cost(folded).parameters == 16
    scaled = parse_graph("network n(x: f32[1, 4]) { return relu(x) + sqrt(constant(2.0)) }")
    assert [row.node.op.name for row in network_cost(scaled).nodes] == ["relu", "add"]


def test_a_gate_does_not_widen_the_field() -> None:
    graph = parse_graph("network n(x: f32[1, 8, 9, 9]) { return x |> conv(8, 3) |> squeeze_excite(2) |> conv(8, 3) }")
    assert network_cost(graph).field == (5, 5)


def test_the_field_of_a_network_is_that_of_its_last_map() -> None:
    assert network_cost(parse_graph(NET)).field == (21, 21)
    assert network_cost(parse_graph("network n(x: f32[1, 8]) { return x |> linear(2) }")).field == ()
