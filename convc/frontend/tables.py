"""The parser tables: built from the grammar once, then kept in the user's cache folder.

Building them takes longer than checking a large file, loading them a few milliseconds. The cache is a convenience:
whatever goes wrong with it (no permission, a full disk, a damaged file) the tables are built again and nobody hears.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import lark
from lark import Lark

from convc import resources

#: What can be parsed: a whole file, or the expression inside a string's braces.
FILE, EXPRESSION = "file", "_expression"


@cache
def parser() -> Lark:
    """The parser; one per process."""
    grammar = resources.grammar("conv.lark").read_text(encoding="utf-8")
    path = _cache_path(grammar)
    with suppress(Exception), path.open("rb") as file:  # any damage, also what unpickling makes of it, is a miss
        return Lark.load(file)
    built = Lark(
        grammar, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=True,
        start=[FILE, EXPRESSION],
    )  # fmt: skip
    _store(built, path)
    return built


def cache_folder() -> Path:
    """Where this user's caches lie; it need not exist."""
    if chosen := os.environ.get("CONVC_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "convc"


def _cache_path(grammar: str) -> Path:
    key = hashlib.sha256(f"{lark.__version__}\n{pickle.HIGHEST_PROTOCOL}\n{grammar}".encode()).hexdigest()
    return cache_folder() / "grammar" / f"{key[:32]}.tables"


def _store(built: Lark, path: Path) -> None:
    """Write under another name and rename, so that no reader ever sees half a file."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                built.save(file)
            temporary.replace(path)
        except OSError:
            temporary.unlink()
