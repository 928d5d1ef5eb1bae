"""What to say about a syntax error: what stands there, what could, and the likely slip."""

from __future__ import annotations

from collections.abc import Iterable

from lark.exceptions import UnexpectedInput, UnexpectedToken

from convc.diagnostics import Diagnostic, Source, Span
from convc.frontend.failure import fault
from convc.frontend.recover import Cut, Piece, pieces, span_of, unclosed

#: Terminals of the grammar in the user's words; those that only make an expression longer are left out.
_WORDS = {
    "COMMA": "`,`", "RPAR": "`)`", "LPAR": "`(`", "RSQB": "`]`", "LSQB": "`[`", "LBRACE": "`{`", "RBRACE": "`}`",
    "EQUAL": "`=`", "COLON": "`:`", "IN": "`in`", "ELSE": "`else`", "NAME": "a name", "STRING": "a string",
    "RETURN": "a statement",
    "BLOCK": "`block`", "NETWORK": "`network`", "IMPORT": "`import`", "SEMICOLON": "`;`", "$END": "the end of the file",
}  # fmt: skip

#: Text at the error, or the word before it, and what its author probably wanted.
_SLIPS = {
    ";": "statements need no separator: leave the `;` out",
    "'": 'strings stand in double quotes: `"..."`',
    "//": "comments begin with `#`",
    "**": "there is no power: write `a * a`",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "elif": "write `else if ... {`",
    "def": "write `block name(x) { ... }`",
    "class": "write `block name(x) { ... }`",
    "while": "write `for i in 0..n { ... }`",
    "->": "results have no written type here: `block name(x) { ... return y }`",
    "@": "a statement is marked `@fuse` or `@nofuse`; a matrix product is `linear(x, channels)`",
}


def describe(source: Source, text: str, error: UnexpectedInput, cut: Cut | None) -> Diagnostic:
    """The diagnostic for an error of the parser; `cut` is what recovery made of it."""
    found = pieces(text)
    offset = len(text) if _at_end(error) or error.pos_in_stream is None else error.pos_in_stream
    at = next((i for i, piece in enumerate(found) if piece.offset >= offset), None)
    open_bracket = unclosed(found, before=offset)
    if at is None:
        return _early_end(source, text, found, open_bracket)
    if cut is not None and cut.blamed is not None:
        return _stopped_early(source, text, cut.blamed, open_bracket)
    piece = found[at]
    place = span_of(source, text, piece)
    if open_bracket is not None and piece.text in ("block", "network", "import"):
        return _never_closed(source, text, open_bracket)
    if piece.text == '"':
        return fault("E0103", "string without an end", place, 'no closing `"` on this line', help='close it with `"`')
    if piece.text == "}" and open_bracket is None:
        return fault("E0103", "`}` closes nothing", place, "no `{` is open here", help="leave it out")
    expected = _expected(error)
    title = f"unexpected `{piece.text}`"
    return fault("E0101", title, place, expected and f"expected {expected}", help=_slip(text, found, at))


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and error.token.type == "$END"


def _early_end(source: Source, text: str, found: list[Piece], bracket: Piece | None) -> Diagnostic:
    if bracket is not None:
        return _never_closed(source, text, bracket)
    place = span_of(source, text, found[-1]) if found else Span(source, 1, 1, 1, 1)
    return fault("E0101", "the file ends too early", place, "something must follow")


def _never_closed(source: Source, text: str, bracket: Piece) -> Diagnostic:
    closing = {"(": ")", "[": "]", "{": "}"}[bracket.text]
    title, place = f"`{bracket.text}` is never closed", span_of(source, text, bracket)
    return fault("E0103", title, place, f"`{closing}` is missing", help=f"add `{closing}`")


def _stopped_early(source: Source, text: str, last: Piece, bracket: Piece | None) -> Diagnostic:
    if bracket is not None and bracket.text != "{" and bracket.offset <= last.offset:
        return _never_closed(source, text, bracket)
    place = span_of(source, text, last)
    return fault("E0101", "the statement is not complete", place, f"an expression must follow `{last.text}`")


def _expected(error: UnexpectedInput) -> str:
    accepted: Iterable[str] = ()
    if isinstance(error, UnexpectedToken):
        accepted = error.accepts or error.expected
    else:
        accepted = getattr(error, "allowed", None) or ()
    accepted = set(accepted)
    if {"NAME", "INT"} <= accepted:
        return "an expression" + (" or `)`" if "RPAR" in accepted else "")
    if accepted & {"COMMA", "LBRACE", "RPAR", "RBRACE"}:
        accepted -= {"LPAR", "LSQB"}  # they would only make the expression before longer
    if "RETURN" in accepted:
        accepted -= {"NAME", "COMMA", "ELSE"}
    words = [word for terminal, word in _WORDS.items() if terminal in accepted]
    return ", ".join(words[:-1]) + (" or " if len(words) > 1 else "") + words[-1] if words else ""


def _slip(text: str, found: list[Piece], at: int) -> str:
    piece, before = found[at], found[at - 1] if at else None
    following = found[at + 1].text if at + 1 < len(found) else ""
    pair = text[piece.offset : piece.offset + 2]
    touching = text[max(0, piece.offset - 1) : piece.offset + 1]
    for candidate in (pair, touching, piece.text, before.text if before else ""):
        if candidate in _SLIPS:
            return _SLIPS[candidate]
    if before is None:
        return "a file holds `import`, `block` and `network`"
    if piece.text == ":" and before.kind == "name":
        return f"arguments are written `{before.text} = {following or '...'}`"
    if piece.text == "=" and following == "=":
        return "compare with `==`"
    if piece.text == "=" and before.kind == "name":
        return f"to compare, write `{before.text} == {following}`"
    if piece.text in ("+", "-", "*", "/") and following == "=" and before.kind == "name":
        return f"write `{before.text} = {before.text} {piece.text} ...`"
    if piece.text == "(" and before.kind == "name" and before.first:
        return f"give the result a name: `y = {before.text}(...)`"
    if piece.text == "|>" and before.kind == "name" and before.first:
        return f"give the result a name: `{before.text} = {before.text} |> ...`"
    if piece.kind in ("name", "number", "string") and before.kind in ("name", "number", "string"):
        return "is a `,` or an operator missing between the two?"
    return ""
