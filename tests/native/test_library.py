"""The library's own unit, with a kernel made for the test: addresses, scratch, memory of the caller's."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from convc.codegen.emit import Emitted, Unit
from convc.codegen.library import render_header, render_library, render_weights
from convc.driver import make_options
from convc.ir.graph import Node, Value
from convc.ir.types import TensorType
from convc.kernels.base import Kernel
from convc.native.build import build
from convc.native.compiler import find_compiler
from convc.native.kernel import Kernel as Native
from convc.ops.piecewise import Relu
from convc.plan.program import Address, Placed, Port, Program, Segment, Space, Step

ROWS, COLUMNS = 64, 4096
TYPE = TensorType.plain((ROWS, COLUMNS))

#: Adds a row of weights through scratch, which other threads must not share.
SOURCE = """
#include "kernels.h"
#include <string.h>
void tiny_add(const float *restrict src, const float *restrict weights, float *restrict scratch, float *restrict dst,
              int begin, int end)
{
    for (int row = begin; row < end; ++row) {
        memcpy(scratch, src + row * 4096, 4096 * sizeof *scratch);
        for (int i = 0; i < 4096; ++i) scratch[i] += weights[i];
        memcpy(dst + row * 4096, scratch, 4096 * sizeof *scratch);
    }
}
"""
DECLARATION = """
void tiny_add(const float *restrict src, const float *restrict weights, float *restrict scratch, float *restrict dst,
              int begin, int end);
"""


#: How the library's unit calls it.
CALL = """
static void step_000_a(const convc_frame *f, int begin, int end)
{
    tiny_add(
        f->inputs[0], /* src */
        (const float *)(f->weights + 64), /* weights */
        (float *)(f->scratch + 64), /* scratch */
        (float *)(f->arena + 128), /* dst */
        begin, end);
}
"""


@dataclass(frozen=True)
class Add(Kernel):
    template: ClassVar[str] = ""

    @property
    def stem(self) -> str:
        return "add"

    @property
    def parameters(self) -> tuple[str, ...]:
        return "src", "weights", "scratch", "dst"


def step(name: str, source: Address, target: Address) -> Step:
    node = Node(Relu(), (Value("x", TYPE),), (Value(name, TYPE),))
    weights, scratch = Address(Space.WEIGHTS, offset=64), Address(Space.SCRATCH, offset=64)
    return Step(Add(), (source, weights, scratch, target), ROWS, node, 'for "tests" */ \\')


def program() -> Program:
    middle = Address(Space.ARENA, offset=128)
    steps = (step("a", Address(Space.INPUT), middle), step("b", middle, Address(Space.OUTPUT)))
    whole = Segment(0, 2, 1, 1, 0, 0)
    return Program(
        "tiny", (Port("x", TYPE),), (Port("y", TYPE),), steps, (whole,), (), 64 + COLUMNS * 4, 128 + TYPE.bytes,
        TYPE.bytes, 64 + COLUMNS * 4, (Placed("a", 128, TYPE.bytes, 0, 1),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return np.arange(COLUMNS, dtype=np.float32)


def make(weights: np.ndarray, threads: int) -> Native:
    made, options = program(), make_options("generic", threads)
    units = (
        Unit("tiny_add.c", SOURCE),
        Unit("tiny.c", render_library(made, options, {Add(): "tiny_add"})),
        Unit("weights.c", render_weights(made)),
    )
    emitted = Emitted("tiny", units, (Unit("kernels.h", DECLARATION),), "tiny.h", render_header(made))
    path = build(emitted, lambda file: void(file.write(bytes(64) + weights.tobytes())), "digest", options)
    return Native(path, threads)


def void(_: int) -> None:
    return None


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_addresses_and_scratch(weights: np.ndarray, threads: int) -> None:
    kernel = make(weights, threads)
    x = np.random.default_rng(0).integers(0, 100, (ROWS, COLUMNS)).astype(np.float32)
    for _ in range(20):
        assert np.array_equal(kernel(x), x + 2 * weights)
    assert kernel.weights_bytes == 64 + COLUMNS * 4
    assert kernel.arena_bytes == 128 + TYPE.bytes


def test_units_are_readable(weights: np.ndarray) -> None:
    text = (make(weights, 1).path.parent / "src" / "tiny.c").read_text()
    assert "        128     1048576    0..1     a" in text
    assert ' * 64 work items; for "tests" * / \\.' in text
    assert CALL in text


def test_memory_of_the_callers(weights: np.ndarray, tmp_path: Path) -> None:
    """`init` in the caller's memory, every refusal, and work on two threads, in C."""
    folder = make(weights, 1).save(tmp_path).parent
    (tmp_path / "main.c").write_text((Path(__file__).parent / "own_memory.c").read_text())
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I", str(folder), "-L", str(folder), f"-Wl,-rpath,{folder}"]
    find_compiler().run([*flags, "main.c", "-ltiny", "-o", "main"], tmp_path)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr
