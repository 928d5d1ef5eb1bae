"""Movements through generated C, as they come and between blocked images: every element is where NumPy has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph
from convc.ir.types import lanes_filled
from convc.kernels.spread import can_spread
from convc.native.kernel import Kernel
from convc.network import Network
from convc.ops.interpolation import Rule, axis_taps
from convc.weights.store import Weights

#: Shape -> call.
PROBLEMS = """
    3,24,9,9       transpose([0, 1, 3, 2])
    2,24,9,11      transpose([0, 2, 3, 1])
    2,9,11,24      transpose([0, 3, 1, 2])
    2,24,9,11      transpose([1, 0, 2, 3])
    2,24,9,11      transpose
    37,45          transpose
    200,16         transpose
    3,5            transpose
    3,4,14,14      transpose([0, 1, 3, 2])
    2,3,7,5        transpose([0, 1, 3, 2])
    2,6,14,14      resize(scale = 2, coordinates = asymmetric, rounding = floor)
    2,3,4,7        resize(scale = 3)
    2,3,4,5,6,7    transpose([5, 0, 3, 2, 1, 4])
    2,20,9,9       slice(2, 1, 8, step = 3)
    2,20,9,9       slice(3, step = -1)
    2,20,9,9       slice(2, 7, 1, step = -2)
    2,40,9,9       slice(1, 16, 32)
    2,40,9,9       slice(1, 16, 35)
    2,40,9,9       slice(1, 5, 29)
    2,40,9,9       slice(1, step = -1)
    2,40,9,9       slice(1, 1, 40, step = 2)
    5,20,3,3       slice(0, 1, 4)
    7              slice(0, 2, 6)
    2,20,7,9       pad([1, 2, 3, 0])
    2,20,7,9       pad([1, 2, 3, 0], value = 1.5)
    2,16,7,9       pad([1, 2, 3, 0], value = 1.5)
    2,20,7,9       pad([1, 2, 3, 0], mode = reflect)
    2,20,7,9       pad([1, 2, 3, 0], mode = edge)
    2,20,7,9       pad([1, 2, 3, 0], mode = wrap)
    2,20,7,9       pad([-1, 2, -3, -2])
    2,20,7,9       pad([1, 16, 0, 0, 0, 0, 0, 0])
    2,20,7,9       pad([0, 3, 1, 0, 1, 5, 1, 0], value = 2.0)
    2,20,7,9       pad([0, 3, 1, 0, 1, 5, 1, 0], mode = edge)
    3,4            pad([1, 2, 0, 3], value = -1.0)
    2,20,7         pad([2, 3])
    2,20,3,4,5     pad([1, 0, 2, 0, 1, 0])
    2,20,5,5       tile([1, 2, 2, 3])
    2,16,5,5       tile([2, 1, 3, 1])
    3,1,5          expand([2, 3, 4, 5])
    2,20,1,1       expand([2, 20, 5, 7])
    2,1,5,5        expand([1, 24, 1, 1])
    2,20,5,5       gather([3, 19, 3, 0], axis = 1)
    2,20,5,5       gather([3, 1, 4, -1, 0], axis = 2)
    4,6            gather([3, 0, 0], axis = 0)
    2,24,5,5       channel_shuffle(3)
    2,48,5,5       channel_shuffle(2)
    2,64,3,5       depth_to_space(2)
    2,64,3,5       depth_to_space(2, crd)
    2,36,3,5       depth_to_space(3)
    2,20,6,4       space_to_depth(2)
    2,3,6,4        space_to_depth(2)
    2,1,20,1       squeeze
    2,20           unsqueeze([1, -1])
