"""A network's name as C, file systems and linkers take it."""

from __future__ import annotations

import re
from typing import Final

#: Names whose functions or files would meet those of the runtime, of every library's own parts, or of libc:
#: `convc_run`, `weights.c`, `model_create`, `pthread_create`.
_TAKEN: Final = frozenset(
    {"convc", "input", "kernels", "model", "output", "pthread", "sem", "step", "timer", "weights"}
)
_LONGEST: Final = 64


def c_name(name: str) -> str:
    """`name` where it can be the prefix of C functions and the stem of files; else the nearest name that can."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:_LONGEST]
    if not plain or plain[0].isdigit() or plain[0] == "_":
        plain = f"net{plain}" if plain.startswith("_") else f"net_{plain}"
    return f"{plain}_net" if plain.lower() in _TAKEN or plain.startswith("convc_") else plain
