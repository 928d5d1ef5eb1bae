"""Activations of straight lines against their formulas, at the values where they bend and far out."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told

POINTS = np.array([[-1000.0, -7.5, -1.0, -1e-9, 0.0, 1e-9, 0.5, 6.0, 6.5, 1000.0]])


def each(text: str) -> list[float]:
    return [float(value) for value in call(text, x=POINTS).y[0]]


def stays_nan(text: str) -> None:
    assert np.isnan(call(text, x=np.array([[np.nan]])).y).all()


def test_relu() -> None:
    assert each("relu(x)") == [0, 0, 0, 0, 0, 1e-9, 0.5, 6, 6.5, 1000]
    stays_nan("relu(x)")


def test_relu6() -> None:
    assert each("relu6(x)") == [0, 0, 0, 0, 0, 1e-9, 0.5, 6, 6, 6]
    stays_nan("relu6(x)")


def test_leaky_relu() -> None:
    assert each("leaky_relu(x, slope = 0.25)") == [-250, -1.875, -0.25, -2.5e-10, 0, 1e-9, 0.5, 6, 6.5, 1000]
    assert each("leaky_relu(x)")[2] == -0.01
    stays_nan("leaky_relu(x)")


def test_thresholded_relu() -> None:
    assert each("thresholded_relu(x, alpha = 0.5)") == [0, 0, 0, 0, 0, 0, 0, 6, 6.5, 1000]
    assert each("thresholded_relu(x)")[6:8] == [0, 6]
    stays_nan("thresholded_relu(x)")


def test_clip() -> None:
    assert each("clip(x, -1, 6.25)") == [-1, -1, -1, -1e-9, 0, 1e-9, 0.5, 6, 6.25, 6.25]
    assert each("clip(x, low = 0.25)") == [0.25] * 6 + [0.5, 6, 6.5, 1000]
    assert each("clip(x, high = 0.25)")[5:] == [1e-9, 0.25, 0.25, 0.25, 0.25]
    assert set(each("clip(x, 2, 1)")) == {1}
    assert each("clip(x)") == POINTS[0].tolist()
    stays_nan("clip(x, 0, 1)")


def test_hard_sigmoid() -> None:
    assert each("hard_sigmoid(x, alpha = 0.25, beta = 0.75)") == pytest.approx(
        [0, 0, 0.5, 0.75, 0.75, 0.75, 0.875, 1, 1, 1], rel=1e-9
    )
    assert each("hard_sigmoid(x)")[2] == pytest.approx(1 / 3)
    stays_nan("hard_sigmoid(x)")


def test_hard_swish() -> None:
    expected = [0 if x <= -3 else x if x >= 3 else x * (x + 3) / 6 for x in map(float, POINTS[0])]
    assert each("hard_swish(x)") == pytest.approx(expected, rel=1e-14)
    stays_nan("hard_swish(x)")


def test_softsign() -> None:
    assert each("softsign(x)") == pytest.approx([x / (1 + abs(x)) for x in map(float, POINTS[0])], rel=1e-14)
    stays_nan("softsign(x)")


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4), (2, 3)])
def test_prelu(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    called = call("prelu(x)", x=x)
    slope = called.weight("weight")  # the name in torch's files
    assert slope.shape == (3,)
    for c in range(3):
        np.testing.assert_array_equal(called.y[:, c], np.where(x[:, c] < 0, x[:, c] * slope[c], x[:, c]))
    stays_nan("prelu(x)")


@pytest.mark.parametrize("shape", [(1,), (3,), (3, 1, 1), (2, 3, 4, 5), (4, 5), (2, 1, 1, 1), ()])
def test_prelu_broadcasts_its_slope(shape: tuple[int, ...]) -> None:
    x, slope = normal(2, 3, 4, 5), normal(*shape, seed=1)
    full = slope.reshape(-1, 1, 1) if shape in ((1,), (3,)) else slope
    np.testing.assert_array_equal(call("prelu(x, slope)", x=x, slope=slope).y, np.where(x < 0, x * full, x))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 2, 3, 4, 5), (3, 4, 1, 1)])
def test_prelu_refuses_other_slopes(shape: tuple[int, ...]) -> None:
    diagnostic = refused("prelu(x, slope)", x=(2, 3, 1, 5) if shape == (3, 4, 1, 1) else (2, 3, 4, 5), slope=shape)
    assert diagnostic.code == "E0309"
    assert "the slope does not fit the input" in told(diagnostic)


def test_prelu_of_a_vector() -> None:
    x = np.array([-2.0, 3.0])
    assert call("prelu(x, slope = s)", x=x, s=np.array([0.5])).y.tolist() == [-1, 3]