"""


def problems() -> list[tuple[tuple[int, ...], str]]:
    lines = (line.split(maxsplit=1) for line in PROBLEMS.strip().splitlines())
    return [(tuple(map(int, shape.split(","))), call) for shape, call in lines]


def graph_of(cases: list[tuple[tuple[int, ...], str]]) -> Graph:
    """Each call between inputs and outputs as the caller has them, and between images that passes may block."""
    inputs = ", ".join(f"x{i}: f32[{', '.join(map(str, shape))}]" for i, (shape, _) in enumerate(cases))
    lines = [f"    a{i} = x{i} |> {call}" for i, (_, call) in enumerate(cases)]
    lines += [
        f"    b{i} = x{i} |> relu |> {call} |> relu" for i, (shape, call) in enumerate(cases) if 3 <= len(shape) <= 5
    ]
    names = [line.split()[0] for line in lines]
    body = "\n".join(lines)
    return parse_graph(f"network moves({inputs}) {{\n{body}\n    return {', '.join(names)}\n}}")


@pytest.mark.parametrize(
    ("target", "level", "threads"),
    [
        ("native", 2, 2),
        ("native", 0, 1),
        pytest.param("generic", 2, 1, marks=pytest.mark.sweep),
        pytest.param("wide", 2, 1, marks=pytest.mark.sweep),
    ],
)
def test_every_element_is_in_its_place(
    target: str, level: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror")
    check(graph_of(problems()), target, level, threads)


def check(graph: Graph, target: str, level: int, threads: int) -> None:
    weights = Weights.bind({}, graph)
    inputs = {v.name: np.arange(1, 1 + v.type.elements, dtype=np.float32).reshape(v.type.shape) for v in graph.inputs}
    options = make_options("generic" if target == "wide" else target, threads, level)
    if target == "wide":  # sixteen lanes, whatever the machine has
        options = replace(options, target=replace(options.target, lanes=16, registers=32))
    compiled = translate(graph, options)
    kernel = Kernel(build_library(Network(graph, weights), compiled, options), threads)
    results = kernel(*(inputs[port.name] for port in kernel.inputs))
    results = results if isinstance(results, tuple) else (results,)
    expected = run(graph, inputs, weights)
    lines = [f"{node.outputs[0].name}: {node.op}" for node in graph.nodes]
    wrong = [
        f"{port.name}: {next((line for line in lines if line.startswith(port.name + ':')), '')}"
        for port, got in zip(kernel.outputs, results, strict=True)
        if not np.array_equal(got, expected[port.name].astype(np.float32))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("level", [0, 2])
def test_split(level: int) -> None:
    text = (
        "network n(x: f32[2, 40, 5, 6], v: f32[3, 7]) { a, b = split(relu(x), [16, 24])\n"
        "c, d, e = split(x, [1, 2, 2], 2) f, g = split(v, [3, 4]) return relu(a), relu(b), c, d, e, f, g }"
    )
    check(parse_graph(text), "native", level, 1)


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_concat_that_is_copied(axis: int, level: int) -> None:
    shapes = [[2, 12, 5, 6] for _ in range(3)]
    for extra, shape in enumerate(shapes):
        shape[axis] += 3 * extra
    inputs = ", ".join(f"x{i}: f32{shape}" for i, shape in enumerate(shapes))
    text = (
        f"network n({inputs}) {{ return concat(relu(x0), relu(x1), relu(x2), axis = {axis}),"
        f"concat(x0, x1, x2, axis = {axis}) }}"
    )
    check(parse_graph(text), "native", level, 1)


def test_what_grows_can_be_spread() -> None:
    """Where `assign-layouts` leaves a nearest resize plain there is a kernel for it, and otherwise it says so."""
    for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            for size, out in ((4, 7), (8, 8), (8, 9), (9, 20), (14, 28), (17, 21), (30, 99)):
                rule = Rule("nearest", coordinates, rounding, -0.75, False, False)
                columns = [place for (place,) in axis_taps(rule, size, out, out / size).places]
                for lanes in (4, 8, 16):
                    width = lanes_filled(size, lanes)
                    assert can_spread(columns, size, width), (coordinates, rounding, size, out, width)
    assert not can_spread(range(0, 32, 2), 32, 8)
