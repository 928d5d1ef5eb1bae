"""Arithmetic on elements, and broadcasting."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told

SHAPES = [
    ((2, 3, 4, 5), (2, 3, 4, 5)),
    ((2, 3, 4, 5), (2, 3, 1, 1)),
    ((1, 3, 1, 1), (2, 1, 4, 5)),
    ((2, 3), (3,)),
    ((2, 3, 4, 5), (5,)),
]


def check(name: str, combine: Callable[[float, float], float], shapes: tuple[tuple[int, ...], ...]) -> None:
    a, b = normal(*shapes[0], seed=1), normal(*shapes[1], seed=2)
    y = call(f"{name}(a, b)", a=a, b=b).y
    assert y.shape == np.broadcast_shapes(*shapes)
    for place in itertools.product(*map(range, y.shape)):
        left = a[tuple(i % n for i, n in zip(place[-a.ndim :], a.shape, strict=True))]
        right = b[tuple(i % n for i, n in zip(place[-b.ndim :], b.shape, strict=True))]
        assert y[place] == combine(float(left), float(right))


@pytest.mark.parametrize("shapes", SHAPES)
def test_add(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("add", operator.add, shapes)


@pytest.mark.parametrize("shapes", SHAPES)
def test_sub(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("sub", operator.sub, shapes)


@pytest.mark.parametrize("shapes", SHAPES)
def test_mul(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("mul", operator.mul, shapes)


@pytest.mark.parametrize("shapes", SHAPES)
def test_div(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("div", operator.truediv, shapes)


@pytest.mark.parametrize("shapes", SHAPES)
def test_minimum(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("minimum", min, shapes)


@pytest.mark.parametrize("shapes", SHAPES)
def test_maximum(shapes: tuple[tuple[int, ...], ...]) -> None:
    check("maximum", max, shapes)


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_the_extremes_hand_on_nan(name: str) -> None:
    assert np.isnan(call(f"{name}(a, b)", a=np.array([np.nan, 1.0]), b=np.array([1.0, np.nan])).y).all()


def test_pow() -> None:
    a, b = np.array([2.0, 9.0, -2.0, -2.0, 0.0, 0.0]), np.array([-3.0, 0.5, 3.0, 2.0, 0.0, 2.0])
    assert call("pow(a, b)", a=a, b=b).y.tolist() == pytest.approx([0.125, 3, -8, 4, 1, 0])
    assert np.isnan(call("pow(a, 0.5)", a=np.array([-2.0])).y)


def test_mod() -> None:
    a, b = np.array([7.5, -7.5, 7.5, -7.5, 6.0]), np.array([2.0, 2.0, -2.0, -2.0, 3.0])
    assert call("mod(a, b)", a=a, b=b).y.tolist() == [1.5, 0.5, -0.5, -1.5, 0]
    assert call("a % b", a=a, b=b).y.tolist() == [1.5, 0.5, -0.5, -1.5, 0]
    assert call("mod(a, b, fmod = true)", a=a, b=b).y.tolist() == [1.5, -1.5, 1.5, -1.5, 0]


def test_constant() -> None:
    x = normal(2, 3)
    np.testing.assert_allclose(call("x * 2.5 + 1", x=x).y, x * 2.5 + 1)
    np.testing.assert_allclose(call("1 - x", x=x).y, 1 - x)
    graph = call("x * 2.5", x=x).graph
    assert [node.output.type.shape for node in graph.nodes if not node.inputs] == [()]


def test_shapes_that_do_not_fit() -> None:
    diagnostic = refused("a + b", a=(1, 8, 4, 4), b=(1, 6, 4, 4))
    assert diagnostic.code == "E0309"
    assert "axis 1 is 8 on the left and 6 on the right" in told(diagnostic)


@pytest.mark.parametrize(
    ("a", "b", "advice"),
    [
        ((1, 64, 8, 8), (1, 32, 16, 16), "project the right one: `|> conv(64, 1, stride = 2)`"),
        ((1, 32, 15, 15), (1, 64, 8, 8), "project the left one: `|> conv(64, 1, stride = 2)`"),
        ((1, 64, 8, 8), (1, 32, 8, 8), "project the right one: `|> conv(64, 1)`"),
        ((1, 64, 8, 8), (1, 32, 8, 9), None),
        ((2, 64), (2, 32), None),
    ],
)
def test_the_help_for_a_shortcut_fits(a: tuple[int, ...], b: tuple[int, ...], advice: str | None) -> None:
    diagnostic = refused("a + b", a=a, b=b)
    assert diagnostic.helps == ((advice,) if advice else ())
    if advice:  # what is advised is accepted
        side, other = ("b", "a") if "right" in advice else ("a", "b")
        call(f"{other} + ({side} {advice.split('`')[1]})", a=normal(*a), b=normal(*b))
