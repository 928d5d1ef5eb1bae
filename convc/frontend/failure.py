"""How the front end says no: an exception that carries one diagnostic, and a short way to make one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from convc.diagnostics import Diagnostic, Label, Span


class Failure(Exception):
    """One diagnostic; whoever runs a statement reports it and goes on with the next."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic


class Halt(Failure):
    """A failure after which going on makes no sense: a limit was reached."""


def fault(
    code: str, title: str, span: Span, label: str = "", *,
    note: str = "", help: str = "", also: tuple[Label, ...] = (),
) -> Diagnostic:  # fmt: skip
    """A diagnostic; empty notes and helps are left out."""
    return Diagnostic(code, title, Label(span, label), also, (note,) if note else (), (help,) if help else ())


def fail(
    code: str, title: str, span: Span, label: str = "", *,
    note: str = "", help: str = "", also: tuple[Label, ...] = (),
) -> Failure:  # fmt: skip
    """A failure to raise; see `fault`."""
    return Failure(fault(code, title, span, label, note=note, help=help, also=also))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or the empty string."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean `x`?`, or the empty string."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else ""
