"""A syntax error costs its own statement: every other fault is still found, at its own column."""

from __future__ import annotations

import pytest

from convc.diagnostics import CompileError
from convc.frontend import parse_graph


def faults(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(CompileError) as caught:
        parse_graph(text)
    spans = [(d.code, d.label.span) for d in caught.value.diagnostics if d.label]
    return [(code, span.line, span.column) for code, span in spans]


def body(*lines: str) -> str:
    return "network n(x: f32[1, 3, 8, 8]) {\n" + "\n".join(lines) + "\nreturn x\n}"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["a = conv(x,, 3)", "b = ) relu(x)", "c = x +* 2"], [("E0101", 2, 12), ("E0101", 3, 5), ("E0101", 4, 8)]),
        (["a =", "b = relu(x", "c = tanh(x)", "d = foo(c)"], [("E0101", 2, 3), ("E0103", 3, 9), ("E0202", 5, 5)]),
        (["for i on 0..3 {", "a = conv(x,, 3)", "}", "b = foo"], [("E0101", 2, 7), ("E0201", 5, 5)]),
        (["if x. { a = x } else { a = x }", "b = foo"], [("E0101", 2, 5), ("E0201", 3, 5)]),
        (["a = conv(", "    x, 8,", "    kernel: 3,", "    pad = 1,", ")", "b = foo"],
         [("E0101", 4, 11), ("E0201", 7, 5)]),
        (["a = 1 ? 2", "b = a + 1", "x = conv(x, b, 64)"], [("E0101", 2, 7)]),
        (["a = x $ y", "return q", "}", "}", "block f(x) { return zz }"],
         [("E0101", 2, 7), ("E0201", 3, 8), ("E0103", 5, 1)]),
    ],
)  # fmt: skip
def test_statements(lines: list[str], found: list[tuple[str, int, int]]) -> None:
    text = (
        body(*lines)
        if "}" not in lines[1:] or lines[0].startswith("for")
        else "network n(x: f32[1]) {\n" + "\n".join(lines)
    )
    assert faults(text) == found


def test_a_broken_block_is_known_by_name() -> None:
    text = (
        "block f(x {\nreturn x\n}\nblock g(x) { return relu(x, 1) }\nnetwork n(x: f32[1, 3]) { return f(x) |> g |> h }"
    )
    assert faults(text) == [("E0101", 1, 11), ("E0202", 5, 47)]


def test_any_prefix_of_a_source_gives_a_message() -> None:
    source = body(
        'a, b: f32[1] = conv(x, 3 if true else [1][0], pad = same, name = "c{1 + 1}") |> relu', "assert 1 < 2"
    )
    for length in range(len(source) - 1):
        assert faults(source[:length])


def test_any_deleted_character_ends_well() -> None:
    source = "block f(x, n = 2) { y = x |> conv(n, 3) return y + 1 }\n" + body(
        'a = f(x, n = 4, name = "c{1}")', "if 1 < 2 { b = a }"
    )
    for place in range(len(source)):
        try:
            parse_graph(source[:place] + source[place + 1 :])
        except CompileError as error:
            assert error.diagnostics and str(error)
