"""Where a piece of text came from: source files and spans inside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Source:
    """A text with the name it is reported under.

    `name` is what a person sees (a path relative to the project folder, or `<string>`); two sources of one name and
    text are equal.
    """

    name: str
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class Span:
    """A range of text: 1-based lines and columns, the end column exclusive (on `end_line`)."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int
    inside: str = field(default="", compare=False)  # `in block conv_bn at std/convolutions.conv:41`: what it stands for

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(self.source, self.line, self.column, other.end_line, other.end_column, self.inside)
