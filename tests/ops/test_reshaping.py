"""Axes of extent 1."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize(
    ("written", "shape"), [("", (2, 3)), (", [1]", (2, 3, 1)), (", [-1, 1]", (2, 3)), (", 3", (2, 1, 3))]
)
def test_squeeze(written: str, shape: tuple[int, ...]) -> None:
    x = normal(2, 1, 3, 1)
    y = call(f"squeeze(x{written})", x=x).y
    assert y.shape == shape
    np.testing.assert_array_equal(y.ravel(), x.ravel())


@pytest.mark.parametrize(("axes", "shape"), [("[0]", (1, 2, 3)), ("[1, 3]", (2, 1, 3, 1)), ("[-1]", (2, 3, 1))])
def test_unsqueeze(axes: str, shape: tuple[int, ...]) -> None:
    x = normal(2, 3)
    y = call(f"unsqueeze(x, {axes})", x=x).y
    assert y.shape == shape
    np.testing.assert_array_equal(y.ravel(), x.ravel())


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("squeeze(x, [0, 1])", "E0326", ["axis 1 of f32[1, 4, 1] has 4"]),
        ("squeeze(x, 3)", "E0308", ["axis is 3"]),
        ("squeeze(x, [0, -3])", "E0308", ["[0, -3]"]),
        ("unsqueeze(x, [4])", "E0308", ["axes 0 to 3"]),
    ],
)
def test_reshaping_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 1))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
