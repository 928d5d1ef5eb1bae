"""Winograd convolution through generated C: every result within its bound, which is computed from the data.

With A, G, B of a scheme, exact arithmetic would give the convolution; what rounding can do is at most gamma_k times the
same computation over absolute values, where k is how many roundings a result passes through.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from builds import compiled, options_for

from convc.driver import make_options
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.kernels.conv_transpose import PhasePacking, as_convolution, taken
from convc.kernels.toom_cook import Scheme
from convc.kernels.winograd import Winograd
from convc.plan.choose import MOST_ROUNDING
from convc.plan.program import Program

#: (channels, height, width) -> call: ragged channels and maps, groups, dilation, uneven padding, maps of a pixel.
PROBLEMS = """
    16 14 14   conv(32, 3, pad = 1)
    40 13 9    conv(24, 3, pad = 1, bias = false)
    7 12 12    conv(33, 3)
    32 6 11    conv(16, 3, pad = [0, 1, 2, 3])
    16 1 1     conv(16, 3, pad = 1)
    16 2 3     conv(8, 3, pad = 2)
    64 15 17   conv(64, 3, pad = 1, groups = 2)
    32 14 15   conv(48, 3, pad = 2, dilation = 2)
    16 13 30   conv(16, 3, pad = [3, 4, 3, 4], dilation = [3, 4])
    16 3 5     conv(16, 3, pad = 6, dilation = 6)
"""


def absolute(kernel: Winograd, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The algorithm over absolute values, tile by tile, in float64: [n, oc, oh, ow]."""
    (height, width), groups = kernel.schemes, kernel.groups
    a, b = (
        [np.abs(np.array(getattr(s, f"{name}_matrix"), np.float64)) for s in (height, width)]
        for name in ("output", "input")
    )
    top, left = kernel.height.pad, kernel.width.pad
    dh, dw = kernel.height.dilation, kernel.width.dilation
    sh, sw = kernel.height.stride * dh, kernel.width.stride * dw  # from one input of a tile to the next
    reach = (sh * (height.inputs + height.outputs), sw * (width.inputs + width.outputs))
    padded = np.pad(np.abs(x), ((0, 0), (0, 0), (top, reach[0] + top), (left, reach[1] + left)))
    out = np.zeros((len(x), kernel.oc, kernel.height.out + reach[0], kernel.width.out + reach[1]))
    for p, q in product(range(height.phases), range(width.phases)):
        g = np.abs(height.weights(p)), np.abs(width.weights(q))
        u = np.einsum("ik,ockl,jl->ijoc", g[0], np.abs(weight), g[1])
        u = u.reshape(*u.shape[:2], groups, -1, u.shape[3])
        for oh, ow in product(kernel.tile_rows, kernel.tile_columns):
            rows = oh * kernel.height.stride + dh * height.first_tap(p) + sh * np.arange(height.inputs)[:, None]
            columns = ow * kernel.width.stride + dw * width.first_tap(q) + sw * np.arange(width.inputs)
            patch = padded[:, :, np.minimum(rows, padded.shape[2] - 1), np.minimum(columns, padded.shape[3] - 1)]
            v = np.einsum("ik,nckl,jl->ijnc", b[0], patch, b[1]).reshape(*u.shape[:2], len(x), groups, -1)
            m = np.einsum("ijngc,ijgoc->ijngo", v, u).reshape(*u.shape[:2], len(x), kernel.oc)
            tile = np.einsum("ri,ijno,sj->nors", a[0], m, a[1])
            out[:, :, oh : oh + dh * height.outputs : dh, ow : ow + dw * width.outputs : dw] += tile
    return out[:, :, : kernel.height.out, : kernel.width.out]


