"""What sources mean: names, weights, blocks, loops, operators, written types, parameters."""

from __future__ import annotations

import pytest

from convc.diagnostics import CompileError
from convc.frontend import format_source, parse_graph
from convc.ir import Graph
from convc.ir.printer import print_graph


def net(body: str, header: str = "x: f32[1, 4, 8, 8]", before: str = "") -> Graph:
    return parse_graph(f"{before}\nnetwork net({header}) {{\n{body}\n}}")


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def codes(body: str, **more: str) -> list[str]:
    with pytest.raises(CompileError) as caught:
        net(body, **more)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


# Names


def test_a_bound_call_takes_the_name_and_others_the_ops() -> None:
    graph = net("y = x |> conv(8, 3) |> relu  y = relu(y)  z = y |> relu |> tanh  return z")
    assert names(graph) == ["conv", "y", "relu", "relu_2", "z"]
    assert [value.name for value in graph.parameters] == ["conv.weight", "conv.bias"]


def test_blocks_leave_scopes() -> None:
    block = "block stem(x, n) { return x |> conv(n, 1, bias = false) |> relu }"
    graph = net(
        'y = stem(x, 4) y = stem(y, 4) y = stem(y, 4, name = "a.0") return stem(y, 4, name = "")', before=block
    )
    assert names(graph) == ["y.conv", "y.relu", "stem.conv", "stem.relu", "a.0.conv", "a.0.relu", "conv", "relu"]


def test_names_bound_in_a_loop_are_new_in_each_turn() -> None:
    graph = net("for i in 0..3 { y = relu(x) x = tanh(y) } return x")
    assert names(graph) == ["y", "tanh", "y_2", "tanh_2", "y_3", "tanh_3"]


def test_strings_take_expressions() -> None:
    graph = net('for i in 0..2 { x = relu(x, name = "stage{i + 1}.{2 * i}") } return x')
    assert names(graph) == ["stage1.0", "stage2.2"]


def test_weights_can_be_named_shared_and_handed_in() -> None:
    graph = net('y = conv(x, 4, 1, bias = false, weight = "w") z = conv(y, 4, 1, bias = false, weight = "w") return z')
    assert [value.name for value in graph.parameters] == ["w"]
    graph = net("w: f32[4, 4, 1, 1] = parameter() y = conv(x, weight = w, bias = false) return y")
    assert graph.nodes[0].inputs[1] is graph.parameters[0]


def test_an_op_is_callable_where_a_tensor_has_its_name() -> None:
    assert names(net("relu = relu(x) relu_2 = relu(relu) return relu_2")) == ["relu", "relu_2"]


# Values


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("-2 * 3", -6), ("12 / 4", 3), ("13 % 4", 1), ("7 - 2 - 1", 4),
        ("1 if 2 > 1 else 3", 1), ("1 if not (2 > 1 and 1 == 1) else 3", 3), ("[4, 5, 6][-1]", 6),
        ("(1, 2)[0]", 1), ("([1] + [2, 3])[2]", 3), ("x.channels * x.height", 32), ("relu(x).width", 8),
        ("x.rank + x.batch + x.length", 13), ("5 if false or x.channels == 4 else 6", 5),
    ],
)  # fmt: skip
def test_arithmetic(expression: str, value: int) -> None:
    assert parse_graph(f"network n(x: f32[1, 4, 8, 8]) {{ assert ({expression}) == {value} return x }}")


def test_operators_on_tensors() -> None:
    graph = net("y = x * 2 + x  z = 1 - y / x  return z")
    assert [node.op.name for node in graph.nodes] == ["constant", "mul", "add", "div", "constant", "sub"]
    assert names(graph) == ["constant", "mul", "y", "div", "constant_2", "z"]


def test_a_choice_and_an_if_statement_need_no_separator() -> None:
    graph = net(
        "y = relu(x) if 1 == 1 else x\nif x.channels == 4 { y = tanh(y) } else if true { y = x }\nreturn y"
    )
    assert [node.op.name for node in graph.nodes] == ["relu", "tanh"]
    graph = net("y = x if x.channels == 4 { y = tanh(y) } return y")
    assert [node.op.name for node in graph.nodes] == ["tanh"]


