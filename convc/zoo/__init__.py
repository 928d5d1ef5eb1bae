"""Networks that are known by name: a `.conv` file each, beside this one, and weights where they are small enough."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from convc.diagnostics import ConvcError
from convc.zoo.header import FORMS, Header, parse_header

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Entry:
    """A network of the zoo. `header` is what its file says of it; `weights` trained ones, where they are kept."""

    name: str
    path: Path
    header: Header
    weights: Path | None


def names() -> tuple[str, ...]:
    """Names of all networks, in alphabetical order."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.conv")))


def find(name: str) -> Entry:
    """The network of that name.

    Raises:
        ConvcError: There is none; the message names the nearest.
    """
    path = _HERE / f"{name}.conv"
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names())}"
        raise ConvcError(f"no network `{name}` in the zoo; {hint}")
    weights = path.with_suffix(".safetensors")
    return Entry(name, path, parse_header(path.read_text()), weights if weights.is_file() else None)


__all__ = ["FORMS", "Entry", "Header", "find", "names", "parse_header"]
