"""Regions of two convolutions, integer-valued: one kernel or two, the bits are those of the NumPy reference."""

from __future__ import annotations

from collections.abc import Callable

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


def source(batch: int) -> str:
    """One network with a region for each problem; the last ones bring no bias, and every second an addition."""
    inputs, body, results = [], [], []
    for i, line in enumerate(PROBLEMS.strip().splitlines()):
        c, h, w, k, arguments, oc = line.split()
        bias = i % 3 != 2
        inputs.append(f"x{i}: f32[{batch}, {c}, {h}, {w}]")
        body.append(f"    w{i}: f32[{c}, 1, {k}, {k}] = parameter()\n    v{i}: f32[{oc}, {c}, 1, 1] = parameter()")
        body.append(f"    b{i}: f32[{c}] = parameter()\n    a{i}: f32[{oc}] = parameter()" if bias else "")
        first = f"conv(x{i}, weight = w{i}, groups = {c}, {arguments}, bias = {f'b{i}' if bias else 'false'})"
        last = f"conv(r{i}, weight = v{i}, bias = {f'a{i}' if bias else 'false'})"
        body.append(f"    y{i} = fused {{\n        d{i} = {first}\n        r{i} = relu(d{i})\n        c{i} = {last}")
        body.append(f"        y{i} = {f'add(c{i}, c{i})' if i % 2 else f'relu(c{i})'}\n        return y{i}\n    }}")
        results.append(f"y{i}")
    return f"network regions({', '.join(inputs)}) {{\n" + "\n".join(body) + f"\n    return {', '.join(results)}\n}}"


#: channels, height, width, output channels.
PROLOGUES = """
    8   7  7  16
    3   5  5  7
    40  14 14 33
    600 10 10 24
    17  1  90 40
    300 1  1  8
"""


def source_with_prologues(batch: int) -> str:
    """Scales per channel, per pixel and per map before pointwise convolutions, and activations after both."""
    inputs, body, results = [], [], []
    for i, line in enumerate(PROLOGUES.strip().splitlines()):
        c, h, w, oc = line.split()
        scale = (f"{batch}, {c}, 1, 1", f"{batch}, 1, {h}, {w}", f"{batch}, {c}, {h}, {w}")[i % 3]
        inputs.append(f"x{i}: f32[{batch}, {c}, {h}, {w}], s{i}: f32[{scale}]")
        body.append(f"    v{i}: f32[{oc}, {c}, 1, 1] = parameter()\n    y{i} = fused {{")
        body.append(f"        m{i} = mul(x{i}, s{i})\n        r{i} = relu(m{i})")
        body.append(f"        c{i} = conv(r{i}, weight = v{i}, bias = false)")
        body.append(f"        y{i} = relu(c{i})\n        return y{i}\n    }}")
        results.append(f"y{i}")
    header = f"network prologues({', '.join(inputs)}) {{\n"
    return header + "\n".join(body) + f"\n    return {', '.join(results)}\n}}"


#: channels, height, width, output channels: weights in one part and in several, tiles with a rest.
SCALES = """
    8   7  7  16
    3   12 12 7
    40  14 14 33
    600 10 10 24
    17  1  90 40
    300 9  9  40
"""


def source_with_scales(batch: int) -> str:
    """Scales of channels before pointwise convolutions, each image's own; of every second network one for all."""
    inputs, body, results = [], [], []
    for i, line in enumerate(SCALES.strip().splitlines()):
        c, h, w, oc = line.split()
        inputs.append(f"x{i}: f32[{batch}, {c}, {h}, {w}], s{i}: f32[{1 if i % 2 else batch}, {c}, 1, 1]")
        body.append(f"    v{i}: f32[{oc}, {c}, 1, 1] = parameter()\n    y{i} = fused {{")
        body.append(f"        m{i} = mul({f'x{i}, s{i}' if i % 3 else f's{i}, x{i}'})")
        body.append(f"        c{i} = conv(m{i}, weight = v{i}, bias = false)")
        body.append(f"        y{i} = relu(c{i})\n        return y{i}\n    }}")
        results.append(f"y{i}")
    header = f"network scales({', '.join(inputs)}) {{\n"
    return header + "\n".join(body) + f"\n    return {', '.join(results)}\n}}"


