"""Regions of two convolutions, integer-valued: one kernel or two, the bits are those of the NumPy reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.native.kernel import Kernel
from convc.network import Network
from convc.weights.store import Weights

#: channels, height, width, window, its arguments, output channels: channels below, at and between blocks, chunks and
#: strips of one and several, last ones that are shorter, windows wider than the map.
PROBLEMS = """
    8   7  7  3 pad=1              16
    40  9  9  3 pad=1,stride=2     24
    3   5  5  3 pad=1              7
    17  20 13 5 pad=2              31
    24  15 15 7 pad=3              40
    12  11 6  3 pad=2,dilation=2   8
    64  3  70 3 pad=1              33
    200 14 14 3 pad=1              20
    600 10 10 3 pad=0              48
    16  1  1  3 pad=1              16
    24  12 12 3 pad=1              101
    8   6  90 5 pad=2,stride=2     12
"""


@dataclass(frozen=True)
class Region:
    """Text of a region that makes `y<number>`: what it reads, its parameters by shape, its statements."""

    inputs: str
    parameters: dict[str, str]
    statements: Sequence[str]


def network(region: Callable[..., Region], problems: str, batch: int) -> str:
    """A network of a region for each line of `problems`."""
    regions = [region(i, batch, *line.split()) for i, line in enumerate(problems.strip().splitlines())]
    lines = [f"network regions({', '.join(one.inputs for one in regions)}) {{"]
    for i, one in enumerate(regions):
        lines += [f"    {name}: f32[{shape}] = parameter()" for name, shape in one.parameters.items()]
        statements = [f"        {line}" for line in (*one.statements, f"return y{i}")]
        lines += [f"    y{i} = fused {{", *statements, "    }"]
    return "\n".join([*lines, f"    return {', '.join(f'y{i}' for i in range(len(regions)))}", "}"])


def depthwise(i: int, batch: int, c: str, h: str, w: str, k: str, arguments: str, oc: str) -> Region:
    """Every third brings no bias, every second has an addition."""
    biases = {f"b{i}": c, f"a{i}": oc} if i % 3 != 2 else {}
    b, a = biases or ("false", "false")
    return Region(
        f"x{i}: f32[{batch}, {c}, {h}, {w}]",
        {f"w{i}": f"{c}, 1, {k}, {k}", f"v{i}": f"{oc}, {c}, 1, 1", **biases},
        [
            f"d{i} = conv(x{i}, weight = w{i}, groups = {c}, {arguments}, bias = {b})",
            f"r{i} = relu(d{i})",
            f"c{i} = conv(r{i}, weight = v{i}, bias = {a})",
            f"y{i} = {f'add(c{i}, c{i})' if i % 2 else f'relu(c{i})'}",
        ],
    )


#: channels, height, width, output channels.
PROLOGUES = """
    8   7  7  16
    3   5  5  7
    40  14 14 33
    600 10 10 24
    17  1  90 40
    300 1  1  8
"""


def prologue(i: int, batch: int, c: str, h: str, w: str, oc: str) -> Region:
    """A scale per channel, per pixel or per map before a pointwise convolution, and activations after both."""
    scale = (f"{batch}, {c}, 1, 1", f"{batch}, 1, {h}, {w}", f"{batch}, {c}, {h}, {w}")[i % 3]
    return Region(
        f"x{i}: f32[{batch}, {c}, {h}, {w}], s{i}: f32[{scale}]",
        {f"v{i}": f"{oc}, {c}, 1, 1"},
        [
            f"m{i} = mul(x{i}, s{i})", f"r{i} = relu(m{i})", f"c{i} = conv(r{i}, weight = v{i}, bias = false)",
            f"y{i} = relu(c{i})",
        ],
    )  # fmt: skip


#: channels, height, width, output channels: weights in one part and in several, tiles with a rest.
SCALES = """
    8   7  7  16
    3   12 12 7
    40  14 14 33
    600 10 10 24
    17  1  90 40
    300 9  9  40
