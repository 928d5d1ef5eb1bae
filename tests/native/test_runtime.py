"""The runtime alone, as a C program; under the sanitizers where the compiler has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from convc import resources
from convc.native.compiler import find_compiler

HERE = Path(__file__).parent
STRICT = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")


def build_program(folder: Path, *flags: str) -> Path | None:
    """The program, or None where the compiler cannot link it with these flags."""
    program = folder / "runtime_test"
    sources = [str(HERE / "runtime_test.c"), str(resources.runtime() / "convc_runtime.c")]
    command = [*find_compiler().command, *STRICT, *flags, "-I", str(resources.runtime()), *sources, "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 and flags:
        return None
    assert done.returncode == 0, done.stderr
    return program


def test_every_item_once_and_in_turn(tmp_path: Path) -> None:
    program = build_program(tmp_path)
    assert program is not None
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_sanitizers_find_nothing(tmp_path: Path, sanitizer: str) -> None:
    program = build_program(tmp_path, f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all")
    if program is None:
        pytest.skip(f"the compiler has no -fsanitize={sanitizer}")
    # The thread sanitizer does not follow threads that a child of fork() starts.
    arguments = ["without-fork"] if sanitizer == "thread" else []
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("the sanitizer does not run on this kernel")
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr[:4000]
