"""Bounds of layers: the arithmetic, on limits made up for it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from convc.bench.roofline import bounds
from convc.driver import make_options, translate
from convc.frontend import parse_graph
from convc.native.peak import Limits, accumulators, build_program, limits
from convc.options import Target


def test_a_layer_is_bound_by_arithmetic_or_by_bytes() -> None:
    graph = parse_graph("""network two(x: f32[1, 64, 16, 16]) {
        y = conv(x, 64, 1, bias = false)
        return y |> maxpool(2)
    }""")
    options = make_options("generic", 1)
    compiled = translate(graph, options)
    steps = {step.name: step for step in compiled.program.steps}
    macs, image, weights = 64 * 64 * 256, 4 * 64 * 256, 4 * 64 * 64
    slow = dict(zip(steps, bounds(compiled.program, Limits(1e6, 1e15, 1e15), options), strict=True))
    assert slow["y"].seconds == pytest.approx(2 * macs / 1e6)
    near = dict(zip(steps, bounds(compiled.program, Limits(1e15, 1e6, 1e3), options), strict=True))
    moved = (2 * image + weights) / 1e6  # so few weights stay in a cache; packed they may be padded
    assert moved <= near["y"].seconds <= 1.02 * moved
    assert slow["y"].expected is not None and slow["y"].expected >= slow["y"].seconds


def test_limits_are_measured() -> None:
    found = limits(make_options("generic", 1).target)
    assert found.flops > 1e8 and found.cache > found.memory * 0.5 > 1e7


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the flags are those of x86-64")
@pytest.mark.parametrize(("lanes", "registers", "flag"), [(16, 32, "-mavx512f"), (8, 16, "-mavx2")])
def test_the_programs_compile_for_other_machines(lanes: int, registers: int, flag: str, tmp_path: Path) -> None:
    target = Target("other", lanes, registers, (flag, "-mfma"))
    assert build_program("peak", target, tmp_path, **accumulators(target)).exists()
