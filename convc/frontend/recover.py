"""Resynchronisation: what to cut out of a text after a syntax error, so that the rest can still be read.

The unit is the statement. A new one begins at a keyword or at `name =` that opens a line (or follows a brace); inside
open brackets only if it is not indented deeper than the statement around it, because arguments may stand on lines of
their own. The cut statement is replaced by one mark and blanks, so that every other line and column stays true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from convc.diagnostics import Source, Span
from convc.frontend.syntax import Lost

MARK = "\x01"

_TOKEN = re.compile(
    r'(?P<skip>\s+|#[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)'
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<other>\.\.|\|>|[=!<>]=|.)"
)
_DEFINITIONS = frozenset({"block", "network", "import"})
_STATEMENTS = frozenset({"for", "if", "return", "assert", "ignore"})
_WITH_BODY = frozenset({"for", "if", "block", "network"})
_CLOSING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A token as the scanner sees it: `first` on its line, at `column` (0-based)."""

    text: str
    kind: str
    offset: int
    column: int
    first: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """The text without its unreadable statement, and what stands in its place.

    `blamed` is the piece at fault where that is not the one the parser stumbled over.
    """

    text: str
    lost: Lost
    blamed: Piece | None = None


def pieces(text: str) -> list[Piece]:
    """The tokens of a text that need not be correct."""
    found, line_start, first = [], 0, True
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "skip":
            if "\n" in match.group():
                line_start, first = match.start() + match.group().rindex("\n") + 1, True
            continue
        start = match.start()
        found.append(Piece(match.group(), match.lastgroup or "", start, start - line_start, first))
        first = False
    return found


def unclosed(found: list[Piece], before: int | None = None) -> Piece | None:
    """The innermost bracket still open at the end (or before an offset).

    Where a `}` closes a brace whose line is indented deeper, that brace is the one that was forgotten.
    """
    stack: list[tuple[Piece, int]] = []
    indent, suspect = 0, None
    for piece in found:
        if before is not None and piece.offset >= before:
            break
        indent = piece.column if piece.first else indent
        if piece.text in _CLOSING.values():
            stack.append((piece, indent))
        elif stack and _CLOSING.get(piece.text) == stack[-1][0].text:
            opening, its_indent = stack.pop()
            if suspect is None and piece.first and piece.column < its_indent:
                suspect = opening
    return (suspect or stack[-1][0]) if stack else None


def cut(source: Source, text: str, offset: int) -> Cut | None:
    """Cut out the statement with the error at `offset`; `None` where nothing can be cut."""
    found = pieces(text)
    at = next((i for i, piece in enumerate(found) if piece.offset >= offset), None)
    if at is None:
        return None
    if found[at].text == "}" and _is_stray(found, at):
        return _replace(source, text, found, at, at + 1)
    starts = _starts(found)
    begin = max((i for i in starts if i <= at), default=at)
    if found[at].text in _DEFINITIONS and begin == at:  # the definition before it lacks a brace
        broken = max((i for i in starts if i < at and found[i].text in _DEFINITIONS), default=at)
        return _replace(source, text, found, broken, max(at, broken + 1))
    previous = max((i for i in starts if i < begin), default=None)
    # Where a statement stumbles over its own beginning, the one before it has stopped too early.
    stumbled = begin == at or (begin == at - 1 and found[at].text in "=:" and not _ends_value(found, begin - 1))
    if stumbled and previous is not None and found[begin - 1].text != "}":
        result = _replace(source, text, found, previous, begin)
        return Cut(result.text, result.lost, found[begin - 1])
    return _replace(source, text, found, begin, _end(found, starts, begin, at))


def _is_stray(found: list[Piece], at: int) -> bool:
    depth = 0
    for piece in found[: at + 1]:
        depth += (piece.text == "{") - (piece.text == "}")
    return depth < 0


def _starts(found: list[Piece]) -> set[int]:
    """Where statements and definitions begin."""
    starts: set[int] = set()
    depth, indent = 0, 0
    for i, piece in enumerate(found):
        opens = piece.first or (i > 0 and found[i - 1].text in "{}")
        outside = depth == 0 or piece.column <= indent
        if opens and (piece.text in _DEFINITIONS or (outside and _may_start(found, i))):
            starts.add(i)
            depth, indent = 0, piece.column
        if piece.text in ("(", "["):
            depth += 1
        elif piece.text in (")", "]"):
            depth = max(0, depth - 1)
    return starts


def _may_start(found: list[Piece], i: int) -> bool:
    if found[i].text in _STATEMENTS:
        return True
    following = found[i + 1].text if i + 1 < len(found) else ""
    if found[i].kind != "name" or found[i].text == "else":
        return False
    return following in ("=", ":") or _ends_value(found, i - 1)


def _ends_value(found: list[Piece], i: int) -> bool:
    """Whether an expression could end with this piece (or a body begin or end): no operand can follow it."""
    return i < 0 or found[i].kind in ("name", "number", "string") or found[i].text in (")", "]", "{", "}")


def _end(found: list[Piece], starts: set[int], begin: int, at: int) -> int:
    """The index after the last piece of the statement that begins at `begin`."""
    has_body = found[begin].text in _WITH_BODY
    depth = 0
    for i in range(begin, len(found)):
        if found[i].text == "{":
            depth += 1
        elif found[i].text == "}":
            if depth == 0:
                return max(i, begin + 1)
            depth -= 1
            followed_by_else = i + 1 < len(found) and found[i + 1].text == "else"
            if depth == 0 and has_body and i >= at and not followed_by_else:
                return i + 1
        elif i in starts and i > begin and (found[i].text in _DEFINITIONS or (i > at and not depth and not has_body)):
            return i
    return len(found)


def _replace(source: Source, text: str, found: list[Piece], begin: int, end: int) -> Cut:
    first, last = found[begin], found[end - 1]
    start, stop = first.offset, last.offset + len(last.text)
    blank = re.sub(r"[^\n]", " ", text[start + 1 : stop])
    names, returns = _bound_names(found[begin:end]), any(piece.text == "return" for piece in found[begin:end])
    return Cut(text[:start] + MARK + blank + text[stop:], Lost(span_of(source, text, first), names, returns))


def _bound_names(statement: list[Piece]) -> tuple[str, ...]:
    """The names a broken statement would have bound: those before its `=`; with a body, all that stand before one."""
    names: dict[str, None] = {}
    if statement[0].text in _WITH_BODY:
        for piece, following in zip(statement, [*statement[1:], statement[-1]], strict=True):
            if piece.kind == "name" and following.text in ("=", ",", "in", "("):
                names[piece.text] = None
        return tuple(names)
    for piece in statement:
        if piece.text == "=":
            break
        if piece.kind == "name":
            names[piece.text] = None
    return tuple(names)


def span_of(source: Source, text: str, piece: Piece) -> Span:
    """Where a piece stands."""
    line = text.count("\n", 0, piece.offset) + 1
    return Span(source, line, piece.column + 1, line, piece.column + 1 + len(piece.text))