"""


def scaled(i: int, batch: int, c: str, h: str, w: str, oc: str) -> Region:
    """A scale of channels before a pointwise convolution, each image's own; for every second one for all."""
    return Region(
        f"x{i}: f32[{batch}, {c}, {h}, {w}], s{i}: f32[{1 if i % 2 else batch}, {c}, 1, 1]",
        {f"v{i}": f"{oc}, {c}, 1, 1"},
        [
            f"m{i} = mul({f'x{i}, s{i}' if i % 3 else f's{i}, x{i}'})",
            f"c{i} = conv(m{i}, weight = v{i}, bias = false)", f"y{i} = relu(c{i})",
        ],
    )  # fmt: skip


#: channels, expanded ones, height, width, window, its arguments, output channels: rings of a few rows and of all,
#: strips of one and several, chunks of whole tiles and a last one that is not, biases that zeros in the padding would
#: expand to.
EXPANSIONS = """
    24  16  7  7  3 pad=1              16
    16  96  24 40 3 pad=1,stride=2     24
    24  144 13 33 3 pad=1              24
    21  33  20 13 5 pad=2,stride=2     31
    17  70  15 70 7 pad=3              40
    28  20  19 6  3 pad=2,dilation=2   8
    40  240 6  90 5 pad=2              40
    16  40  9  9  3 pad=0              16
    16  16  4  1  3 pad=1              16
    16  64  5  80 1 pad=0,stride=2     16
"""


def expanded(i: int, batch: int, c: str, e: str, h: str, w: str, k: str, arguments: str, oc: str) -> Region:
    """An inverted residual, with a residual where the shapes allow one; every third brings no bias."""
    biases = {f"p{i}": e, f"q{i}": e, f"r{i}": oc} if i % 3 != 2 else {}
    p, q, r = biases or ("false",) * 3
    residual = c == oc and "stride" not in arguments and arguments != "pad=0"
    return Region(
        f"x{i}: f32[{batch}, {c}, {h}, {w}]",
        {f"u{i}": f"{e}, {c}, 1, 1", f"w{i}": f"{e}, 1, {k}, {k}", f"v{i}": f"{oc}, {e}, 1, 1", **biases},
        [
            f"e{i} = conv(x{i}, weight = u{i}, bias = {p})",
            f"f{i} = relu(e{i})",
            f"d{i} = conv(f{i}, weight = w{i}, groups = {e}, {arguments}, bias = {q})",
            f"g{i} = relu(d{i})",
            f"c{i} = conv(g{i}, weight = v{i}, bias = {r})",
            f"y{i} = {f'add(c{i}, x{i})' if residual else f'relu(c{i})'}",
        ],
    )


RUNS = [("native", 2, 1, 2), ("native", 2, 2, 1), ("generic", 2, 1, 3), ("native", 1, 1, 1)]


REGIONS = [
    (depthwise, PROBLEMS, "conv_pointwise"), (prologue, PROLOGUES, "conv_pointwise"),
    (expanded, EXPANSIONS, "conv_pointwise"), (scaled, SCALES, "scale_weights"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "level", "batch", "threads"), RUNS)
@pytest.mark.parametrize(("region", "problems", "template"), REGIONS)
def test_bit_exact(
    region: Callable[..., Region], problems: str, template: str, target: str, level: int, batch: int, threads: int
) -> None:
    graph = parse_graph(network(region, problems, batch))
    generator = np.random.default_rng(4)
    weights = Weights.bind(
        {p.name: generator.integers(-2, 3, p.type.shape).astype(np.float32) for p in graph.parameters}, graph
    )
    inputs = {v.name: generator.integers(-3, 4, v.type.shape).astype(np.float32) for v in graph.inputs}
    options = make_options(target, threads, level, winograd=False)  # else Strassen's product may compute it apart
    compiled = translate(graph, options)
    made = [step.kernel.template for step in compiled.program.steps].count(template)
    assert made == (len(graph.outputs) if level == 2 else 0)
    results = Kernel(build_library(Network(graph, weights), compiled, options), threads)(*inputs.values())
    for (name, expected), got in zip(run(graph, inputs, weights).items(), results, strict=True):
        np.testing.assert_array_equal(got, expected.astype(np.float32), err_msg=name)
