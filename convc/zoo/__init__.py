"""The networks that come with convc: `.conv` files beside this one, found by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from convc.diagnostics import ConvcError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """A network: its name, the first line of its source, and its size."""

    name: str
    title: str
    parameters: int
    macs: int


def names() -> tuple[str, ...]:
    """Names of all networks, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.conv")))


def path(name: str) -> Path:
    """The source of a network.

    Raises:
        ConvcError: There is none of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise ConvcError(f"no file and no network of the zoo is called `{name}`{hint}\n  the zoo has: {', '.join(names())}")
    return _FOLDER / f"{name}.conv"


def entries() -> tuple[Entry, ...]:
    """All networks with their figures, worked out from their sources."""
    return tuple(_entry(name) for name in names())


def _entry(name: str) -> Entry:
    from convc.frontend import load_graph

    graph = load_graph(path(name))
    costs = [n.op.cost([v.type for v in n.inputs], [v.type for v in n.outputs]) for n in graph.nodes]
    title = path(name).read_text().splitlines()[0].lstrip("# ")
    return Entry(name, title, sum(c.parameters for c in costs), sum(c.macs for c in costs))
