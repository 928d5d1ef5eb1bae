"""Smooth activations against their formulas, near zero and far out."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, expm1, inf, log1p, nan, pi, sqrt, tanh

import numpy as np
import pytest

from ops.helpers import call

POINTS = np.array([[-1000.0, -30.0, -7.5, -1.0, -1e-9, 0.0, 1e-9, 0.5, 6.0, 40.0, 1000.0]])


def check(text: str, function: Callable[[float], float], at_infinity: float = inf) -> None:
    y = [float(value) for value in call(text, x=POINTS).y[0]]
    assert y == pytest.approx([function(float(x)) for x in POINTS[0]], rel=1e-13, abs=1e-300)
    assert call(text, x=np.array([[inf]])).y == at_infinity
    assert np.isnan(call(text, x=np.array([[nan]])).y).all()
    single = call(text, x=np.array(0.5)).y
    assert single.shape == () and single == pytest.approx(function(0.5))


def logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 else 0.0


def softplus(x: float) -> float:
    return x + log1p(exp(-x)) if x > 0 else log1p(exp(x))


def below(x: float, scale: float, inner: float = 1.0) -> float:
    return x if x >= 0 else scale * expm1(x / inner)


def test_tanh() -> None:
    check("tanh(x)", tanh, 1)


def test_sigmoid() -> None:
    check("sigmoid(x)", logistic, 1)


def test_silu() -> None:
    check("silu(x)", lambda x: x * logistic(x))


def test_gelu() -> None:
    check("gelu(x)", lambda x: x / 2 * (1 + erf(x / sqrt(2))))
    check("gelu(x, approximate = true)", lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))))


def test_elu() -> None:
    check("elu(x)", lambda x: below(x, 1))
    check("elu(x, alpha = 0.5)", lambda x: below(x, 0.5))


def test_selu() -> None:
    check("selu(x)", lambda x: 1.0507009873554805 * below(x, 1.6732632423543772))


def test_celu() -> None:
    check("celu(x)", lambda x: below(x, 1))
    check("celu(x, alpha = 2.0)", lambda x: below(x, 2, 2))


def test_softplus() -> None:
    check("softplus(x)", softplus)


def test_mish() -> None:
    check("mish(x)", lambda x: x * tanh(softplus(x)))
