"""Integer-valued data through generated C: bit for bit what the NumPy reference says, for every direct kernel.

Small integers add and multiply without rounding in float32, so any order of summation gives the same bits; an output
that differs at all is wrong. Problems are one line each; many share one build.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from builds import integers

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.weights.store import Weights

#: Channels and spatial extents (one, two or three), and a call. Channel counts below, at, above and between blocks;
#: primes; maps of one pixel.
PROBLEMS = """
    3 9 9      conv(8, 3)
    3 32 32    conv(24, 7, stride = 2, pad = 3)
    1 28 28    conv(6, 5, pad = 2)
    16 7 7     conv(16, 3, pad = 1)
    16 14 14   conv(32, 1)
    24 17 17   conv(40, 3, pad = 1)
    40 13 13   conv(7, 3, pad = 1, stride = 2)
    17 11 5    conv(31, 3, pad = [0, 1, 2, 3])
    32 35 35   conv(48, 1)
    33 6 6     conv(64, 5, pad = same)
    16 1 1     conv(5, 3, pad = 1)
    16 2 3     conv(16, 3, pad = 2)
    64 8 8     conv(96, 3, pad = 2, dilation = 2)
    16 12 12   conv(16, 3, pad = 6, dilation = 6)
    16 9 40    conv(16, [1, 7], pad = [0, 3, 0, 3])
    16 40 9    conv(16, [7, 1], pad = [3, 0, 3, 0])
    32 14 14   conv(64, 3, pad = 1, groups = 2)
    48 9 9     conv(48, 3, pad = 1, groups = 3)
    24 9 9     conv(24, 3, pad = 1, groups = 4)
    12 9 9     conv(18, 3, pad = 1, groups = 6)
    8 9 9      conv(16, 3, pad = 1, groups = 8)
    30 7 7     conv(45, 3, groups = 15)
    32 9 14    conv(32, 3, pad = 1, groups = 16)
    64 14 14   conv(64, 3, pad = 1, groups = 16)
    33 9 9     conv(33, 3, pad = 1, groups = 11)
    33 5 9     conv(33, 3, pad = 4, groups = 11)
    35 9 9     conv(35, 3, pad = 1, stride = 2, groups = 7)
    35 13 14   conv(35, 3, pad = 1, stride = 2, groups = 7)
    42 7 7     conv(42, 5, pad = 2, groups = 7)
    48 7 7     conv(48, 3, pad = same, stride = 2, groups = 4)
    72 9 9     conv(72, 3, pad = 2, dilation = 2, groups = 3)
    80 9 9     conv(20, 1, groups = 2)
    20 9 9     conv(80, 1, groups = 2)
    64 9 9     conv(16, 3, pad = 1, groups = 16)
    32 9 9     conv(16, 3, pad = 1, groups = 16)
    16 9 9     conv(32, 3, pad = 1, groups = 8)
    34 9 9     conv(34, [1, 11], pad = half, groups = 17)
    16 15 15   conv(16, 3, pad = 1, groups = 16)
    24 15 15   conv(24, 5, pad = 2, stride = 2, groups = 24)
    40 9 9     conv(40, 3, stride = 3, groups = 40)
    40 9 17    conv(40, [3, 7], pad = [1, 3], groups = 40, dilation = [2, 1])
    16 6 40    conv(16, [1, 31], pad = same, groups = 16, bias = false)
    20 30 30   conv(20, 5, pad = 2, groups = 20)
    7 12 25    conv(14, 3, pad = 1, groups = 7)
    10 9 9     conv(30, 3, pad = 1, stride = 2, groups = 10)
    24 9 14    conv(96, 3, pad = 1, groups = 24)
    9 6 6      conv(63, 3, groups = 9)
    5 9 9      conv(40, 3, pad = 1, groups = 5)
    3 9 9      conv(48, 3, pad = 2, dilation = 2, groups = 3)
    6 9 9      conv(72, 3, pad = same, stride = 3, groups = 6)
    16 9 9     conv(16, 1, stride = 5)
    96 5 5     conv(112, 3, pad = 1, bias = false)
    24 9 9     conv(56, 1) |> relu
    40 1 1     conv(24, 1) |> relu6
    5 1 1      conv(40, 1)
    330 1      conv(19, 1) |> relu
    64 1 1 1   conv(136, 1, bias = false)
    20 9 30    conv(101, 3, pad = 1)
    40 41 43   conv(56, 1)
    72 35 36   conv(40, 1, stride = 2)
    5 13       linear(91)
    300 6 6    conv(40, 3, pad = 1)
    530 9 11   conv(48, 1)
    200 23 23  conv(16, 1)
    16 3 4     conv(24, 1, pad = 14)
    16 3 4     conv(16, 1, pad = 14, groups = 16)
    16 7 9     conv_transpose(24, 4, stride = 2, pad = 1)
    24 5 14    conv_transpose(16, 2, stride = 2)
    20 6 6     conv_transpose(12, 3, stride = 2, pad = 1, output_pad = 1)
    3 8 8      conv_transpose(8, 3, stride = [1, 2], dilation = 2)
    21 5 5     conv_transpose(21, 16, stride = 8, pad = 4, bias = false)
    16 4 4     conv_transpose(8, 1, stride = 3)
    16 4 4     conv_transpose(8, 2, stride = 3, dilation = 2, output_pad = [0, 2])
    32 5 6     conv_transpose(48, 3, stride = 2, groups = 2)
    12 5 6     conv_transpose(18, 3, stride = 2, pad = 1, groups = 3)
    8 5 6      conv_transpose(8, 4, stride = 2, groups = 8)
    20 5 6     conv_transpose(20, 1, stride = 3, groups = 20)
    24 5 6     conv_transpose(48, 3, stride = 2, groups = 24, bias = false) |> relu
    20 2 3 4   conv_transpose(20, 3, stride = 2, pad = 1, groups = 10)
    24 5 7     transposed_twice(24, 3, stride = 2, groups = 24)
    160 6 6    conv_transpose(72, 4, stride = 2, pad = same)
    16 11      conv_transpose(24, 4, stride = 2, pad = causal)
    12 3 4 5   conv_transpose(8, 3, stride = [2, 1, 3], pad = 1)
    11 1 2 3   conv_transpose(3, 1, stride = 2, output_pad = [1, 0, 1])
    3 20 20    maxpool(3, stride = 2)
    24 13 13   maxpool(3, stride = 2, pad = 1)
    24 13 13   maxpool(3, stride = 2, ceil = true)
    17 9 9     maxpool(2, dilation = 3)
    24 13 13   avgpool(3, stride = 2, pad = 1)
    24 13 13   avgpool(3, stride = 2, pad = 1, count_include_pad = false)
    24 12 12   avgpool(3, stride = 2, pad = 1, ceil = true)
    19 8 8     avgpool(2)
    24 4 4     global_avgpool
    24 15 15   conv(24, 5, pad = 2, stride = 2, groups = 24) |> global_avgpool
    40 8 8     conv(19, 3, pad = 1) |> relu |> global_avgpool
    200 16 16  conv(16, 1) |> global_avgpool
    24 4 33    conv(96, 3, pad = 1, groups = 24) |> global_avgpool
    16 20      conv(16, 3, pad = 1, groups = 16) |> relu |> global_avgpool
    20 4 16    scaled_by_its_mean(20, 3, pad = 1, groups = 20)
    24 8 8     scaled_by_its_mean(37, 1)
    58 5 7     halves_shuffled(20)
    34 6 5     halves_shuffled(3)
    35 2 3 4   halves_shuffled(16)
    24 9       channel_shuffle(4)
    24 3 4 5   channel_shuffle(6)
    40 9 19    channel_shuffle(5)
    40 5 5     channel_shuffle(10) |> slice(axis = 1, begin = 5, end = 30)
    33 5 5     slice(axis = 1, begin = 31, end = 2, step = -3)
    33 3 5     gather([3, 1, 1, 30, 12, 31, 2, 29, 8, 7, 16], axis = 1)
    24 8 8     relu
    7 5 5      relu6
    24 4 4     flatten |> linear(10)
    5 3 3      flatten |> linear(33)
    64 1 1     flatten |> linear(1000, bias = false)
    3 50       conv(8, 3)
    24 61      conv(40, 3, pad = causal, dilation = 8)
    32 30      conv(32, 2, dilation = 16, pad = [16, 0])
    17 9       conv(5, 4, stride = 3, pad = same)
    16 20      conv(16, 3, pad = 1, groups = 16)
    12 33      conv(24, 4, pad = causal, dilation = 5, groups = 12)
    24 33      conv(36, 4, pad = causal, dilation = 5, groups = 12)
    18 33      conv(18, 3, pad = half, groups = 6)
    1 5 6 7    conv(4, 3, pad = 1)
    16 5 9 9   conv(24, 3, pad = 1)
    20 6 5 7   conv(16, [3, 1, 2], stride = [2, 1, 1], pad = [1, 0, 0, 0, 2, 1], dilation = [2, 1, 3])
    16 1 4 4   conv(8, 3, pad = 2)
    40 5 1 9   conv(24, [1, 1, 3], stride = [2, 1, 2], groups = 2)
    24 4 6 6   conv(24, 3, pad = 1, stride = [1, 2, 2], groups = 24)
    10 4 6 6   conv(20, [2, 3, 1], pad = [1, 0, 0, 1, 2, 0], groups = 10)
    20 4 6 6   conv(20, 3, pad = 1, groups = 5)
    30 4 6 6   conv(20, [2, 3, 1], pad = [1, 0, 0, 1, 2, 0], groups = 10)
    24 20      maxpool(3, stride = 2)
    5 13       avgpool(4, pad = 1, ceil = true)
    24 5 6 7   maxpool(3, stride = 2, pad = 1)
    24 5 6 7   avgpool(3, stride = [2, 1, 2], pad = 1)
    24 5 6 7   avgpool([2, 3, 3], pad = [0, 1, 1], count_include_pad = false)
    24 8       global_avgpool
    24 2 4 4   global_avgpool
    24 8       relu
    24 3 4 5   relu6
    24 2 3 4   flatten |> linear(10)
    24 8       flatten |> linear(10)
    24 13 13   avgpool(3, stride = 2, pad = 1, dilation = 2)
    24 12 11   maxpool([2, 4], stride = [2, 3], dilation = [3, 1], ceil = true)
    17 9 9     lppool(3, stride = 2, p = 1)
    24 9 7     global_maxpool
    24 9 7     conv(24, 1) |> global_maxpool
    24 9 7     scaled_by_its_largest
    17 4 3 5   scaled_by_its_largest
    17 4 6     global_lppool(p = 1)
    24 12 9    adaptive_maxpool([5, 4])
    17 8 6     adaptive_avgpool([2, 3])
    17 8 7     adaptive_avgpool([3, 3]) |> relu
    8 4 6 5    adaptive_maxpool([2, 4, 3])
    16 9 9     deformed(24, 3, pad = 1)
    3 9 9      deformed(10, 3, pad = 1, masked = true)
    40 8 7     deformed(40, [3, 2], stride = 2, groups = 5, offset_groups = 5)
    24 6 6     deformed(24, 3, pad = 2, groups = 24, offset_groups = 3, masked = true)
    64 5 5     deformed(33, 1, offset_groups = 4)
    32 17 17   deformed(48, 3, pad = 2, dilation = 2) |> relu
    24 5 5     resize(scale = 2)
    5 9 17     resize(scale = 2)
    24 8 16    resize(scale = [3, 2.5], coordinates = asymmetric, rounding = floor)
    2 40 33    resize(size = [20, 77], coordinates = align_corners, rounding = round_prefer_ceil)
    3 3 4 16   resize(scale = [2, 1, 1.5])
    9 16       resize(scale = 4)
    7 5 6      resize(size = [3, 8], coordinates = asymmetric, rounding = floor)
    24 5 5     resize(scale = 2, mode = linear)
    17 6 8     resize(scale = 0.5, mode = linear)
    24 5 9     resize(size = [9, 17], mode = linear, coordinates = align_corners)
    3 6        resize(scale = 4, mode = linear)
    24 3 4 5   resize(scale = 2, mode = linear)
    24 3 4 5   resize(scale = [1, 2, 1])
    19 6 6     resize(scale = 2, mode = cubic)
    8 32 40    resize(scale = 0.25, mode = linear, antialias = true)
    1 1 1      maxpool(3, pad = 1)
    7 1 1      avgpool(3, pad = 1)
    13 2 2     maxpool(5, stride = 1, pad = 2)
    13 9 9     maxpool(1, stride = 4)
    1 9 9      avgpool(2, stride = 5)
    5 3 3      maxpool(3, stride = 5, pad = 1, ceil = true)
    1 1 1      global_avgpool
    29 1 1     adaptive_avgpool(3)
    1 2 3      adaptive_maxpool([5, 1])
    1 1 1      conv_transpose(1, 3, stride = 2, pad = 1)
    7 1 1      conv_transpose(7, 5, stride = 7, groups = 7)
    37 3 3     conv(37, 7, pad = 3, stride = 5)
    6 1 1      conv(4, 3, pad = 1, groups = 2)
    1 1 1      deformed(1, 3, pad = 1)
    13 2 2     deformed(7, 3, pad = 2, stride = 3, masked = true)
    1 1 1      resize(scale = 3)
    24 5 6     resize(scale = 2) |> conv(20, 3, pad = 1) |> relu
    8 3 4 3    resize(scale = [1, 3, 2]) |> conv(12, [3, 2, 4], pad = [1, 0, 3, 1, 1, 2])
    20 5 6     resize(scale = 2) |> conv(20, 3, pad = 1, groups = 20)
    24 5       resize(scale = 4) |> conv(36, 5, pad = 2, groups = 3, bias = false)
    24 5 6     resize(scale = 3) |> conv(7, 1) |> relu |> conv(9, 3, pad = [0, 1, 2, 1])
    24 5 6     resize(scale = 2) |> pad(1, mode = reflect) |> conv(20, 3)
