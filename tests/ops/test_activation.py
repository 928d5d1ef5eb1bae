"""Activations against their formulas, at the values where they bend and far out."""

from __future__ import annotations

from math import e, exp, tanh

import numpy as np
import pytest

from ops.helpers import Array, call, normal, refused, told

POINTS = np.array([[-1000.0, -7.5, -1.0, -1e-9, 0.0, 1e-9, 0.5, 6.0, 6.5, 1000.0]])


def each(text: str) -> list[float]:
    return [float(value) for value in call(text, x=POINTS).y[0]]


def test_relu() -> None:
    assert each("relu(x)") == [0, 0, 0, 0, 0, 1e-9, 0.5, 6, 6.5, 1000]
    assert np.isnan(call("relu(x)", x=np.array([[np.nan]])).y).all()


def test_relu6() -> None:
    assert each("relu6(x)") == [0, 0, 0, 0, 0, 1e-9, 0.5, 6, 6, 6]


def test_leaky_relu() -> None:
    assert each("leaky_relu(x, slope = 0.25)") == [-250, -1.875, -0.25, -2.5e-10, 0, 1e-9, 0.5, 6, 6.5, 1000]
    assert each("leaky_relu(x)")[2] == -0.01


def test_tanh() -> None:
    assert each("tanh(x)") == pytest.approx([tanh(float(value)) for value in POINTS[0]])


def test_sigmoid() -> None:
    expected = [0 if value < -700 else 1 / (1 + exp(-float(value))) for value in POINTS[0]]
    assert each("sigmoid(x)") == pytest.approx(expected)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_softmax(axis: int) -> None:
    x = normal(2, 3, 4, 5)
    y = call(f"softmax(x, axis = {axis})", x=x).y
    powers = np.vectorize(lambda value: e**value)(x)
    np.testing.assert_allclose(y, powers / powers.sum(axis=axis, keepdims=True))


def test_softmax_does_not_overflow() -> None:
    y: Array = call("softmax(x)", x=np.array([[1000.0, 1000.0, -1000.0]])).y
    np.testing.assert_allclose(y, [[0.5, 0.5, 0]])


@pytest.mark.parametrize("axis", [4, -5])
def test_softmax_refuses_an_axis_that_is_not_there(axis: int) -> None:
    diagnostic = refused(f"softmax(x, axis = {axis})", x=(1, 2, 3, 4))
    assert diagnostic.code == "E0308"
    assert f"axis is {axis}; f32[1, 2, 3, 4] has axes 0 to 3" in told(diagnostic)