def test_ops_and_blocks_are_values() -> None:
    block = "block twice(x, act = relu) { return x |> act |> act }"
    graph = net("for f in [tanh, twice] { x = f(x) } return twice(x, act = sigmoid)", before=block)
    assert [node.op.name for node in graph.nodes] == ["tanh", "relu", "relu", "sigmoid", "sigmoid"]


def test_lists_spread_into_concat() -> None:
    graph = net("all = [x] for i in 0..3 { all = all + [relu(x)] } return concat(all)")
    assert graph.outputs[0].value.type.shape == (1, 16, 8, 8)


def test_several_results_and_outputs() -> None:
    graph = net("a, b = two(x) return a, second = b, b + 1", before="block two(x) { return relu(x), tanh(x) }")
    assert [output.name for output in graph.outputs] == ["a", "second", "output"]


# Types


def test_written_types_are_checks() -> None:
    assert net("y: f32[1, 8, 6, _] = conv(x, 8, 3) return y").nodes[0].output.type.shape == (1, 8, 6, 6)
    assert codes("y: f32[1, 8, 6, 5] = conv(x, 8, 3) return y") == ["E0408"]
    assert codes("return pick(x)", before="block pick(x: f32[1, 3, _, _]) { return x }") == ["E0408"]


def test_a_written_layout_is_that_of_the_result() -> None:
    graph = net("y: f32[1, 4, 8, 8; nChw8c] = relu(x) return y")
    assert graph.nodes[0].output.type.block == 8
    assert graph.outputs[0].value is graph.nodes[0].output
    assert codes("y = x  z: f32[1, 4, 8, 8; nChw8c] = y return z") == ["E0408"]
    assert codes("z: f32[1, 4, 8, 8; nchw8c] = relu(x) return z") == ["E0405"]


# Parameters


def test_parameters_from_outside() -> None:
    text = "network n(x: f32[batch, 4], classes = 10, batch = 1) { return linear(x, classes) }"
    assert parse_graph(text).outputs[0].value.type.shape == (1, 10)
    assert parse_graph(text, parameters={"batch": 8, "classes": 3}).outputs[0].value.type.shape == (8, 3)
    for given, code in (({"clases": 3}, "E0601"), ({"classes": "ten"}, "E0602"), ({"classes": None}, "E0602")):
        with pytest.raises(CompileError) as caught:
            parse_graph(text, parameters=given)
        assert caught.value.diagnostics[0].code == code


def test_blocks_are_hygienic() -> None:
    assert codes("width = 3 return stem(x)", before="block stem(x) { return conv(x, width, 1) }") == ["E0201"]


def test_one_fault_is_reported_once_and_has_no_echo() -> None:
    block = "block stem(x) { return conv(x, 8, 3, paddd = 1) }"
    assert codes("for i in 0..5 { x = stem(x) } y = x + 1 return conv(y, y.channels / 3, 1)", before=block) == ["E0401"]


def test_marks() -> None:
    """`@nofuse` and `@fuse` mark every node of a statement, the innermost mark speaks, and a dump keeps them."""
    source = """
    block b(x) {
        @fuse y = conv(x, 4, 1)
        return relu(y)
    }
    network n(x: f32[1, 4, 6, 6]) {
        @nofuse for i in 0..2 { x = b(x) }
        y = tanh(x)
        @nofuse return sigmoid(y)
    }
    """
    graph = parse_graph(source)
    assert [node.fuse for node in graph.nodes] == [True, False, True, False, None, False]
    assert parse_graph(print_graph(graph)) == graph


def test_ignored_scopes() -> None:
    """Relative to the block that names them, each once, and in a dump."""
    source = """
    block b(x, i) {
        ignore "aux{i}"
        return conv(x, 4, 1)
    }
    network n(x: f32[1, 4, 6, 6]) {
        ignore "head", "tail"
        for i in 0..2 { x = b(x, i, name = "body.{i}") }
        ignore "head"
        return x
    }
    """
    graph = parse_graph(source)
    assert graph.ignored == ("head", "tail", "body.0.aux0", "body.1.aux1")
    assert parse_graph(print_graph(graph)) == graph
    assert format_source(source.replace(", ", " ,")) == format_source(source)


def test_a_mark_that_there_is_not() -> None:
    with pytest.raises(CompileError) as caught:
        parse_graph("network n(x: f32[1, 4, 6, 6]) {\n    @inline y = relu(x)\n    return y\n}\n")
    assert "@nofuse" in str(caught.value)
