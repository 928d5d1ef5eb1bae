"""Ops that exchange channels with each other or with pixels, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle(groups: int) -> None:
    x = normal(2, 6, 2, 2)
    y = call(f"channel_shuffle(x, {groups})", x=x).y
    for g, k in np.ndindex(groups, 6 // groups):
        np.testing.assert_array_equal(y[:, k * groups + g], x[:, g * (6 // groups) + k])


@pytest.mark.parametrize("mode", ["dcr", "crd"])
def test_depth_to_space(mode: str) -> None:
    x, b = normal(2, 12, 3, 4), 2
    y = call(f"depth_to_space(x, 2, mode = {mode})", x=x).y
    assert y.shape == (2, 3, 6, 8)
    for c, h, w, i, j in np.ndindex(3, 3, 4, b, b):
        channel = (i * b + j) * 3 + c if mode == "dcr" else c * b * b + i * b + j
        np.testing.assert_array_equal(y[:, c, h * b + i, w * b + j], x[:, channel, h, w])


def test_space_to_depth() -> None:
    x, b = normal(2, 3, 4, 6), 2
    y = call("space_to_depth(x, 2)", x=x).y
    assert y.shape == (2, 12, 2, 3)
    for c, h, w, i, j in np.ndindex(3, 2, 3, b, b):
        np.testing.assert_array_equal(y[:, (i * b + j) * 3 + c, h, w], x[:, c, h * b + i, w * b + j])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("channel_shuffle(x, 3)", "E0306", ["4 = 1 x 3 + 1"]),
        ("channel_shuffle(x, 0)", "E0305", ["groups is 0"]),
        ("depth_to_space(x, 3)", "E0325", ["4 channels", "3 x 3"]),
        ("space_to_depth(x, 2)", "E0325", ["5 x 6 pixels"]),
        ("space_to_depth(v, 2)", "E0301", ["f32[1, 4]"]),
    ],
)
def test_shuffle_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 5, 6), v=(1, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
