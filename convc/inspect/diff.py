"""What a pass changed, told from the graphs' text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from convc.ir.graph import Graph
from convc.ir.printer import print_graph

_CONTEXT: Final = 1


def changes(before: Graph, after: Graph) -> str:
    """Lines that went (`-`), came (`+`) and stand beside them, `...` for the rest; `nothing changed` if so.

    Lines that changed only in part stand together, the old one above the new one.
    """
    if before == after:
        return "nothing changed"
    old, new = print_graph(before).splitlines(), print_graph(after).splitlines()
    # autojunk would take lines that come often, such as `}`, for noise, and lose the alignment of long graphs.
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return "\n".join(_show(matcher.get_grouped_opcodes(_CONTEXT), old, new))


_Opcode = tuple[str, int, int, int, int]


def _show(groups: Iterable[list[_Opcode]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    shown = 0  # lines of `old` that are told of
    for group in groups:
        if group[0][1] > shown:
            yield "..."
        for kind, i, j, k, m in group:
            yield from (f"  {line}" for line in old[i:j] if kind == "equal")
            if kind != "equal":
                yield from _replaced(old[i:j], new[k:m])
            shown = j
    if shown < len(old):
        yield "..."


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Line beside line where each was only rewritten; else all that went, then all that came."""
    if len(old) == len(new) and all(_name(a) == _name(b) for a, b in zip(old, new, strict=True)):
        for a, b in zip(old, new, strict=True):
            yield f"- {a}"
            yield f"+ {b}"
        return
    yield from (f"- {line}" for line in old)
    yield from (f"+ {line}" for line in new)


def _name(line: str) -> str:
    return line.partition(":")[0].strip()
