"""Text to syntax tree: reads a whole file even where parts of it are wrong.

Comes in: a source. Goes out: its `syntax.File`, complete but for `Lost` statements, and the diagnostics. A syntax
error costs the statement it is in and nothing else (`recover.py`).
"""

from __future__ import annotations

import re

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from convc.diagnostics import Diagnostic, Source, Span
from convc.frontend import recover
from convc.frontend import syntax as s
from convc.frontend.failure import Failure, fail
from convc.frontend.syntax_errors import describe
from convc.frontend.tables import EXPRESSION, FILE, parser
from convc.frontend.tree import TreeBuilder

#: Syntax errors reported for one file; the rest waits for the next run.
MAX_ERRORS = 20

_HOLE = re.compile(r"\\(?P<escaped>.)|\{(?P<expression>[^{}]*)\}|(?P<brace>[{}])")


def parse_file(source: Source) -> tuple[s.File, list[Diagnostic]]:
    """The syntax tree of a source and what is wrong with its syntax."""
    text = source.text.replace(recover.MARK, "\x02")
    lost: dict[tuple[int, int], s.Lost] = {}
    found: list[Diagnostic] = []
    while True:
        try:
            tree = parser().parse(text, start=FILE)
            return TreeBuilder(source, parse_text, lost).build(tree), found
        except UnexpectedInput as error:
            cut = recover.cut(source, text, _offset(error, text))
            found.append(describe(source, text, error, cut))
            if cut is None or len(found) >= MAX_ERRORS:
                return _nothing(source), found
            lost[cut.lost.span.line, cut.lost.span.column] = cut.lost
            text = cut.text
        except Failure as failure:
            return _nothing(source), [*found, failure.diagnostic]


def _nothing(source: Source) -> s.File:
    span = Span(source, 1, 1, 1, 1)
    return s.File(span, (), (), (s.Lost(span, (), True),))


def _offset(error: UnexpectedInput, text: str) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return error.pos_in_stream if error.pos_in_stream is not None else len(text)


def parse_text(source: Source, token: Token) -> s.Text:
    """A string; `{expression}` is a hole, a backslash takes any special meaning from the next character."""
    assert token.line is not None and token.column is not None
    parts: list[str | s.Expression] = []
    body, done = str(token)[1:-1], 0
    for hole in _HOLE.finditer(body):
        parts.append(body[done : hole.start()])
        shift = (token.line - 1, token.column + hole.start())
        if hole["escaped"]:
            parts.append({"n": "\n", "t": "\t"}.get(hole["escaped"], hole["escaped"]))
        elif hole["expression"] is not None:
            parts.append(_expression(source, hole["expression"], (shift[0], shift[1] + 1)))
        else:
            place = Span(source, token.line, shift[1] + 1, token.line, shift[1] + 2)
            raise fail(
                "E0103", f"`{hole['brace']}` alone in a string", place,
                help=f"write `\\{hole['brace']}` for the character itself, `{{expression}}` to insert a value",
            )
        done = hole.end()
    parts.append(body[done:])
    span = Span(source, token.line, token.column, token.line, token.column + len(token))
    return s.Text(span, tuple(part for part in parts if part != ""))


def _expression(source: Source, text: str, shift: tuple[int, int]) -> s.Expression:
    try:
        tree = parser().parse(text, start=EXPRESSION)
    except (UnexpectedCharacters, UnexpectedToken) as error:
        down, right = shift
        column = right + 1 + (0 if error.pos_in_stream is None else error.pos_in_stream)
        place = Span(source, down + 1, right + 1, down + 1, max(column, right + 1 + len(text)))
        raise fail("E0101", "not an expression", place, "a string's braces hold one expression") from error
    builder = TreeBuilder(source, parse_text, {}, shift)
    # An inlined start rule leaves a tree of one child around it.
    result: s.Expression = builder.build(tree.children[0] if tree.data == EXPRESSION else tree)
    return result
