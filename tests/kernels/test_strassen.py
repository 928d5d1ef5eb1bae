"""Strassen's product through generated C: exact on integers, else within a bound computed from the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builds import compiled, integers, options_for

from convc.driver import make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.kernels.strassen import GROWTH, INPUTS, OUTPUTS, WEIGHTS, Strassen, StrassenPacking
from convc.kernels.strassen_twice import GROWTH_TWICE, StrassenTwice, StrassenTwicePacking
from convc.options import Options, Target
from convc.plan.program import Program
from convc.weights.store import Weights

#: Input channels, height, width, and what is computed: ragged channels, odd and prime maps, epilogues, views.
CASES = """
    64 14 14   conv(z, 64, 1)
    48 19 19   conv(z, 80, 1, bias = false) |> relu
    40 7 7     conv(z, 72, 1)
    17 5 5     conv(z, 33, 1) |> relu
    34 1 53    conv(z, 34, 1) |> relu6
    64 4 4     relu(conv(z, 64, 1) + z)
    64 9 11    (conv(z, 64, 1, bias = false) + z) |> abs
    32 13 13   concat(conv(z, 32, 1), conv(z, 48, 1), axis = 1)
    48 13 16   conv(z, 40, 1, stride = 2)
    40 9 20    conv(z, 64, 1, stride = [2, 3], bias = false) |> relu
    96 6 9     conv(slice(z, axis = 1, begin = 32, end = 96), 40, 1)
"""


#: The same for his product of his products, whose input channels are four times as many whole blocks.
TWICE = """
    64 14 14    conv(z, 64, 1)
    128 5 17    conv(z, 80, 1, bias = false) |> relu
    64 4 9      conv(z, 72, 1)
    64 1 53     relu(conv(z, 64, 1) + z)
    64 13 16    conv(z, 33, 1, stride = 2) |> relu6
    192 6 9     concat(conv(slice(z, axis = 1, begin = 64, end = 192), 48, 1), conv(z, 64, 1), axis = 1)
"""


def strassens(program: Program) -> list[Strassen]:
    return [step.kernel for step in program.steps if isinstance(step.kernel, Strassen)]


def by_strassen(target: str, threads: int, choice: str = "strassen") -> Options:
    """Convolutions alone, not what stands before them."""
    return replace(options_for(target, threads, choice), without=("fuse-prologue",))


def source(batch: int, text: str = CASES) -> str:
    """All cases as one network, each of an input whose layout is the kernel's."""
    cases = [line.split(maxsplit=3) for line in text.strip().splitlines()]
    inputs = ", ".join(f"x{i}: f32[{batch}, {c}, {h}, {w}]" for i, (c, h, w, _) in enumerate(cases))
    body = "\n".join(f"z{i} = relu(x{i})\ny{i} = {case.replace('z', f'z{i}')}" for i, (*_, case) in enumerate(cases))
    return f"network cases({inputs}) {{ {body}\n return {', '.join(f'y{i}' for i in range(len(cases)))} }}"


def test_the_seven_products_are_the_product() -> None:
    """Every entry of the trilinear form, in integers: C[i][j] += A[i][k] B[k][j]."""
    form = np.einsum("cp,pa,pb->cab", OUTPUTS, INPUTS, WEIGHTS).reshape(2, 2, 2, 2, 2, 2)
    one = np.eye(2, dtype=int)
    assert np.array_equal(form, np.einsum("ix,jw,ky->ijxkyw", one, one, one))
    assert 2.6 < GROWTH < 2.7


@pytest.mark.parametrize("pairs", [1, 2])
@pytest.mark.parametrize(("target", "batch", "threads"), [("native", 1, 2), ("generic", 2, 1), ("wide", 3, 2)])
def test_integers_come_out_bit_exact(target: str, batch: int, threads: int, pairs: int) -> None:
    """Its sums are of integers too."""
    text = source(batch)
    graph, random = parse_graph(text), np.random.default_rng(1)
    weights = Weights.bind({p.name: integers(random, p.type.shape) for p in graph.parameters}, graph)
    program, kernel, _ = compiled(text, by_strassen(target, threads, f"strassen, {pairs} pair"), weights)
    assert len(strassens(program)) >= text.count("conv(") - 2  # which have one pair
    arrays = {port.name: integers(random, port.type.shape) for port in kernel.inputs}
    expected = run(graph, arrays, weights)
    for port, got in zip(kernel.outputs, kernel(*arrays.values()), strict=True):
        assert np.array_equal(got, expected[port.name].astype(np.float32)), port.name


