"""The formatter: one way of spacing and indenting; line ends and comments stay where their author put them.

It works on tokens, not on the tree, so nothing is lost; formatting twice changes nothing. A text with syntax errors is
refused, not guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from convc.diagnostics import CompileError, Source
from convc.frontend.parse import parse_file

_TOKEN = re.compile(
    r'(?P<newline>\n)|(?P<space>[ \t\r]+)|(?P<comment>#[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<mark>@\w+)|(?P<property>\.[A-Za-z_]\w*)|(?P<other>\.\.|\|>|[=!<>]=|.)"
)
#: Words that no name may be.
KEYWORDS = frozenset({
    "import", "block", "network", "return", "for", "in", "if", "else", "assert", "ignore", "and", "or", "not", "fused",
})  # fmt: skip
_OPERATORS = frozenset(["|>", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "..", "and", "or", "not"])
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str

    @property
    def ends_value(self) -> bool:
        named = self.kind == "name" and self.text not in KEYWORDS
        return named or self.kind in ("number", "string", "property") or self.text in (")", "]", "}")


def format_source(text: str, name: str = "<string>") -> str:
    """The text in the house style. Raises `CompileError` where it does not parse."""
    _, found = parse_file(Source(name, text))
    if found:
        raise CompileError(found)
    lines: list[str] = []
    depth, last = 0, None
    for tokens in _lines(text):
        if not tokens:
            if lines and lines[-1]:
                lines.append("")
            continue
        level = max(0, depth - _leading_closers(tokens)) + _continues(last, tokens[0])
        lines.append("    " * level + _line(tokens))
        depth += _opened(tokens)
        last = next((token for token in reversed(tokens) if token.kind != "comment"), last)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(_without_loose_blanks(lines)) + "\n" if lines else ""


def _lines(text: str) -> list[list[_Token]]:
    lines: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "newline":
            lines.append([])
        elif match.lastgroup != "space":
            lines[-1].append(_Token(match.group().rstrip(), match.lastgroup or ""))
    return lines


def _opened(tokens: list[_Token]) -> int:
    """By how many levels the next line is deeper."""
    others = [token.text for token in tokens if token.kind == "other"]
    return sum((text in _OPEN) - (text in _CLOSE) for text in others)


def _continues(last: _Token | None, first: _Token) -> bool:
    """Whether a line goes on with the expression of the one before, and is indented one level for that."""
    if last is None or first.kind == "comment":
        return False
    return first.text in _OPERATORS or (last.text in _OPERATORS or last.text == "=")


def _leading_closers(tokens: list[_Token]) -> int:
    count = 0
    for token in tokens:
        if token.text not in _CLOSE or token.kind != "other":
            break
        count += 1
    return count


def _line(tokens: list[_Token]) -> str:
    text = ""
    for place, token in enumerate(tokens):
        if place:
            before = tokens[place - 1]
            unary = _is_unary(tokens, place - 1)
            text += "  " if token.kind == "comment" else " " if _spaced(before, token, unary) else ""
        text += _comment(token.text) if token.kind == "comment" else token.text
    return text


def _comment(text: str) -> str:
    """One space after the `#`, unless it begins a ruler such as `#----`."""
    return f"# {text[1:]}" if re.match(r"#\w", text) else text


def _is_unary(tokens: list[_Token], place: int) -> bool:
    return tokens[place].text == "-" and (place == 0 or not tokens[place - 1].ends_value)


def _spaced(before: _Token, token: _Token, unary: bool) -> bool:
    """Whether a space stands between two tokens of one line."""
    if unary or before.text in ("(", "[", "..") or token.text in (")", "]", ",", ";", ":", ".."):
        return False
    if token.kind == "property":
        return False
    if before.text == "{" and token.text == "}":
        return False
    if token.text in ("(", "["):
        return not (before.ends_value and before.kind != "number" and before.text != "}")
    return True


def _without_loose_blanks(lines: list[str]) -> list[str]:
    """No blank line just inside a brace."""
    kept: list[str] = []
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if not line and ((kept and kept[-1].endswith("{")) or following.lstrip().startswith("}")):
            continue
        kept.append(line)
    return kept
