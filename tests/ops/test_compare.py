"""Comparisons, logic, choice: every pair of a small set of values, NaN among them."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from math import inf, nan

import numpy as np

from ops.helpers import call, normal, refused, told

VALUES = (-inf, -2.0, -0.0, 0.0, 1e-30, 1.0, 2.0, inf, nan)
PAIRS = np.array(list(itertools.product(VALUES, VALUES)))


def check(name: str, function: Callable[[float, float], bool]) -> None:
    y = call(f"{name}(a, b)", a=PAIRS[:, 0], b=PAIRS[:, 1]).y
    assert y.tolist() == [float(function(float(a), float(b))) for a, b in PAIRS]
    assert call(f"{name}(a, b)", a=normal(2, 3, 4), b=normal(3, 1)).y.shape == (2, 3, 4)


def test_equal() -> None:
    check("equal", operator.eq)


def test_not_equal() -> None:
    check("not_equal", operator.ne)


def test_less() -> None:
    check("less", operator.lt)


def test_less_equal() -> None:
    check("less_equal", operator.le)


def test_greater() -> None:
    check("greater", operator.gt)


def test_greater_equal() -> None:
    check("greater_equal", operator.ge)


def test_logical_and() -> None:
    check("logical_and", lambda a, b: bool(a) and bool(b))


def test_logical_or() -> None:
    check("logical_or", lambda a, b: bool(a) or bool(b))


def test_logical_xor() -> None:
    check("logical_xor", lambda a, b: bool(a) != bool(b))


def test_logical_not() -> None:
    assert call("logical_not(x)", x=np.array(VALUES)).y.tolist() == [float(not value) for value in VALUES]


def test_where() -> None:
    condition, a, b = np.array([[1.0], [0.0]]), normal(3, 2, 4), normal(4)
    y = call("where(c, a, b)", c=condition, a=a, b=b).y
    for i, j, k in itertools.product(*map(range, y.shape)):
        assert y[i, j, k] == (a[i, j, k] if condition[j, 0] else b[k])
    assert call("where(x, x, 0.5)", x=np.array([nan, 0.0, -3.0])).y.tolist()[1:] == [0.5, -3.0]


def test_where_refuses_shapes_that_do_not_fit() -> None:
    diagnostic = refused("where(c, a, b)", c=(3,), a=(2, 4), b=(4,))
    assert diagnostic.code == "E0309" and "axis 1 is 4 on the left and 3 on the right" in told(diagnostic)