@pytest.mark.parametrize(
    ("target", "batch", "threads", "fours"), [("native", 2, 2, 1), ("native", 1, 1, 2), ("generic", 1, 1, 1)]
)
def test_integers_come_out_bit_exact_twice(target: str, batch: int, threads: int, fours: int) -> None:
    text = source(batch, TWICE)
    graph, random = parse_graph(text), np.random.default_rng(1)
    weights = Weights.bind({p.name: integers(random, p.type.shape) for p in graph.parameters}, graph)
    program, kernel, _ = compiled(text, by_strassen(target, threads, f"strassen twice, {fours} four"), weights)
    found = [product for product in strassens(program) if isinstance(product, StrassenTwice)]
    assert len(found) >= (6 if fours == 1 else 2) and all(product.chunk <= fours for product in found)
    arrays = {port.name: integers(random, port.type.shape) for port in kernel.inputs}
    expected = run(graph, arrays, weights)
    for port, got in zip(kernel.outputs, kernel(*arrays.values()), strict=True):
        assert np.array_equal(got, expected[port.name].astype(np.float32)), port.name


def test_weights_of_products_of_products_are_those_of_both_levels() -> None:
    """One tile of each quarter: panel (outer, inner) is the sum of quarters that both forms name."""
    weight = np.random.default_rng(5).integers(-9, 10, (16, 32)).astype(np.float64)
    packed = StrassenTwicePacking(16, 32, 1, 4).apply(weight).reshape(7, 7, 8, 4)
    quarters = weight.T.reshape(2, 2, 8, 2, 2, 4).transpose(0, 3, 1, 4, 2, 5).reshape(4, 4, 8, 4)
    assert np.array_equal(packed, np.einsum("pa,qb,abio->pqio", WEIGHTS, WEIGHTS, quarters))


def bound(x: np.ndarray, weight: np.ndarray) -> float:
    """gamma_k times the algorithm over the largest absolute values of pixels `x` [pixels, ic], whose sums it shares.

    Every channel rounds a product and a sum, the sums of quarters and of products 12 times more.
    """
    (oc, ic), lanes = weight.shape, make_options().target.lanes
    packing = StrassenPacking(oc, ic, 1, lanes)
    a, b = np.zeros(2 * packing.low), np.zeros((2 * packing.low, 2 * packing.half))
    a[:ic], b[:ic, :oc] = np.abs(x).max(0), np.abs(weight).T
    quarters = b.reshape(2, packing.low, 2, packing.half).transpose(0, 2, 1, 3).reshape(4, packing.low, packing.half)
    pixels = np.abs(INPUTS) @ np.tile(a, 2).reshape(4, packing.low)
    products = np.einsum("pc,pco->po", pixels, np.tensordot(np.abs(WEIGHTS), quarters, 1))
    unit = 2.0**-24 * (2 * ic + 12)
    return float(unit / (1 - unit) * (np.abs(OUTPUTS) @ products).max())


@pytest.mark.parametrize(("ic", "oc", "size"), [(64, 64, 14), (200, 72, 9), (512, 128, 7)])
def test_results_are_within_their_bound(ic: int, oc: int, size: int) -> None:
    text = f"network one(x: f32[1, {ic}, {size}, {size}]) {{ return conv(relu(x), {oc}, 1, bias = false) }}"
    graph = parse_graph(text)
    weights = Weights.random(graph)
    program, kernel, _ = compiled(text, by_strassen("native", 1), weights)
    assert len(strassens(program)) == 1
    x = np.random.default_rng(2).standard_normal((1, ic, size, size)).astype(np.float32)
    (expected,) = run(graph, {"x": x}, weights).values()
    (name,) = (p.name for p in graph.parameters)
    error = np.abs(kernel(x) - expected).max()
    assert error <= bound(np.maximum(x, 0).reshape(ic, -1).T, weights[name].reshape(oc, ic))
    assert error <= 3e-6 * np.abs(expected).max()


