"""Padding against its definition, index by index."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@pytest.mark.parametrize("pads", [[1, 2, 2, 1], [0, 0, 3, 0], [-1, 2, 1, -2], [-1, -1, -1, 0]])
def test_pad(mode: str, pads: list[int]) -> None:
    x = normal(2, 3, 5, 6)
    y = call(f"pad(x, {pads}, mode = {mode}, value = 0.5)", x=x).y
    top, left, bottom, right = pads
    cropped = x[:, :, max(-top, 0) : 5 + min(bottom, 0), max(-left, 0) : 6 + min(right, 0)]
    grow = [(max(n, 0), max(m, 0)) for n, m in ((top, bottom), (left, right))]
    options = {"constant_values": 0.5} if mode == "constant" else {}
    np.testing.assert_array_equal(y, np.pad(cropped, [(0, 0), (0, 0), *grow], mode, **options))


def test_pads_are_written_in_several_ways() -> None:
    x = normal(1, 2, 3, 4)
    four = call("pad(x, [1, 2, 1, 2])", x=x).y
    np.testing.assert_array_equal(call("pad(x, [1, 2])", x=x).y, four)
    np.testing.assert_array_equal(call("pad(x, [0, 0, 1, 2, 0, 0, 1, 2])", x=x).y, four)
    assert call("pad(x, 1)", x=x).y.shape == (1, 2, 5, 6)
    assert call("pad(x, [1, 1, 1, 1, 1, 1, 1, 1])", x=x).y.shape == (3, 4, 5, 6)


@pytest.mark.parametrize("mode", ["edge", "wrap"])
def test_a_short_axis_is_repeated(mode: str) -> None:
    x = normal(1, 1, 1, 3)
    y = call(f"pad(x, [0, 7], mode = {mode})", x=x).y
    np.testing.assert_array_equal(y[0, 0], np.pad(x[0, 0], [(0, 0), (7, 7)], mode))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pad(x, [1, 2, 3])", ["there are 3 numbers", "4 (before and after each spatial axis) or 8"]),
        ("pad(v, 1)", ["f32[1, 4] takes 4"]),
        ("pad(x, 5, mode = reflect)", ["axis 2 has 5", "at most 4"]),
        ("pad(x, [-3, 0, -2, 0])", ["axis 2: 5 + -3 + -2"]),
        ("pad(x, [-6, 0, 3, 0])", ["axis 2"]),
    ],
)
def test_pad_refuses(text: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 5, 6), v=(1, 4))
    assert diagnostic.code == "E0324"
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
