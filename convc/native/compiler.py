"""The system's C compiler: found, asked who it is, run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from convc.diagnostics import ConvcError, InternalError

#: For every unit. No -ffast-math: it would let the linker flip denormal handling for the whole process, and sums could
#: be reordered. Contraction to fused multiply-add is wanted and is the compilers' own default.
FLAGS: Final = (
    "-O2", "-std=gnu11", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast",
    "-fno-semantic-interposition", "-fno-tree-vectorize", "-Wall", "-Wextra", "-Wno-psabi",
)  # fmt: skip

#: For gcc: without it, the 28 accumulators of a tile are merged with their copies at the end of the loop, which costs
#: up to ten spills in a loop that fits the registers exactly (tests/kernels/test_spills.py).
GCC_FLAGS: Final = ("-fno-tree-coalesce-vars",)

#: No build id: it would differ where the compiler's own path does. Every symbol must be found at link time.
LINK_FLAGS: Final = () if sys.platform == "darwin" else ("-Wl,-z,noexecstack,-z,defs,--build-id=none",)


@dataclass(frozen=True, slots=True)
class Compiler:
    """A command that compiles C, and what `--version` says of it."""

    command: tuple[str, ...]
    version: str

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags for every unit, those of the user among them."""
        own = () if "clang" in self.version.lower() else GCC_FLAGS
        return (*FLAGS, *own, *extra_flags())

    def run(self, arguments: Sequence[str], folder: Path) -> None:
        """Compile or link in `folder`; a failure is ours, since all C is generated."""
        result = subprocess.run([*self.command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            command = shlex.join([*self.command, *arguments])
            raise InternalError(f"the C compiler rejected generated code: {command}\n{result.stderr[-4000:]}")


def extra_flags() -> tuple[str, ...]:
    """What the user adds through CONVC_CFLAGS, e.g. `-g -fsanitize=address`."""
    return tuple(shlex.split(os.environ.get("CONVC_CFLAGS", "")))


def find_compiler() -> Compiler:
    """The compiler of $CC, else cc, gcc or clang.

    Raises:
        ConvcError: There is none; the message says what to install.
    """
    return _find(os.environ.get("CC", ""), os.environ.get("PATH", os.defpath))


@cache
def _find(cc: str, path: str) -> Compiler:
    candidates = [shlex.split(cc)] if cc.strip() else [["cc"], ["gcc"], ["clang"]]
    for command in candidates:
        if shutil.which(command[0], path=path) is None:
            continue
        try:
            asked = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=30, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return Compiler(tuple(command), asked.stdout.strip().splitlines()[0] if asked.stdout else command[0])
    if cc.strip():
        raise ConvcError(f"the C compiler in CC does not run: `{cc}`\n  set CC to one that does, or unset it")
    raise ConvcError(
        "no C compiler found (looked for cc, gcc, clang)\n"
        "  Debian, Ubuntu: apt install gcc    Fedora: dnf install gcc    macOS: xcode-select --install\n"
        "  or set CC to the compiler's command"
    )