@pytest.mark.parametrize(("ic", "oc", "size"), [(128, 64, 14), (512, 128, 7)])
def test_results_are_within_their_bound_twice(ic: int, oc: int, size: int) -> None:
    """As above, with the largest of all absolute values on both sides of every product of quarters."""
    text = f"network one(x: f32[1, {ic}, {size}, {size}]) {{ return conv(relu(x), {oc}, 1, bias = false) }}"
    graph = parse_graph(text)
    weights = Weights.random(graph)
    program, kernel, _ = compiled(text, by_strassen("native", 1, "strassen twice"), weights)
    assert [isinstance(product, StrassenTwice) for product in strassens(program)] == [True]
    x = np.random.default_rng(2).standard_normal((1, ic, size, size)).astype(np.float32)
    (expected,) = run(graph, {"x": x}, weights).values()
    (name,) = (p.name for p in graph.parameters)
    error = np.abs(kernel(x) - expected).max()
    pixels, matrix = np.maximum(x, 0).reshape(ic, -1).max(1), np.abs(weights[name].reshape(oc, ic)).max(0)
    quarter = float(pixels.reshape(4, -1).max(0) @ matrix.reshape(4, -1).max(0))
    level = np.abs(OUTPUTS) @ (np.abs(INPUTS).sum(1) * np.abs(WEIGHTS).sum(1))  # products, each of so many at most
    unit = 2.0**-24 * (2 * ic + 24)
    assert error <= unit / (1 - unit) * level.max() ** 2 * quarter
    assert error <= 6e-6 * np.abs(expected).max()
    assert 6.9 < GROWTH_TWICE < 7.1


@pytest.mark.parametrize(
    ("target", "choice"),
    [("native", "strassen"), ("generic", "strassen"), ("wide", "strassen"), ("native", "strassen twice")],
)
def test_epilogues(target: str, choice: str) -> None:
    """Lanes past the last channel stay zero; an operand with one number a pixel for all channels."""
    text = """network tail(x: f32[2, 64, 9, 10], s: f32[1, 1, 9, 10]) {
        a = hard_sigmoid(conv(relu(x), 64, 1))
        b = sigmoid(conv(a, 45, 1) * s)
        c = relu(conv(a, 45, 1) + b)
        return local_response_norm(concat(c, silu(conv(c, 24, 1))), size = 5, alpha = 2.0)
    }"""
    graph = parse_graph(text)
    weights, random = Weights.random(graph), np.random.default_rng(3)
    program, kernel, _ = compiled(text, by_strassen(target, 1, choice), weights)
    assert len(strassens(program)) >= 3
    arrays = {p.name: random.standard_normal(p.type.shape).astype(np.float32) for p in kernel.inputs}
    (expected,) = run(graph, arrays, weights).values()
    np.testing.assert_allclose(kernel(*arrays.values()), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("target", "threads", "choice"),
    [
        ("native", 2, "strassen"), ("generic", 1, "strassen"), ("wide", 2, "strassen"),
        ("native", 2, "strassen twice"), ("generic", 1, "strassen twice"),
    ],
)
def test_rows_times_a_matrix(target: str, threads: int, choice: str) -> None:
    """Linear layers and products with a constant matrix: rows of whole vectors, from and to the caller's arrays."""
    text = """network rows(x: f32[2, 5, 7, 64], z: f32[37, 64]) {
        w: f32[64, 80] = parameter()
        v: f32[96, 64] = parameter()
        a = linear(x, 64) |> relu
        b = linear(a, 64, bias = false) + x
        c = matmul(z, w) |> abs
        d = matmul(relu(z), v, transpose_b = true)
        odd = linear(linear(z, 50), 64)
        return a, b, c, d, odd
    }"""
    graph, random = parse_graph(text), np.random.default_rng(4)
    weights = Weights.bind({p.name: integers(random, p.type.shape) for p in graph.parameters}, graph)
    program, kernel, _ = compiled(text, by_strassen(target, threads, choice), weights)
    products = strassens(program)
    assert len(products) == 4 and all(product.by_rows for product in products)
    assert all(isinstance(product, StrassenTwice) == (choice == "strassen twice") for product in products)
    arrays = {port.name: integers(random, port.type.shape) for port in kernel.inputs}
    shifted = [np.append(np.float32(0), array)[1:].reshape(array.shape) for array in arrays.values()]
    expected = run(graph, arrays, weights)
    for port, got in zip(kernel.outputs, kernel(*shifted), strict=True):
        assert np.array_equal(got, expected[port.name].astype(np.float32)), port.name


def test_linear_layers_of_many_rows_are_expected_to_gain() -> None:
    """Unasked, as in a network of attention or ConvNeXt's blocks; a classifier of one row has nothing to share."""
    text = "network n(x: f32[1, 14, 14, 384], y: f32[1, 512]) { return linear(x, 1536), linear(y, 1000) }"
    program = translate(parse_graph(text), Options(Target("wide", 16, 32))).program
    assert [product.count for product in strassens(program)] == [196]
