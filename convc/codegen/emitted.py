"""The C text of a network, as files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One C file."""

    file_name: str
    text: str


@dataclass(frozen=True, slots=True)
class Emitted:
    """All C text of a network; `header` is the public one, `units` the files to compile, `internal` their headers."""

    name: str
    units: tuple[Unit, ...]
    internal: tuple[Unit, ...]
    header_name: str
    header: str