def in_volume(kernel: Winograd, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The same for volumes: [n, oc, od, oh, ow]. Taps along the depth alone are those of an image of slices."""
    depth = kernel.depth
    if not depth.present and weight.shape[2] > 1:
        image = absolute(kernel, x.reshape(*x.shape[:3], -1), weight[..., 0])
        return image.reshape(*image.shape[:3], *x.shape[3:])
    slices = []
    for od in range(depth.out):
        read = ((od * depth.stride - depth.pad + kd * depth.dilation, kd) for kd in range(depth.kernel))
        inside = [absolute(kernel, x[:, :, i], weight[:, :, kd]) for i, kd in read if 0 <= i < depth.size]
        slices.append(sum(inside, np.zeros((len(x), kernel.oc, kernel.height.out, kernel.width.out))))
    return np.stack(slices, axis=2)


def bound(kernel: Winograd, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """gamma_k: every channel of a phase rounds a product and a sum; a transform thrice a point, weights once."""
    channels = kernel.ic // kernel.groups * kernel.depth.kernel * len(kernel.phases)
    roundings = 2 * channels + 3 * 2 * sum(s.inputs for s in kernel.schemes) + 8
    unit = 2.0**-24 * roundings
    scale = in_volume(kernel, x, weight) if x.ndim == 5 else absolute(kernel, x, weight)
    scale = scale + np.abs(bias).reshape(-1, *(1,) * (x.ndim - 2))
    return unit / (1 - unit) * scale + 1e-30


def winograds(program: Program) -> list[Winograd]:
    return [step.kernel for step in program.steps if isinstance(step.kernel, Winograd)]


#: Other kernels: outputs of a tile, channels, height, width, call.
OTHERS = """
    2x2  16 11 13  conv(24, 5, pad = 2)
    4x4  24 14 9   conv(20, 5, pad = [2, 1, 0, 2])
    1x2  16 9 30   conv(24, [1, 7], pad = [0, 3, 0, 3])
    2x1  24 17 17  conv(16, [7, 1], pad = [3, 0, 3, 0])
    1x4  16 8 8    conv(40, [1, 3], pad = [0, 1, 0, 1])
    4x1  33 8 8    conv(16, [3, 1], pad = [1, 0, 1, 0], dilation = [2, 1])
    1x4  16 5 12   conv(16, [1, 5], groups = 2)
    5x5  24 13 11  conv(20, 2, pad = [1, 0, 0, 1])
    1x7  16 3 40   conv(24, [1, 2], pad = [0, 3, 0, 0], dilation = [1, 3])
    3x1  16 9 5    conv(16, [2, 1])
    3x3  24 14 9   conv(20, 3, pad = [2, 1, 0, 2])
    5x5  16 9 9    conv(16, 4, pad = 2)
    4x4  40 15 22  conv(24, 3, stride = 2, pad = 1)
    4x4  16 18 17  conv(33, 3, stride = 2, pad = same)
    5x5  32 23 12  conv(16, 3, stride = 2, pad = [0, 2, 1, 3])
    7x7  16 15 31  conv(16, 3, stride = 2)
    3x3  64 7 8    conv(64, 3, stride = 2, pad = 1, groups = 2)
    3x3  24 1 2    conv(16, 3, stride = 2, pad = 1)
    4x2  16 16 9   conv(16, [3, 7], stride = 2, pad = [1, 3, 1, 3])
    4x1  24 15 6   conv(16, [4, 1], stride = 2)
    3x3  16 14 11  conv(16, 5, stride = 2, pad = 2)
    1x5  24 5 17   conv(24, [1, 7], pad = [0, 3, 0, 3])
    5x1  16 37 4   conv(16, [7, 1], pad = [6, 0, 6, 0], dilation = [2, 1])
    3x3  16 12 11  conv(16, 7, pad = 3)
    1x5  24 3 61   conv(16, [1, 15], pad = [0, 7, 0, 7])
    4x4  16 14 13  conv(16, 9, pad = 4)
    4x1  16 40 3   conv(16, [11, 1], pad = [10, 0, 0, 0], dilation = [2, 1])
    3x4  16 21 12  conv(16, 3, stride = [1, 2], pad = 1)
    2x2  16 23 20  conv(16, 11, stride = 4, pad = 5)
    1x3  16 5 21   conv(24, [1, 5], stride = [1, 3], pad = [0, 2, 0, 2], dilation = [2, 1])
"""


@pytest.mark.parametrize("line", OTHERS.strip().splitlines(), ids=lambda line: " ".join(line.split()[4:]))
@pytest.mark.parametrize("target", ["native", "generic"])
def test_other_kernels_are_within_their_bounds(target: str, line: str) -> None:
    outputs, c, h, w, call = line.split(maxsplit=4)
    text = f"network one(x: f32[2, {c}, {h}, {w}]) {{ return conv(relu(x), {call.removeprefix('conv(')} }}"
    program, kernel, weights = compiled(text, options_for(target, 1, f"winograd {outputs}"))
    if target == "native" and "groups" in call and kernel.inputs[0].type.shape[1] // 2 % make_options().target.lanes:
        pytest.skip("groups narrower than this machine's vectors are not for Winograd")
    (found,) = winograds(program)
    assert found.schemes[0].outputs == int(outputs[0]) and found.schemes[1].outputs == int(outputs[2])
    x = np.random.default_rng(3).standard_normal((2, int(c), int(h), int(w))).astype(np.float32)
    (expected,) = run(parse_graph(text), {"x": x}, weights).values()
    weight, bias = (weights[p.name].astype(np.float64) for p in parse_graph(text).parameters)
    assert np.all(np.abs(kernel(x) - expected) <= bound(found, np.maximum(x, 0), weight, bias))


#: Volumes: outputs of a tile, channels, depth, height, width, call. Slices outside of the volume: of some tiles of a
#: block, of all, of all taps; products in several panels; blocks within a slice and over several.
VOLUMES = """
    4x4  16 5 9 10   conv(24, 3, pad = 1)
    4x4  16 4 19 30  conv(16, 3, pad = 1, bias = false)
    2x2  96 3 5 6    conv(16, 3, pad = 1)
    4x4  32 1 6 6    conv(16, 3, pad = 1)
    4x4  16 6 5 9    conv(16, [1, 3, 3], pad = [0, 1, 1, 0, 1, 1])
    4x1  16 7 5 6    conv(20, [3, 1, 1], pad = [1, 0, 0, 1, 0, 0])
    4x1  16 9 3 2    conv(20, [3, 1, 1], stride = [2, 1, 1], pad = [1, 0, 0, 0, 0, 0])
    4x4  24 4 7 8    conv(16, 3, stride = 2, pad = 1)
    2x2  16 6 8 9    conv(16, 3, pad = [2, 1, 1, 2, 1, 1], dilation = [2, 1, 1])
    4x4  16 3 6 6    conv(16, [2, 3, 3], stride = [2, 1, 1], pad = [3, 1, 1, 3, 1, 1])
    4x4  64 4 5 6    conv(64, 3, pad = 1, groups = 2)
    1x4  33 3 4 9    conv(16, [3, 1, 3], pad = [1, 0, 1, 1, 0, 1])
"""


@pytest.mark.parametrize("line", VOLUMES.strip().splitlines(), ids=lambda line: " ".join(line.split()[5:]))
@pytest.mark.parametrize(("target", "threads"), [("native", 2), ("generic", 1)])
def test_volumes_are_within_their_bounds(target: str, threads: int, line: str) -> None:
    outputs, *size, call = line.split(maxsplit=5)
    shape = (2, *map(int, size))
    convolution = f"relu(x) |> {call}"
    out = parse_graph(f"network one(x: f32{list(shape)}) {{ return {convolution} }}").outputs[0].value.type.shape
    text = f"network one(x: f32{list(shape)}, a: f32{list(out)}) {{ y = {convolution}\n return y + a }}"
    program, kernel, weights = compiled(text, options_for(target, threads, f"winograd {outputs}"))
    (found,) = winograds(program)
    random = np.random.default_rng(3)
    x, a = (random.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs)
    (expected,) = run(parse_graph(text), {"x": x, "a": a}, weights).values()
    bias = weights["y.bias"].astype(np.float64) if found.bias else np.zeros(out[1])
    limit = bound(found, np.maximum(x, 0), weights["y.weight"].astype(np.float64), bias) + 2.0**-22 * np.abs(a)
    assert np.all(np.abs(kernel(x, a) - expected) <= limit)


def test_phases_of_a_transposed_convolution_of_volumes() -> None:
    text = "network up(x: f32[2, 16, 3, 6, 7]) { return relu(x) |> conv_transpose(16, 4, stride = 2, pad = 1) }"
    program, kernel, weights = compiled(text, options_for("native", 2, "winograd 5x5"))
    assert len(winograds(program)) == 8
    x = np.random.default_rng(1).standard_normal((2, 16, 3, 6, 7)).astype(np.float32)
    (expected,) = run(parse_graph(text), {"x": x}, weights).values()
    assert np.abs(kernel(x) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("outputs", ["2x2", "4x4", "6x6"])
@pytest.mark.parametrize(("target", "batch", "threads"), [("native", 1, 2), ("generic", 3, 1), ("wide", 2, 1)])
def test_every_result_is_within_its_bound(target: str, batch: int, threads: int, outputs: str) -> None:
    cases = [line.split(maxsplit=3) for line in PROBLEMS.strip().splitlines()]
    inputs = ", ".join(f"x{i}: f32[{batch}, {c}, {h}, {w}]" for i, (c, h, w, _) in enumerate(cases))
    body = "\n".join(f"y{i} = relu(x{i}) |> {call}" for i, (*_, call) in enumerate(cases))
    text = f"network problems({inputs}) {{ {body}\n return {', '.join(f'y{i}' for i in range(len(cases)))} }}"
    program, kernel, weights = compiled(text, options_for(target, threads, f"winograd {outputs}"))
    found = winograds(program)
    lanes = found[0].lanes
    direct = [
        i for i, (c, *_, call) in enumerate(cases) if int(c) < lanes or ("groups" in call and int(c) // 2 % lanes)
    ]
    assert len(found) == len(cases) - len(direct)
    random = np.random.default_rng(1)
    arrays = {p.name: random.standard_normal(p.type.shape).astype(np.float32) for p in kernel.inputs}
    results = dict(zip((p.name for p in kernel.outputs), kernel(*arrays.values()), strict=True))
    expected = run(parse_graph(text), arrays, weights)
    chosen = iter(found)
    for i in range(len(cases)):
        if i in direct:
            continue
        names = [p.name for p in parse_graph(text).parameters if p.name.startswith(f"y{i}.")]
        weight = weights[next(n for n in names if n.endswith("weight"))].astype(np.float64)
        bias = next((weights[n].astype(np.float64) for n in names if n.endswith("bias")), np.zeros(len(weight)))
        limit = bound(next(chosen), np.maximum(arrays[f"x{i}"], 0), weight, bias)
        assert np.all(np.abs(results[f"y{i}"] - expected[f"y{i}"]) <= limit), cases[i]


@pytest.mark.parametrize(("outputs", "allowed"), [("2x2", 2e-6), ("4x4", 1e-5), ("6x6", 5e-5)])
def test_error_of_a_scheme(outputs: str, allowed: float) -> None:
    """Relative to the largest output, over 512 channels."""
    text = "network deep(x: f32[1, 512, 14, 14]) { return conv(x, 32, 3, pad = 1) }"
    _, kernel, weights = compiled(text, options_for("native", 1, f"winograd {outputs}"))
    x = np.maximum(np.random.default_rng(2).standard_normal((1, 512, 14, 14)), 0).astype(np.float32)
    (expected,) = run(parse_graph(text), {"x": x}, weights).values()
    assert np.abs(kernel(x) - expected).max() <= allowed * np.abs(expected).max()


@pytest.mark.parametrize("target", ["native", "generic", "wide"])
def test_epilogues(target: str) -> None:
    """A sum with a tensor, an activation, then the store; lanes past the last channel stay zero."""
    text = """network tail(x: f32[2, 24, 9, 10], s: f32[1, 1, 9, 1]) {
        a = conv(x, 24, 3, pad = 1)
        b = relu(conv(a, 24, 3, pad = 1) + a)
        c = sigmoid(conv(b, 21, 3, pad = 1) * s)
        return local_response_norm(concat(c, conv(c, 16, 3, pad = 1)), size = 5, alpha = 2.0)
    }"""
    program, kernel, weights = compiled(text, options_for(target, 1, "winograd 4x4"))
    assert len(winograds(program)) == 4
    random = np.random.default_rng(3)
    arrays = {p.name: random.standard_normal(p.type.shape).astype(np.float32) for p in kernel.inputs}
    (expected,) = run(parse_graph(text), arrays, weights).values()
    np.testing.assert_allclose(kernel(*arrays.values()), expected, rtol=2e-5, atol=2e-5)


#: Transposed: channels, height, width, call.
TRANSPOSED = """
    16 14 13  conv_transpose(24, 3, stride = 2, pad = 1, output_pad = 1)
    40 6 7    conv_transpose(16, 5, stride = 2, pad = [2, 1, 2, 2], bias = false)
    32 9 8    conv_transpose(32, 4, stride = 2, pad = 1, groups = 2)
    16 7 8    conv_transpose(19, [3, 6], stride = [1, 3], dilation = [2, 1])
    16 30     conv_transpose(24, 4, stride = 2, pad = 1)
"""


@pytest.mark.parametrize("line", TRANSPOSED.strip().splitlines(), ids=lambda line: " ".join(line.split()))
@pytest.mark.parametrize(("target", "threads"), [("native", 1), ("generic", 2)])
def test_phases_of_transposed_convolutions_are_within_their_bounds(target: str, threads: int, line: str) -> None:
    """Each phase goes to its own pixels, and so does what is added to it."""
    *sizes, call = line.replace(" conv", "\tconv").split("\t")
    shape = (2, *map(int, sizes[0].split()))
    plain = parse_graph(f"network one(x: f32{list(shape)}) {{ return relu(x) |> {call} }}").outputs[0].value.type.shape
    text = f"network one(x: f32{list(shape)}, a: f32{list(plain)}) {{ y = relu(x) |> {call}\n return relu(y + a) }}"
    program, kernel, weights = compiled(text, options_for(target, threads, "winograd"))
    packings = {piece.offset: piece.packing for piece in program.weights}
    found = [(s.kernel, packings[s.arguments[1].offset]) for s in program.steps if isinstance(s.kernel, Winograd)]
    if target == "native" and "groups" in call and shape[1] // 2 % make_options().target.lanes:
        pytest.skip("groups narrower than this machine's vectors are not for Winograd")
    assert found
    random = np.random.default_rng(2)
    x, a = (random.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs)
    (expected,) = run(parse_graph(text), {"x": x, "a": a}, weights).values()
    # An only axis is a map of one row.
    difference, added, image = (
        array if array.ndim == 4 else array[:, :, None]
        for array in (np.abs(kernel(x, a) - expected), np.abs(a), np.maximum(x, 0))
    )
    bias = weights["y.bias"] if "bias = false" not in call else np.zeros(plain[1])
    for winograd, packing in found:
        assert isinstance(packing, PhasePacking)
        lanes, width = winograd.lanes, plain[-1]
        first = divmod(winograd.starts[0] // lanes, width)
        steps = (winograd.dst.h // lanes // width, winograd.dst.w // lanes)
        at = np.s_[:, :, first[0] :: max(1, steps[0]), first[1] :: steps[1]]
        phase = taken(as_convolution(weights["y.weight"], winograd.groups, packing.kernel), packing.taps)[:, :, 0]
        limit = bound(winograd, image, phase.astype(np.float64), bias.astype(np.float64)) + 2.0**-22 * added[at]
        assert difference[at].shape == limit.shape
        assert np.all(difference[at] <= limit)
    assert difference.max() <= 1e-4 * np.abs(expected).max()  # of the other phases too


def test_error_of_a_network_in_which_coarse_rounding_is_allowed() -> None:
    """As many sums in a row as may be, all by F(6, 3): below 1e-4 of the largest output."""
    count = int(MOST_ROUNDING / Scheme(6, 3).growth ** 2)
    body = "\n".join("    x = relu(conv(x, 24, 3, pad = 1))" for _ in range(count))
    text = f"network deep(x: f32[1, 24, 18, 18]) {{\n{body}\n    return x\n}}"
    program, kernel, weights = compiled(text, options_for("native", 1, "winograd 6x6"))
    assert count == len(winograds(program)) == parse_graph(text).sums_in_a_row
    x = np.random.default_rng(4).standard_normal((1, 24, 18, 18)).astype(np.float32)
    (expected,) = run(parse_graph(text), {"x": x}, weights).values()
    assert np.abs(kernel(x) - expected).max() <= 1e-4 * np.abs(expected).max()
