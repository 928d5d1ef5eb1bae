"""Norms with the statistics of their input, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import Array, call, normal, refused, told


def normalised(values: Array, eps: float) -> Array:
    mean = values.sum() / values.size
    return (values - mean) / np.sqrt(((values - mean) ** 2).sum() / values.size + eps)


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 4, 5), (1, 3, 2, 3, 2)])
def test_instance_norm(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    called = call("instance_norm(x, eps = 0.01)", x=x)
    for n, c in np.ndindex(*shape[:2]):
        expected = normalised(x[n, c], 0.01) * called.weight("weight")[c] + called.weight("bias")[c]
        np.testing.assert_allclose(called.y[n, c], expected)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm(groups: int) -> None:
    x = normal(2, 6, 4, 5)
    called = call(f"group_norm(x, {groups})", x=x)
    each = 6 // groups
    for n, c in np.ndindex(2, 6):
        first = c // each * each
        group = normalised(x[n, first : first + each], 1e-5)[c - first]
        np.testing.assert_allclose(called.y[n, c], group * called.weight("weight")[c] + called.weight("bias")[c])


@pytest.mark.parametrize("axis", [-1, 1, 0])
def test_layer_norm(axis: int) -> None:
    x = normal(2, 3, 4)
    called = call(f"layer_norm(x, axis = {axis})", x=x)
    outer = x.shape[: axis % 3]
    for place in np.ndindex(*outer):
        expected = normalised(x[place], 1e-5) * called.weight("weight") + called.weight("bias")
        np.testing.assert_allclose(called.y[place], expected)


@pytest.mark.parametrize("weight", ["true", "false"])
@pytest.mark.parametrize("bias", ["true", "false"])
def test_weight_and_bias_are_optional(weight: str, bias: str) -> None:
    x = normal(2, 3, 4)
    called = call(f"instance_norm(x, weight = {weight}, bias = {bias})", x=x)
    plain = np.stack([[normalised(x[n, c], 1e-5) for c in range(3)] for n in range(2)])
    scale = called.weight("weight")[:, None] if weight == "true" else 1
    shift = called.weight("bias")[:, None] if bias == "true" else 0
    np.testing.assert_allclose(called.y, plain * scale + shift)


@pytest.mark.parametrize(("p", "axis"), [(1, 1), (2, 1), (2, -1)])
def test_lp_norm(p: int, axis: int) -> None:
    x = normal(2, 3, 4)
    x[1] = 0
    y = call(f"lp_norm(x, axis = {axis}, p = {p})", x=x).y
    for n, c, w in np.ndindex(*x.shape):
        vector = x[n, :, w] if axis == 1 else x[n, c]
        length = np.abs(vector).sum() if p == 1 else np.sqrt((vector**2).sum())
        np.testing.assert_allclose(y[n, c, w], x[n, c, w] / length if n == 0 else 0)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("group_norm(x, 3)", "E0306", ["4 = 1 x 3 + 1"]),
        ("instance_norm(v)", "E0301", ["f32[1, 4]"]),
        ("layer_norm(x, axis = 4)", "E0308", ["axis is 4"]),
        ("layer_norm(x, weight = v)", "E0303", ["f32[1, 4]", "f32[6]"]),
        ("lp_norm(x, p = 3)", "E0327", ["p is 3"]),
    ],
)
def test_statistics_refuse(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 5, 6), v=(1, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
