"""Sources, spans, messages, and how they are drawn."""

from convc.diagnostics.model import CompileError, ConvcError, Diagnostic, InternalError, Label, Severity
from convc.diagnostics.render import render, render_all
from convc.diagnostics.source import Source, Span

__all__ = [
    "CompileError", "ConvcError", "Diagnostic", "InternalError", "Label", "Severity", "Source", "Span",
    "render", "render_all",
]  # fmt: skip
