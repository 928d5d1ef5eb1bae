"""Batch norm and local response norm against their formulas."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3)])
def test_batchnorm(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    called = call("batchnorm(x, eps = 0.01)", x=x)
    for c in range(3):
        scale = called.weight("weight")[c] / sqrt(called.weight("running_var")[c] + 0.01)
        expected = (x[:, c] - called.weight("running_mean")[c]) * scale + called.weight("bias")[c]
        np.testing.assert_allclose(called.y[:, c], expected, atol=1e-12)
    assert called.cost.parameters == 6  # what is learnt: scale and shift


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_local_response_norm(size: int) -> None:
    x = normal(1, 6, 2, 2)
    y = call(f"local_response_norm(x, size = {size}, alpha = 0.5, beta = 0.6, k = 2.0)", x=x).y
    for c in range(6):
        near = [o for o in range(6) if c - size // 2 <= o <= c + (size - 1) // 2]
        mean = sum(x[:, o] ** 2 for o in near) / size
        np.testing.assert_allclose(y[:, c], x[:, c] / (2 + 0.5 * mean) ** 0.6)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("local_response_norm(x, size = 0)", "E0305", ["size is 0"]),
        ("local_response_norm(flatten(x))", "E0301", ["f32[1, 12]"]),
        ("batchnorm(x, weight = w)", "E0303", ["f32[4] for an input f32[1, 3, 2, 2]"]),
        ("batchnorm(w)", "E0301", ["f32[4]"]),
    ],
)
def test_normalization_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 3, 2, 2), w=(4,))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