"""

#: Channels moved about; a map times its own mean, which is exact for small numbers; a deformable convolution whose
#: offsets are whole and half pixels, so that samples are exact too.
BLOCKS = """
block deformed(x, channels, kernel, stride = 1, pad = 0, dilation = 1, groups = 1, offset_groups = 1, masked = false) {
    taps = offset_groups * (kernel[0] * kernel[1] if kernel == [3, 2] else kernel * kernel)
    offset = 0.5 * relu6(conv(x, 2 * taps, kernel, stride = stride, pad = pad, dilation = dilation)) - 1.5
    if masked {
        mask = 0.5 * relu6(conv(x, taps, kernel, stride = stride, pad = pad, dilation = dilation))
        return deform_conv(
            x, offset, channels, kernel, stride = stride, pad = pad, dilation = dilation, groups = groups,
            offset_groups = offset_groups, mask = mask)
    }
    return deform_conv(
        x, offset, channels, kernel, stride = stride, pad = pad, dilation = dilation, groups = groups,
        offset_groups = offset_groups)
}
block halves_shuffled(x, first) {
    left, right = split(x, [first, x.channels - first])
    y = concat(right, left, x) |> channel_shuffle(2) |> relu
    a, b, c = split(channel_shuffle(y, x.channels), [first, 2 * first, y.channels - 3 * first])
    return concat(c, a, b)
}
block scaled_by_its_mean(x, channels, kernel, pad = 0, groups = 1) {
    y = conv(x, channels, kernel, pad = pad, groups = groups) |> relu6
    return y * global_avgpool(y)
}
block transposed_twice(x, channels, kernel, stride, groups) {
    y = conv_transpose(x, channels, kernel, stride = stride, groups = groups)
    return relu(y + conv_transpose(x, channels, kernel, stride = stride, groups = groups))
}
block scaled_by_its_largest(x) {
    return x * conv(global_maxpool(x), x.channels, 1)
}
"""


def parse(line: str) -> tuple[tuple[int, ...], str]:
    numbers, call = re.fullmatch(r"([\d ]+?) +([a-z].*)", line).groups()  # type: ignore[union-attr]
    return tuple(map(int, numbers.split())), call


def problems() -> list[str]:
    return [line.strip() for line in PROBLEMS.strip().splitlines()]


def network_of(lines: list[str], batch: int) -> Graph:
    """One network with an input and an output per problem."""
    cases = [parse(line) for line in lines]
    shapes = [", ".join(map(str, (batch, *shape))) for shape, _ in cases]
    inputs = ", ".join(f"x{i}: f32[{shape}]" for i, shape in enumerate(shapes))
    body = "\n".join(f"    y{i} = x{i} |> {call}" for i, (_, call) in enumerate(cases))
    results = ", ".join(f"y{i}" for i in range(len(cases)))
    return parse_graph(f"{BLOCKS}network problems({inputs}) {{\n{body}\n    return {results}\n}}")


DAILY = {
    ("native", 2, 1, 1, 1), ("native", 2, 3, 3, 2), ("native", 0, 3, 3, 1),
    ("generic", 2, 3, 1, 2), ("generic", 1, 1, 1, 2),
}  # fmt: skip

#: (target, level, batch, images at a time, threads): each value of each beside every target by default, all of them in
#: the sweep.
SETTINGS = [
    pytest.param(*setting, marks=() if setting in DAILY else pytest.mark.sweep)
    for setting in (
        (target, level, batch, portion, threads)
        for target, level in (("native", 2), ("generic", 2), ("native", 0), ("generic", 1))
        for batch, portion in ((1, 1), (3, 3), (3, 1))
        for threads in (1, 2)
    )
]


@pytest.mark.parametrize(("target", "level", "batch", "portion", "threads"), SETTINGS)
def test_integers_come_out_bit_exact(target: str, level: int, batch: int, portion: int, threads: int) -> None:
    lines = problems()
    graph = network_of(lines, batch)
    generator = np.random.default_rng(1)
    weights = Weights.bind({p.name: integers(generator, p.type.shape) for p in graph.parameters}, graph)
    inputs = {value.name: integers(generator, value.type.shape) for value in graph.inputs}
    options = make_options(target, threads, level, winograd=False, portion=portion)
    compiled = translate(graph, options)
    kernel = Kernel(build_library(Network(graph, weights), compiled, options), threads)
    results = kernel(*(inputs[port.name] for port in kernel.inputs))
    expected = run(graph, inputs, weights)
    wrong = [
        line
        for line, port, got in zip(lines, kernel.outputs, results, strict=True)
        if not np.array_equal(got, expected[port.name].astype(np.float32))
    ]
    assert not wrong, f"{target} -O{level}, {portion} of {batch} images, {threads} threads:\n" + "\n".join(wrong)


@pytest.mark.parametrize("level", [2, 0])
def test_what_is_no_number_stays_in_its_group(level: int) -> None:
    calls = ("8 5 5 conv(8, 3, pad = 1, groups = 4)", "9 5 5 conv(9, 3, pad = 1, groups = 3)")
    lines = [*calls, "12 5 5 conv(12, 1, groups = 2)"]
    graph = network_of(lines, 1)
    weights = Weights.random(graph)
    options = make_options("native", 1, level)
    kernel = Kernel(build_library(Network(graph, weights), translate(graph, options), options), 1)
    inputs = [np.ones(port.type.shape, np.float32) for port in kernel.inputs]
    for x, bad in zip(inputs, (np.nan, np.inf, -np.inf), strict=True):
        x[0, 0] = bad
    for result, groups in zip(kernel(*inputs), (4, 3, 2), strict=True):
        finite = np.isfinite(result).all(axis=(0, 2, 3)).reshape(groups, -1)
        assert not finite[0].any() and finite[1:].all()
