"""Messages as data: what went wrong, where, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from convc.diagnostics.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A span with a short remark drawn under it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message.

    `code` is stable (`E0302`) and has a page in `convc explain`. `label` is the place; `secondary` are further places
    (the chain of block calls, an earlier definition); `notes` show the arithmetic; `helps` can be pasted.
    """

    code: str
    title: str
    label: Label | None = None
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


class ConvcError(Exception):
    """Anything a user can mend: their source, weights, arrays, options or environment."""


class CompileError(ConvcError):
    """One or more diagnostics about a network; `str()` renders them all without colour."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from convc.diagnostics.render import render_all

        return render_all(self.diagnostics, colour=False)


class InternalError(Exception):
    """A fault of convc itself; the message says what to report."""
