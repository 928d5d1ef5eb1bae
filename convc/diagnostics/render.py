"""Diagnostics as text, with the source line and carets under it.

    error[E0302]: kernel does not fit its input
      --> lenet.conv:7:18
       |
     7 |     y = conv(x, 8, 7)
       |                    ^ height: the kernel needs 7, the padded input has 4 + 0 + 0 = 4
       |
       = help: use `pad = 2`, or a kernel of at most 4
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convc.diagnostics.model import Diagnostic, Label, Severity
from convc.diagnostics.source import Span

_TAB = "    "
_MAX_LINE = 160


@dataclass(frozen=True, slots=True)
class _Style:
    """Terminal colours, or nothing."""

    colour: bool

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def severity(self, diagnostic: Diagnostic, text: str) -> str:
        return self.paint("1;31" if diagnostic.severity is Severity.ERROR else "1;33", text)

    def margin(self, text: str) -> str:
        return self.paint("1;34", text)


def render_all(diagnostics: Sequence[Diagnostic], colour: bool) -> str:
    """All messages, a blank line between them, and a count at the end if there are several."""
    parts = [render(diagnostic, colour) for diagnostic in diagnostics]
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
    if errors > 1:
        parts.append(f"{errors} errors")
    return "\n\n".join(parts)


def render(diagnostic: Diagnostic, colour: bool) -> str:
    """One message, without a line end."""
    style = _Style(colour)
    code = f"[{diagnostic.code}]" if diagnostic.code else ""
    head = style.severity(diagnostic, f"{diagnostic.severity.value}{code}") + style.paint("1", f": {diagnostic.title}")
    labels = [*([diagnostic.label] if diagnostic.label else []), *diagnostic.secondary]
    width = max((len(str(label.span.line)) for label in labels), default=1)
    lines = [head, *_places(diagnostic, labels, width, style)]
    for word, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        for text in texts:
            first, *rest = text.split("\n")
            lines.append(f"{' ' * width} {style.margin('=')} {style.paint('1', word)}: {first}")
            lines.extend(f"{' ' * (width + 9)}{line}" for line in rest)
    return "\n".join(lines)


def _places(diagnostic: Diagnostic, labels: Sequence[Label], width: int, style: _Style) -> Iterable[str]:
    pad = " " * width
    last: Span | None = None
    for label in labels:
        primary = label is diagnostic.label
        if last is None or label.span.source != last.source:
            yield f"{pad}{style.margin('-->' if last is None else ':::')} {label.span}"
            yield f"{pad} {style.margin('|')}"
        elif label.span.line not in (last.line, last.line + 1):
            yield style.margin("...")
        last = label.span
        yield from _excerpt(label, primary, diagnostic, width, style)
    if labels and (diagnostic.notes or diagnostic.helps):
        yield f"{pad} {style.margin('|')}"


def _excerpt(label: Label, primary: bool, diagnostic: Diagnostic, width: int, style: _Style) -> Iterable[str]:
    span = label.span
    lines = span.source.lines
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    before, marked = _marked(line, span)
    mark = ("^" if primary else "-") * max(1, len(marked))
    if span.end_line > span.line:
        mark += "..."
    remark = f"{mark} {_printable(label.text)}".rstrip()
    painted = style.severity(diagnostic, remark) if primary else style.margin(remark)
    shown = _printable(line)[:_MAX_LINE].rstrip()
    yield f"{style.margin(f'{span.line:>{width}} |')} {shown}".rstrip()
    yield f"{' ' * width} {style.margin('|')} {' ' * len(before)}{painted}"


def _marked(line: str, span: Span) -> tuple[str, str]:
    """What stands before the span on its first line, and the part inside it, as shown."""
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    return _printable(line[: span.column - 1])[:_MAX_LINE], _printable(line[span.column - 1 : end])[:_MAX_LINE]


def _printable(text: str) -> str:
    """Tabs widened, control characters made visible: a source cannot steer the reader's terminal."""
    return "".join(_TAB if c == "\t" else c if c.isprintable() else "\ufffd" for c in text)
