"""What the machine can do at most: its peak of multiply-adds, measured."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from pathlib import Path

from convc import resources
from convc.codegen.environment import environment
from convc.native.compiler import find_compiler
from convc.options import Target


def peak_flops(target: Target) -> float:
    """FLOP/s of independent multiply-adds in one thread, the best of forty runs; takes a few tenths of a second."""
    count = 12 if target.registers == 16 else 16  # enough to hide the latency, few enough for the registers
    arm = platform.machine() in ("aarch64", "arm64")
    constraint = "w" if arm else "v" if target.lanes > 4 else "x"
    text = environment().get_template("peak.c.j2").render(lanes=target.lanes, count=count, constraint=constraint)
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "peak.c").write_text(text)
        include = f"-I{resources.runtime()}"
        compiler.run([*compiler.flags, *target.flags, include, "peak.c", "-o", "peak"], folder)
        found = subprocess.run([str(folder / "peak")], capture_output=True, text=True, check=True, timeout=60)
    return float(found.stdout.split()[0]) * 1e9
