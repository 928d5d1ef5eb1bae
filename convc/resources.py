"""Where the files beside the Python code are: in an installed wheel under `convc/_data`, in a checkout at the top.

The standard blocks lie in the package itself, as the zoo does.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def _root() -> Path:
    packed = Path(__file__).parent / "_data"
    return packed if packed.is_dir() else Path(__file__).parent.parent


def grammar(name: str) -> Path:
    return _root() / "grammar" / name


def templates() -> Path:
    return _root() / "templates"


def runtime() -> Path:
    return _root() / "runtime"


def forms() -> Path:
    return _root() / "examples" / "forms"


def standard() -> Path:
    return Path(__file__).parent / "std"
