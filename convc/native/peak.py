"""What the machine can do at most, measured: multiply-adds, and reading from the second-level cache and from memory."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from convc import resources
from convc.codegen.environment import environment
from convc.native.compiler import find_compiler
from convc.options import Target

#: Bytes that are read over and over: within a second-level cache, and beyond any that is near.
_CACHED: Final = 256 * 1024
_IN_MEMORY: Final = 160 * 1024 * 1024

#: Vectors of a stream that are read in a turn.
_STEP: Final = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """FLOP/s, and bytes per second read from the second-level cache and from memory, of all threads together."""

    flops: float
    cache: float
    memory: float


def limits(target: Target, threads: int = 1) -> Limits:
    """The limits of so many threads, each a process of its own; takes about a second."""
    flops = _measure("peak", target, threads, **accumulators(target))[0]
    sizes = {"sizes": (_CACHED, _IN_MEMORY), "step": _STEP, "runs": 7}
    cache, memory = _measure("bandwidth", target, threads, **sizes)[:2]
    return Limits(flops, cache, memory)


def peak_flops(target: Target) -> float:
    """FLOP/s of independent multiply-adds in one thread, the best of forty runs; takes a few tenths of a second."""
    return _measure("peak", target, 1, **accumulators(target))[0]


def accumulators(target: Target) -> dict[str, Any]:
    """How the program of the peak keeps its sums: how many, and in which registers."""
    count = 12 if target.registers == 16 else 14  # hides the latency, fits the registers; GCC takes 15 in one `asm`
    arm = platform.machine() in ("aarch64", "arm64")
    return {"count": count, "constraint": "w" if arm else "v" if target.lanes > 4 else "x"}


def _measure(template: str, target: Target, threads: int, **values: Any) -> list[float]:
    """What the program of `template` prints, in units instead of billions, summed over processes that run together."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(build_program(template, target, Path(folder), **values))]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(threads)]
        printed = [process.communicate(timeout=120)[0].split() for process in running]
    return [1e9 * sum(map(float, column)) for column in zip(*printed, strict=True)]


def build_program(template: str, target: Target, folder: Path, **values: Any) -> Path:
    """The program of `template`, compiled for `target` into `folder`."""
    text = environment().get_template(f"{template}.c.j2").render(lanes=target.lanes, **values)
    (folder / "measure.c").write_text(text)
    compiler = find_compiler()
    include = f"-I{resources.runtime()}"
    compiler.run([*compiler.flags, *target.flags, include, "measure.c", "-o", "measure"], folder)
    return folder / "measure"
