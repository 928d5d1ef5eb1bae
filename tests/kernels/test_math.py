"""The vector functions under runtime/ against float64: stated errors, edges, NaN and infinities, at every width."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cffi
import numpy as np
import pytest

from convc import resources
from convc.driver import make_options
from convc.native.compiler import find_compiler
from convc.native.target import native
from convc.ops import unary
from convc.ops.activation import Celu, Elu, Gelu, Mish, Selu, Sigmoid, Silu, Softplus, Tanh
from convc.ops.common import Unary
from convc.ops.piecewise import Clip, HardSigmoid, HardSwish, LeakyRelu, Relu, Relu6, Softsign, ThresholdedRelu

Array = np.ndarray
Apply = Callable[..., Array]

#: C expression of `x`: (the op it computes, lowest and highest x, ulp allowed there).
RELATIVE: dict[str, tuple[Unary, float, float, float]] = {
    "exp(x)": (unary.Exp(), -87.0, 88.72, 2),
    "exp_clamped(x)": (unary.Exp(), -87.0, 88.0, 2),
    "log(x)": (unary.Log(), 1e-38, 3e38, 2),
    "log_normal(x)": (unary.Log(), 1e-37, 3e38, 2),
    "sigmoid(x)": (Sigmoid(), -87.0, 90.0, 2.4),
    "tanh(x)": (Tanh(), -12.0, 12.0, 2),
    "erf(x)": (unary.Erf(), -5.0, 5.0, 2.6),
    "erf_rational(x)": (unary.Erf(), -5.0, 5.0, 6),
    "silu(x)": (Silu(), -87.0, 90.0, 3),
    "softplus(x)": (Softplus(), -87.0, 90.0, 3),
    "mish(x)": (Mish(), -80.0, 90.0, 4),
    "elu(x, 0.7f)": (Elu(float(np.float32(0.7))), -20.0, 20.0, 3),
    "celu(x, 2.0f)": (Celu(2.0), -20.0, 20.0, 3),
    "selu(x)": (Selu(), -20.0, 20.0, 4),
    "sin(x)": (unary.Sin(), -1e5, 1e5, 1),
    "cos(x)": (unary.Cos(), -1e5, 1e5, 1),
    "tan(x)": (unary.Tan(), -1e5, 1e5, 1),
    "asin(x)": (unary.Asin(), -1.0, 1.0, 2.4),
    "acos(x)": (unary.Acos(), -1.0, 1.0, 2),
    "atan(x)": (unary.Atan(), -1e3, 1e3, 2),
    "sinh(x)": (unary.Sinh(), -88.0, 88.0, 1),
    "cosh(x)": (unary.Cosh(), -88.0, 88.0, 1),
    "asinh(x)": (unary.Asinh(), -1e6, 1e6, 1),
    "acosh(x)": (unary.Acosh(), 1.0, 1e6, 1),
    "atanh(x)": (unary.Atanh(), -0.9999, 0.9999, 1),
    "hard_swish(x)": (HardSwish(), -2.9, 5.0, 3),
    "softsign(x)": (Softsign(), -100.0, 100.0, 2),
}

#: Where the above are at most 2 ulp off; `erf` where a product and a sum are rounded once.
WITHIN_TWO = {"exp(x)": (-87.0, 88.72), "tanh(x)": (-12.0, 12.0), "sigmoid(x)": (-16.6, 90.0), "erf(x)": (-5.0, 5.0)}

#: The same, but the error is relative to x: they cancel below zero.
RELATIVE_TO_X: dict[str, tuple[Unary, float, float, float]] = {
    "gelu(x)": (Gelu(), -10.0, 10.0, 3),
    "gelu_tanh(x)": (Gelu(True), -10.0, 10.0, 2),
    "hard_sigmoid(x, 0.25f, 0.5f)": (HardSigmoid(0.25, 0.5), -4.0, 4.0, 1),
}

#: Exact for every float32.
EXACT: dict[str, Unary] = {
    "abs(x)": unary.Abs(), "neg(x)": unary.Neg(), "sign(x)": unary.Sign(), "reciprocal(x)": unary.Reciprocal(),
    "sqrt(x)": unary.Sqrt(), "floor(x)": unary.Floor(), "ceil(x)": unary.Ceil(), "round(x)": unary.Round(),
    "relu(x)": Relu(), "relu6(x)": Relu6(), "leaky_relu(x, 0.25f)": LeakyRelu(0.25),
    "thresholded_relu(x, 0.5f)": ThresholdedRelu(0.5), "clip(x, -1.0f, 2.0f)": Clip(-1.0, 2.0),
}  # fmt: skip

#: Functions of two: their value in NumPy, for float32 operands.
PAIRS: dict[str, Callable[[Array, Array], Array]] = {
    "maximum(x, y)": np.maximum, "minimum(x, y)": np.minimum, "equal(x, y)": np.equal,
    "not_equal(x, y)": np.not_equal, "less(x, y)": np.less, "less_equal(x, y)": np.less_equal,
    "greater(x, y)": np.greater, "greater_equal(x, y)": np.greater_equal, "logical_and(x, y)": np.logical_and,
    "logical_or(x, y)": np.logical_or, "logical_xor(x, y)": np.logical_xor, "fmod(x, y)": np.fmod,
    "mod(x, y)": np.mod, "prelu(x, y)": lambda x, y: np.where(x < 0, x * y, x), "where(x, y, x)":
    lambda x, y: np.where(x != 0, y, x),
}  # fmt: skip

ALL = [*RELATIVE, *RELATIVE_TO_X, *EXACT, *PAIRS, "pow(x, y)"]
EDGES = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3e-39, -1e-45, 3.4e38, -3.4e38,
     8388607.5, 8388609.0, -4194303.5, 1e10, 7.0, 6.0], np.float32)  # fmt: skip


@pytest.fixture(scope="module", params=["native", "generic", "1", "16"])
def apply(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Apply:
    """`apply(expression, x, y)` runs a C function on arrays, with the lanes and flags of a target, or these lanes."""
    target = make_options("generic" if request.param in ("generic", "1") else "native", 1).target
    lanes = int(request.param) if request.param.isdigit() else target.lanes
    folder: Path = tmp_path_factory.mktemp("math")
    body = "".join(
        f"void apply_{number}(const float *xs, const float *ys, float *to, int n)\n"
        "{ for (int i = 0; i < n; i += CONVC_LANES) { const vf x = convc_loadu(xs + i), y = convc_loadu(ys + i); "
        f"convc_storeu(to + i, convc_{expression}); (void)y; }} }}\n"
        for number, expression in enumerate(ALL)
    )
    (folder / "m.c").write_text(f'#define CONVC_LANES {lanes}\n#include "convc_double.h"\n{body}')
    compiler = find_compiler()
    flags = [flag for flag in compiler.flags if "visibility" not in flag]
    include = f"-I{resources.runtime()}"
    compiler.run([*flags, *target.flags, "-Werror", include, "-shared", "m.c", "-lm", "-o", "m.so"], folder)
    ffi = cffi.FFI()
    numbers = range(len(ALL))
    ffi.cdef("".join(f"void apply_{number}(const float *, const float *, float *, int);" for number in numbers))
    library = ffi.dlopen(str(folder / "m.so"))

    def run(expression: str, x: Array, y: Array | None = None) -> Array:
        with np.errstate(invalid="ignore"):
            arrays = [np.resize(a, -(-len(x) // 64) * 64).astype(np.float32) for a in (x, x if y is None else y)]
        result = np.empty_like(arrays[0])
        pointers = [ffi.from_buffer("float[]", array) for array in (*arrays, result)]
        getattr(library, f"apply_{ALL.index(expression)}")(*pointers, len(result))
        return result[: len(x)]

    return run


def points(low: float, high: float) -> Array:
    """Floats over the range: evenly spaced, in every binade, and near zero where it lies inside."""
    count = 1 << 15
    spread = np.geomspace(max(low, 1e-38), high, count) if low >= 0 else np.geomspace(1e-30, high, count)
    both = spread if low >= 0 else np.concatenate([spread, -spread[spread <= -low]])
    random = np.random.default_rng(0).uniform(low, high, count)
    return np.clip(np.concatenate([np.linspace(low, high, count), both, random]).astype(np.float32), low, high)


def hold_ulp(apply: Apply, expression: str, low: float, high: float, allowed: float) -> None:
    x = points(low, high).astype(np.float32)
    expected = {**RELATIVE, **RELATIVE_TO_X}[expression][0].of(x.astype(np.float64))
    size = np.abs(expected) if expression in RELATIVE else np.maximum(np.abs(expected), np.abs(x))
    unit = np.spacing(np.maximum(size, 1.2e-38).astype(np.float32))
    error = np.abs(apply(expression, x) - expected) / unit
    assert error.max() <= allowed, f"{expression}: {error.max():.2f} ulp at {x[error.argmax()]!r}"


@pytest.mark.parametrize("expression", [*RELATIVE, *RELATIVE_TO_X])
def test_error_in_ulp(apply: Apply, expression: str) -> None:
    hold_ulp(apply, expression, *{**RELATIVE, **RELATIVE_TO_X}[expression][1:])


@pytest.mark.parametrize("expression", WITHIN_TWO)
def test_within_two_ulp(apply: Apply, expression: str, request: pytest.FixtureRequest) -> None:
    if expression == "erf(x)" and (request.node.callspec.params["apply"] in ("generic", "1") or not native().flags):
        pytest.skip("no fused multiply-add")
    hold_ulp(apply, expression, *WITHIN_TWO[expression], 2)


@pytest.mark.parametrize("expression", EXACT)
def test_exact(apply: Apply, expression: str) -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 1 << 15, dtype=np.uint32).view(np.float32)
    others = [random.uniform(-10, 10, 1 << 14), np.arange(-8, 8, 0.5)]
    x = np.concatenate([EDGES, bits, *(other.astype(np.float32) for other in others)])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(apply(expression, x), EXACT[expression].of(x).astype(np.float32))


@pytest.mark.parametrize("expression", PAIRS)
def test_pairs(apply: Apply, expression: str) -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, (2, 1 << 14), dtype=np.uint32).view(np.float32)
    edges = np.stack([a.reshape(-1) for a in np.meshgrid(EDGES, EDGES)])
    x, y = np.concatenate([edges, bits, random.uniform(-10, 10, (2, 1 << 14)).astype(np.float32)], 1)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(apply(expression, x, y), PAIRS[expression](x, y).astype(np.float32))


def test_pow(apply: Apply) -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(0, 20, 1 << 15), random.uniform(-20, 20, 1 << 15)
    x, y = np.concatenate([x, -x]).astype(np.float32), np.concatenate([y, np.round(y)]).astype(np.float32)
    edges = np.stack([a.reshape(-1) for a in np.meshgrid(EDGES, EDGES)])
    x, y = np.concatenate([x, edges[0]]), np.concatenate([y, edges[1]])
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.float64), y.astype(np.float64)).astype(np.float32)
    got = apply("pow(x, y)", x, y)
    normal = (np.abs(expected) > 1e-37) & np.isfinite(expected)
    assert (np.abs(got[normal] - expected[normal]) <= np.spacing(np.abs(expected[normal]))).all()
    np.testing.assert_allclose(got[~normal], expected[~normal], rtol=0, atol=1e-44)


@pytest.mark.parametrize("expression", [e for e in (*RELATIVE, *RELATIVE_TO_X, *EXACT) if e != "log_normal(x)"])
def test_nan_stays_nan(apply: Apply, expression: str) -> None:
    assert np.isnan(apply(expression, np.array([np.nan, -np.nan], np.float32))).all()


def test_edges(apply: Apply) -> None:
    """Limits at the infinities and beyond the range, the ends of domains, signs of zero."""
    inf, nan = math.inf, math.nan
    for expression, x, expected in (
        ("exp(x)", [inf, -inf, 89.0, -110.0, 0.0], [inf, 0, inf, 0, 1]),
        ("log(x)", [inf, 0.0, -1.0, -inf, 1.0], [inf, -inf, nan, nan, 0]),
        ("tanh(x)", [inf, -inf, 1e30, -0.0], [1, -1, 1, -0.0]),
        ("erf(x)", [inf, -inf, 5.0, -0.0], [1, -1, 1, -0.0]),
        ("sigmoid(x)", [inf, 0.0, 100.0], [1, 0.5, 1]),
        ("silu(x)", [inf, -inf, 0.0, -200.0, -1e30, 1e30], [inf, nan, 0, -0.0, -0.0, 1e30]),
        ("mish(x)", [inf, -inf, 0.0, -200.0, -1e30, 1e30], [inf, nan, 0, -0.0, -0.0, 1e30]),
        ("gelu(x)", [inf, -inf, 0.0, 100.0, 1e30], [inf, nan, 0, 100, 1e30]),
        ("gelu_tanh(x)", [inf, -inf, 0.0, 100.0, -50.0, 1e30], [inf, nan, 0, 100, -0.0, 1e30]),
        ("softplus(x)", [inf, 100.0], [inf, 100]),
        ("elu(x, 0.7f)", [inf, -inf], [inf, np.float32(-0.7)]),
        ("sin(x)", [inf, -inf, -0.0, 1e30], [nan, nan, -0.0, np.sin(np.float64(np.float32(1e30)))]),
        ("cos(x)", [inf, 0.0, -3e8], [nan, 1, np.cos(-3e8)]),
        ("tan(x)", [inf, 0.0, 5e8], [nan, 0, np.tan(5e8)]),
        ("atan(x)", [inf, -inf], [math.pi / 2, -math.pi / 2]),
        ("asin(x)", [1.0, -1.0, 1.1, inf], [math.pi / 2, -math.pi / 2, nan, nan]),
        ("acos(x)", [1.0, -1.0, -1.1], [0, math.pi, nan]),
        ("acosh(x)", [1.0, 0.9, inf], [0, nan, inf]),
        ("atanh(x)", [1.0, -1.0, 1.1], [inf, -inf, nan]),
        ("sinh(x)", [inf, -inf, 100.0], [inf, -inf, inf]),
        ("cosh(x)", [inf, -inf, 100.0], [inf, inf, inf]),
        ("asinh(x)", [inf, -inf], [inf, -inf]),
    ):
        got = apply(expression, np.array(x, np.float32))
        wanted = np.array(expected, np.float32)
        np.testing.assert_allclose(got, wanted, rtol=1.3e-7, atol=0, err_msg=expression)
        np.testing.assert_array_equal(np.signbit(got[wanted == 0]), np.signbit(wanted[wanted == 0]), err_msg=expression)
    low = apply("sigmoid(x)", np.array([-np.inf, -200.0], np.float32))
    assert (low < 2e-38).all()
    np.testing.assert_allclose(apply("exp(x)", np.array([-100.0])), np.exp(-100.0), atol=1.5e-45)
