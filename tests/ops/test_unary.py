"""Functions of one element against Python's math module, at ordinary points, at the edges, and for NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from ops.helpers import call, normal

ANYWHERE = (-20.0, -2.5, -1.5, -1.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 1.0, 1.5, 2.5, 20.0)
INSIDE = (-1.0, -0.75, -1e-9, 0.0, 0.5, 1.0)


def check(name: str, function: Callable[[float], float], points: tuple[float, ...] = ANYWHERE) -> None:
    y = call(f"{name}(x)", x=np.array(points)).y
    assert [float(value) for value in y] == pytest.approx([function(point) for point in points], rel=1e-14, abs=0)
    single = call(f"{name}(x)", x=np.array(points[-2])).y  # no axes at all
    assert single.shape == () and single == y[-2]
    assert np.isnan(call(f"{name}(x)", x=np.array([math.nan])).y).all()


def outside(name: str, *points: float) -> None:
    assert np.isnan(call(f"{name}(x)", x=np.array(points)).y).all()


def test_abs() -> None:
    check("abs", abs)


def test_neg() -> None:
    check("neg", lambda x: -x)
    x = normal(2, 3)
    np.testing.assert_array_equal(call("-x + -(x * 2)", x=x).y, -3 * x)


def test_sign() -> None:
    check("sign", lambda x: math.copysign(1, x) if x else 0)


def test_reciprocal() -> None:
    check("reciprocal", lambda x: 1 / x if x else math.inf)


def test_sqrt() -> None:
    check("sqrt", math.sqrt, (0.0, 1e-9, 2.25, 9.0))
    outside("sqrt", -1.0, -1e-30)


def test_floor() -> None:
    check("floor", math.floor)


def test_ceil() -> None:
    check("ceil", math.ceil)


def test_round() -> None:
    check("round", round)  # of Python: halves to even, as well
    assert call("round(x)", x=np.array([0.5, 1.5, 2.5, -0.5, -1.5])).y.tolist() == [0, 2, 2, 0, -2]


def test_exp() -> None:
    check("exp", math.exp)
    assert call("exp(x)", x=np.array([-math.inf, math.inf])).y.tolist() == [0, math.inf]


def test_log() -> None:
    check("log", math.log, (1e-30, 0.5, 1.0, 2.0))
    assert call("log(x)", x=np.array([0.0, math.inf])).y.tolist() == [-math.inf, math.inf]
    outside("log", -1.0)


def test_erf() -> None:
    check("erf", math.erf)


def test_sin() -> None:
    check("sin", math.sin)


def test_cos() -> None:
    check("cos", math.cos)


def test_tan() -> None:
    check("tan", math.tan)


def test_asin() -> None:
    check("asin", math.asin, INSIDE)
    outside("asin", -1.5, 1.5)


def test_acos() -> None:
    check("acos", math.acos, INSIDE)
    outside("acos", -1.5, 1.5)


def test_atan() -> None:
    check("atan", math.atan)


def test_sinh() -> None:
    check("sinh", math.sinh)


def test_cosh() -> None:
    check("cosh", math.cosh)


def test_asinh() -> None:
    check("asinh", math.asinh)


def test_acosh() -> None:
    check("acosh", math.acosh, (1.0, 1.5, 20.0))
    outside("acosh", 0.5, -2.0)


def test_atanh() -> None:
    check("atanh", math.atanh, INSIDE[1:-1])
    assert call("atanh(x)", x=np.array([-1.0, 1.0])).y.tolist() == [-math.inf, math.inf]
    outside("atanh", -1.5, 1.5)
