"""The C example, as its Makefile builds and runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "c"


def test_example_runs(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not here")
    command = [make, "-s", "-C", str(EXAMPLE), f"BUILD={tmp_path}", f"CONVC={sys.executable} -m convc"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "input  image: f32[1, 1, 28, 28]" in done.stdout
    assert "f32[1, 10]" in done.stdout and "is the largest" in done.stdout
    two = subprocess.run([tmp_path / "main", "2"], capture_output=True, text=True, check=False)
    assert two.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
