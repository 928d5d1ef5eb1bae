"""Softmax and its relatives, along every axis."""

from __future__ import annotations

from math import e

import numpy as np
import pytest

from ops.helpers import Array, call, normal, refused, told

every_axis = pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])


@every_axis
def test_softmax(axis: int) -> None:
    x = normal(2, 3, 4, 5)
    y = call(f"softmax(x, axis = {axis})", x=x).y
    powers = np.vectorize(lambda value: e**value)(x)
    np.testing.assert_allclose(y, powers / powers.sum(axis=axis, keepdims=True))


def test_softmax_does_not_overflow() -> None:
    y: Array = call("softmax(x)", x=np.array([[1000.0, 1000.0, -1000.0]])).y
    np.testing.assert_allclose(y, [[0.5, 0.5, 0]])


@every_axis
def test_log_softmax(axis: int) -> None:
    x = normal(2, 3, 4, 5)
    y = call(f"log_softmax(x, axis = {axis})", x=x).y
    np.testing.assert_allclose(y, np.log(call(f"softmax(x, axis = {axis})", x=x).y))


def test_log_softmax_does_not_underflow() -> None:
    y: Array = call("log_softmax(x)", x=np.array([[1000.0, -1000.0]])).y
    np.testing.assert_allclose(y, [[0, -2000]])


@every_axis
def test_hardmax(axis: int) -> None:
    x = normal(2, 3, 4, 5)
    y = call(f"hardmax(x, axis = {axis})", x=x).y
    np.testing.assert_array_equal(y, x == x.max(axis=axis, keepdims=True))


def test_hardmax_takes_the_first_of_equals() -> None:
    assert call("hardmax(x)", x=np.array([[1.0, 3.0, 3.0, 2.0, 3.0]])).y.tolist() == [[0, 1, 0, 0, 0]]


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "hardmax"])
@pytest.mark.parametrize("axis", [4, -5])
def test_an_axis_that_is_not_there(name: str, axis: int) -> None:
    diagnostic = refused(f"{name}(x, axis = {axis})", x=(1, 2, 3, 4))
    assert diagnostic.code == "E0308"
    assert f"axis is {axis}; f32[1, 2, 3, 4] has axes 0 to 3" in told(diagnostic)
