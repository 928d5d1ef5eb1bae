"""What an importer cannot take, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convc.diagnostics import ConvcError


class Declined(Exception):
    """Raised by a handler: its node cannot be imported; the text says why, and what would do instead."""


class NeedsConstant(Declined):
    """An operand must be known when the graph is built, but is the graph's input `input`."""

    def __init__(self, input: str, reason: str) -> None:
        super().__init__(reason)
        self.input = input


@dataclass(frozen=True, slots=True)
class Refusal:
    """A node that was declined."""

    node: str
    op: str
    reason: str
    input: str = ""  # the graph input that would have to be constant

    def __str__(self) -> str:
        return f"`{self.node}` ({self.op}): {self.reason}"


class UnsupportedModel(ConvcError):
    """Every node of a model that cannot be imported, at once."""

    def __init__(self, origin: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        count = f"{len(refusals)} nodes" if len(refusals) > 1 else "1 node"
        super().__init__("\n".join([f"{origin}: {count} cannot be imported", *(f"  {item}" for item in refusals)]))