#: channels, expanded ones, height, width, window, its arguments, output channels: rings of a few rows and of all,
#: strips of one and several, chunks of whole tiles and a last one that is not, biases that zeros in the padding would
#: expand to.
EXPANSIONS = """
    8   16  7  7  3 pad=1              16
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


def source_with_expansions(batch: int) -> str:
    """Inverted residuals, with a residual where the shapes allow one; the last ones bring no bias."""
    inputs, body, results = [], [], []
    for i, line in enumerate(EXPANSIONS.strip().splitlines()):
        c, e, h, w, k, arguments, oc = line.split()
        names = (f"p{i}", f"q{i}", f"r{i}") if i % 3 != 2 else ("false",) * 3
        inputs.append(f"x{i}: f32[{batch}, {c}, {h}, {w}]")
        body.append(f"    u{i}: f32[{e}, {c}, 1, 1] = parameter()\n    w{i}: f32[{e}, 1, {k}, {k}] = parameter()")
        body.append(f"    v{i}: f32[{oc}, {e}, 1, 1] = parameter()")
        biases = zip(names, (e, e, oc), strict=True) if i % 3 != 2 else ()
        body.extend(f"    {name}: f32[{n}] = parameter()" for name, n in biases)
        residual = c == oc and "stride" not in arguments and arguments != "pad=0"
        body.append(
            f"    y{i} = fused {{\n        e{i} = conv(x{i}, weight = u{i}, bias = {names[0]})\n"
            f"        f{i} = relu(e{i})\n"
            f"        d{i} = conv(f{i}, weight = w{i}, groups = {e}, {arguments}, bias = {names[1]})\n"
            f"        g{i} = relu(d{i})\n        c{i} = conv(g{i}, weight = v{i}, bias = {names[2]})\n"
            f"        y{i} = {f'add(c{i}, x{i})' if residual else f'relu(c{i})'}\n        return y{i}\n    }}"
        )
        results.append(f"y{i}")
    header = f"network expansions({', '.join(inputs)}) {{\n"
    return header + "\n".join(body) + f"\n    return {', '.join(results)}\n}}"


RUNS = [("native", 2, 1, 2), ("native", 2, 2, 1), ("generic", 2, 1, 3), ("native", 1, 1, 1)]


REGIONS = [
    (source, "conv_pointwise"), (source_with_prologues, "conv_pointwise"), (source_with_expansions, "conv_pointwise"),
    (source_with_scales, "scale_weights"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "level", "batch", "threads"), RUNS)
@pytest.mark.parametrize(("text", "template"), REGIONS)
def test_bit_exact(
    text: Callable[[int], str], template: str, target: str, level: int, batch: int, threads: int
) -> None:
    graph = parse_graph(text(batch))
    generator = np.random.default_rng(4)
    weights = Weights.bind(
        {p.name: generator.integers(-2, 3, p.type.shape).astype(np.float32) for p in graph.parameters}, graph
    )
    inputs = {v.name: generator.integers(-3, 4, v.type.shape).astype(np.float32) for v in graph.inputs}
    options = make_options(target, threads, level, winograd=False)  # else Strassen's product may compute it apart
    compiled = translate(graph, options)
    stems = {step.kernel.template for step in compiled.program.steps}
    assert (template in stems) == (level == 2)
    results = Kernel(build_library(Network(graph, weights), compiled, options), threads)(*inputs.values())
    for (name, expected), got in zip(run(graph, inputs, weights).items(), results, strict=True):
        np.testing.assert_array_equal(got, expected.astype(np.float32), err_msg=name)
