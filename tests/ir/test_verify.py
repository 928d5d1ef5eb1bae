"""Each law of the IR, broken by hand; and graphs that keep them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convc.diagnostics import InternalError
from convc.frontend import parse_graph
from convc.ir.graph import Graph, Node, Output, Value
from convc.ir.op import Fused
from convc.ir.types import Layout, TensorType
from convc.ir.verify import verify, violations
from convc.ops.movement import Slice

GRAPH = parse_graph("""
network n(x: f32[1, 8, 4, 4; nChw8c]) {
    a: f32[1, 8, 4, 4; nChw8c(256, 128, 32, 8)] = relu(x)
    b: f32[1, 8, 4, 4; nChw8c(256, 128, 32, 8)] = tanh(x)
    y: f32[1, 16, 4, 4; nChw8c] = concat(a, b, in_place = true)
    z: f32[1, 16, 4, 4; nChw8c] = fused {
        s: f32[1, 16, 4, 4; nChw8c] = sigmoid(y)
        z: f32[1, 16, 4, 4; nChw8c] = relu(s)
        return z
    }
    return z
}
""")
A, B, Y, Z = GRAPH.nodes


def with_nodes(*nodes: Node) -> Graph:
    return replace(GRAPH, nodes=nodes)


def with_type(node: Node, type: TensorType) -> Node:
    return replace(node, outputs=(Value(node.name, type),))


def test_sound() -> None:
    assert list(violations(GRAPH)) == []
    verify(GRAPH, "nothing")


def test_defined_twice() -> None:
    check(with_nodes(A, A, B, Y, Z), "`a` is defined 2 times")


def test_defined_inside_a_region_too() -> None:
    inside = Node(A.op, (Y.output,), (Value("a", Y.output.type),))
    last = replace(Z.op.nodes[1], inputs=inside.outputs)  # type: ignore[attr-defined]
    check(with_nodes(A, B, Y, Fused.of([inside, last])), "`a` is defined 2 times")


def test_order() -> None:
    check(with_nodes(A, Y, B, Z), "y reads `b: f32[1, 8, 4, 4; nChw8c(256, 128, 32, 8)]`, which is not defined")


def test_read_with_another_type() -> None:
    check(with_nodes(with_type(A, TensorType.plain((1, 8, 4, 4))), B, Y, Z), "which is f32[1, 8, 4, 4]")


def test_another_type_than_inferred() -> None:
    wrong = replace(Z, op=replace(A.op))
    check(with_nodes(A, B, Y, with_type(wrong, TensorType.plain((1, 16, 4, 5)))), "its op makes f32[1, 16, 4, 4]")


def test_operands_the_op_does_not_take() -> None:
    check(with_nodes(A, B, Y, replace(Z, op=A.op, inputs=(Y.output, A.output))), "relu does not take 2 operands")


def test_results_the_op_does_not_make() -> None:
    more = (*Z.outputs, Value("more", Z.output.type))
    check(with_nodes(A, B, Y, replace(Z, op=A.op, outputs=more)), "z has 2 results, its op makes 1")


def test_region_that_reads_something_else() -> None:
    check(with_nodes(A, B, Y, replace(Z, inputs=(*Z.inputs, A.output))), "the region z reads or returns other values")


def test_region_that_returns_what_it_does_not_make() -> None:
    assert isinstance(Z.op, Fused)
    lost = Value("lost", Z.output.type)
    node = replace(Z, op=replace(Z.op, results=(lost,)), outputs=(lost,))
    check(with_nodes(A, B, Y, node), "the region z returns `lost", "the region lost returns `lost")


def test_operand_in_place_with_other_strides() -> None:
    other = with_type(A, TensorType.blocked((1, 8, 4, 4), 8))
    check(with_nodes(other, B, replace(Y, inputs=(other.output, B.output)), Z), "a does not lie in y at channel 0")


def test_operand_in_two_places() -> None:
    again = replace(Y, outputs=(Value("again", Y.output.type),))
    check(with_nodes(A, B, Y, again, Z), "a lies in y and in again")


def test_input_in_place() -> None:
    graph = replace(GRAPH, inputs=(*GRAPH.inputs, A.output), nodes=(B, Y, Z))
    check(graph, "a is not computed while running: it cannot lie in y")


@pytest.mark.parametrize(
    ("op", "sound"),
    [
        (Slice(1, 0, 8, 1, True), True),
        (Slice(1, 16, 20, 1, True), True),
        (Slice(2, 1, 3, 1, True), True),
        (Slice(1, 8, 12, 1, True), False),
        (Slice(1, 4, 12, 1, True), False),
        (Slice(2, 0, 4, 2, True), False),
    ],
)
def test_slice_in_place(op: Slice, sound: bool) -> None:
    x = Value("x", TensorType.blocked((1, 20, 4, 4), 8))
    relu = Node(A.op, (x,), (Value("c", x.type),))
    (type,) = op.infer(x.type)
    piece = Node(op, relu.outputs, (Value("s", type.with_layout(x.type.layout)),))
    graph = Graph("n", (x,), (), (relu, piece), (Output("s", piece.output),))
    assert list(violations(graph)) == ([] if sound else ["s does not lie in c as it is stored"])
    given = replace(graph, inputs=(x, relu.output), nodes=(piece,))
    assert "c is not computed while running: s cannot lie in it" in list(violations(given))


@pytest.mark.parametrize(
    ("layout", "fault"),
    [
        (Layout(8, (128, 128, 32, 8)), ""),
        (Layout(8, (128, 128, 36, 8)), "multiples of the block"),
        (Layout(8, (128, 128, 24, 8)), "two of its elements would share a place"),
        (Layout(1, (0, 16, 4, 1)), ""),
        (Layout(1, (128, 1, 32, 8)), ""),
        (Layout(1, (128, 16, 4, 0)), "two of its elements would share a place"),
    ],
)
def test_layouts(layout: Layout, fault: str) -> None:
    x = Value("x", TensorType.plain((1, 8, 4, 4)).with_layout(layout))
    told = list(violations(Graph("n", (x,), (), (), (Output("x", x),))))
    assert (fault in told[0]) if fault else not told


def test_outputs() -> None:
    check(replace(GRAPH, outputs=(Output("z", A.output), Output("z", B.output))), "2 outputs are named `z`")
    check(replace(GRAPH, outputs=(Output("z", Value("w", A.output.type)),)), "output `z` is `w")


def check(graph: Graph, *expected: str) -> None:
    """Some law that is broken is told in one of these ways; `verify` raises, naming the pass."""
    told = list(violations(graph))
    assert any(text in line for text in expected for line in told), told
    assert set(violations(graph, GRAPH)) == set(told)  # what the sound graph has too hides nothing
    with pytest.raises(InternalError, match="after some-pass: "):
        verify(graph, "some-pass")
