"""The hot loops of generated convolutions keep every accumulator in a register: the compiler's output is read."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convc import resources
from convc.codegen.emitted import Unit
from convc.driver import make_options, translate
from convc.frontend import parse_graph
from convc.native.compiler import find_compiler

SHAPES = {
    "1x1": "f32[1, 64, 56, 56] conv(256, 1)",
    "3x3": "f32[1, 64, 56, 56] conv(64, 3, pad = 1)",
    "3x3 stride 2": "f32[1, 128, 56, 56] conv(128, 3, pad = 1, stride = 2)",
    "3x3 on 7x7": "f32[1, 512, 7, 7] conv(512, 3, pad = 1)",
    "stem": "f32[1, 3, 224, 224] conv(64, 7, pad = 3, stride = 2)",
    "three vectors": "f32[1, 32, 35, 35] conv(48, 1)",
    "two vectors and a half": "f32[1, 120, 28, 28] conv(40, 1)",
    "half a vector": "f32[1, 64, 35, 35] conv(8, 3, pad = 1)",
    "one vector": "f32[1, 32, 35, 35] conv(80, 3, pad = 1)",
    "depthwise 3x3": "f32[1, 64, 56, 56] conv(64, 3, pad = 1, groups = 64)",
    "depthwise 5x5, stride 2": "f32[1, 64, 56, 56] conv(64, 5, pad = 2, stride = 2, groups = 64)",
    "depthwise 7x7": "f32[1, 64, 56, 56] conv(64, 7, pad = 3, groups = 64)",
    "depthwise, two filters": "f32[1, 64, 28, 28] conv(128, 3, pad = 1, groups = 64)",
    "groups of two": "f32[1, 64, 28, 28] conv(64, 3, pad = 1, groups = 32)",
    "groups of three": "f32[1, 63, 28, 28] conv(63, 3, pad = 1, groups = 21)",
    "groups of four": "f32[1, 64, 28, 28] conv(64, 3, pad = 1, groups = 16)",
    "groups of twelve": "f32[1, 72, 28, 28] conv(72, 3, pad = 1, groups = 6)",
    "inverted residual": "f32[1, 24, 56, 56] conv(96, 1) |> relu |> conv(96, 3, pad = 1, groups = 96) |> conv(24, 1)",
    "deformable": "f32[1, 64, 56, 56] deform_conv(slice(x, 1, 0, 18), 64, 3, pad = 1)",
    "linear": "f32[1, 512, 1, 1] flatten |> linear(1024)",
    "strassen": "f32[1, 64, 56, 56] conv(256, 1)",
    "strassen twice": "f32[1, 256, 14, 14] conv(256, 1)",
    "strassen of an odd map": "f32[1, 728, 19, 19] conv(728, 1)",
    "winograd 2x2": "f32[1, 64, 56, 56] conv(64, 3, pad = 1)",
    "winograd 4x4": "f32[1, 64, 56, 56] conv(64, 3, pad = 1)",
    "winograd 6x6": "f32[1, 48, 35, 35] conv(48, 3, pad = 1)",
    "winograd 5x5": "f32[1, 64, 57, 57] conv(64, 3, stride = 2)",
}


def units(name: str, target: str) -> tuple[list[Unit], tuple[str, ...]]:
    shape, call = re.fullmatch(r"(f32\[[^]]*\]) (.*)", SHAPES[name]).groups()  # type: ignore[union-attr]
    graph = parse_graph(f"network one(x: {shape}) {{ return x |> {call} |> relu }}")
    algorithms = ("winograd", "strassen twice", "strassen")
    choice = next((name if a == "winograd" else a for a in algorithms if name.startswith(a)), "direct")
    options = replace(make_options(target, 1), choices=(("*", choice),))
    emitted = translate(graph, options).emitted
    kinds = ("conv", "linear", "depthwise", "expand", "grouped", "winograd", "strassen", "deform")
    hot = [unit for unit in emitted.units if unit.file_name.startswith(tuple(f"one_{kind}" for kind in kinds))]
    assert hot
    return hot, options.target.flags


def innermost_loops(assembly: str) -> Iterator[list[str]]:
    """Runs of instructions from a backward jump's target to the jump, with no other backward jump inside."""
    lines = re.findall(r"^\s*([0-9a-f]+):\t(.*)$", assembly, re.M)
    places = {int(address, 16): i for i, (address, _) in enumerate(lines)}
    for i, (address, text) in enumerate(lines):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", text)
        if jump and int(jump[1], 16) < int(address, 16) and int(jump[1], 16) in places:
            body = [text for _, text in lines[places[int(jump[1], 16)] : i]]
            if not any(re.match(r"j\w+\s", inner) for inner in body):
                yield body


@pytest.mark.skipif(shutil.which("objdump") is None, reason="reads machine code through objdump")
@pytest.mark.parametrize("target", ["native", "generic"])
@pytest.mark.parametrize("name", SHAPES)
def test_hot_loops_do_not_spill(name: str, target: str, tmp_path: Path) -> None:
    if target == "native" and make_options(target, 1).target.lanes == 4:
        pytest.skip("no wide vectors on this machine")
    found, flags = units(name, target)
    for unit in found:
        (tmp_path / unit.file_name).write_text(unit.text)
        include = f"-I{resources.runtime()}"
        compiler = find_compiler()
        compiler.run([*compiler.flags, *flags, include, "-Werror", "-c", unit.file_name, "-o", "unit.o"], tmp_path)
        command = ["objdump", "-d", "--no-show-raw-insn", "unit.o"]
        assembly = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        hot = [loop for loop in innermost_loops(assembly) if sum("fmadd" in i or "mulps" in i for i in loop) >= 8]
        assert hot, f"no inner loop of multiply-adds found in {unit.file_name}"
        framed = re.search(r"mov\s+%rsp,%rbp", assembly)  # else rbp is a pointer like any other
        stack = r"\(%r[sb]p" if framed else r"\(%rsp"
        spilled = [i for loop in hot for i in loop if re.search(r"%[xyz]mm", i) and re.search(stack, i)]
        assert not spilled, f"{unit.file_name}:\n" + "\n".join(spilled)
