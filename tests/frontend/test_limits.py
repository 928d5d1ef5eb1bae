"""Whatever is written, elaboration ends, with a message and not with Python's."""

from __future__ import annotations

import pytest

from convc.diagnostics import CompileError
from convc.frontend import parse_graph

HEADER = "network n(x: f32[1, 3]) "


def code_of(text: str) -> str:
    with pytest.raises(CompileError) as caught:
        parse_graph(text)
    assert str(caught.value)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize(
    "body",
    [
        "y = " + "(relu(" * 3000 + "x" + "))" * 3000,
        "y = " + "[" * 3000 + "]" * 3000,
        "y = " + "not " * 3000 + "true",
        "y = " + "- " * 3000 + "1",
        "y = " + "1 if true else " * 3000 + "2",
        "y = 2" + "[0]" * 3000,
        "if true { " * 3000 + "y = x" + "}" * 3000,
        "if false { y = x } " + "else if false { y = x } " * 3000,
    ],
    ids=["calls", "lists", "not", "minus", "choice", "index", "if", "else if"],
)
def test_deep_nesting(body: str) -> None:
    assert code_of(f"{HEADER}{{ {body} return x }}") == "E0104"


def test_long_chains_are_no_nesting() -> None:
    parse_graph(f"{HEADER}{{ y = {'1 + ' * 5000}1 return x {'|> relu ' * 2000} }}")


def test_deep_but_legal_nesting_evaluates() -> None:
    parse_graph(f"{HEADER}{{ y = {'relu(' * 60}x{')' * 60} return y }}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"block f(x) {{ return f(x) }} {HEADER}{{ return f(x) }}", "E0502"),
        (
            f"block f(x) {{ for i in 0..2 {{ if true {{ x = f(f(relu(x))) }} }} return x }} {HEADER}{{ return f(x) }}",
            "E0104",
        ),
        (f"{HEADER}{{ for i in 0..9999999999999 {{ y = i }} return x }}", "E0503"),
        (f"{HEADER}{{ for i in 0..999999 {{ x = relu(x) }} return x }}", "E0501"),
        (f"{HEADER}{{ n = 2 for i in 0..99 {{ n = n * n }} return x }}", "E0504"),
        (f'{HEADER}{{ n = "ab" for i in 0..99 {{ n = "{{n}}{{n}}" }} return x }}', "E0504"),
        (f"{HEADER}{{ n = [1] for i in 0..99 {{ n = n + n }} return x }}", "E0504"),
        (f"{HEADER}{{ n = {'9' * 5000} return x }}", "E0504"),
        (f"{HEADER}{{ n = 1e999 * 2 return x }}", "E0504"),
    ],
    ids=["recursion", "deep recursion", "loop", "nodes", "number", "string", "list", "literal", "infinity"],
)
def test_runaways(text: str, code: str) -> None:
    assert code_of(text) == code


def test_at_most_twenty_errors() -> None:
    with pytest.raises(CompileError) as caught:
        parse_graph(HEADER + "{\n" + "y = foo(x)\n" * 50 + "return x }")
    assert len(caught.value.diagnostics) == 20
