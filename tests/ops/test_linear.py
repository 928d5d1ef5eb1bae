"""The fully connected layer against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias: bool) -> None:
    x = normal(3, 5)
    called = call(f"linear(x, 4, bias = {str(bias).lower()})", x=x)
    weight = called.weight("weight")
    assert weight.shape == (4, 5)
    for b in range(3):
        for o in range(4):
            expected = sum(x[b, i] * weight[o, i] for i in range(5)) + (called.weight("bias")[o] if bias else 0)
            np.testing.assert_allclose(called.y[b, o], expected)
    assert (called.cost.parameters, called.cost.macs) == (20 + 4 * bias, 60)


def test_linear_works_along_the_last_axis() -> None:
    x = normal(2, 3, 4, 5)
    called = call("linear(x, 6)", x=x)
    assert called.y.shape == (2, 3, 4, 6)
    np.testing.assert_allclose(called.y, x @ called.weight("weight").T + called.weight("bias"))
    assert called.cost.macs == 2 * 3 * 4 * 5 * 6


def test_linear_takes_a_tensor_as_weight() -> None:
    x, w = normal(3, 5), normal(2, 5)
    np.testing.assert_allclose(call("linear(x, weight = w, bias = false)", x=x, w=w).y, x @ w.T)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("linear(slice(x, 3, 0, 1), 4)", "E0301", ["f32[1, 2, 4, 1]", "`|> flatten`"]),
        ("linear(x, weight = flatten(x), bias = false)", "E0303", ["f32[1, 2, 4, 4]", "`|> flatten`"]),
        ("linear(flatten(x), 0)", "E0305", ["channels is 0"]),
        ("linear(flatten(x), weight = x, bias = false)", "E0303", ["[oc, ic]"]),
        ("linear(flatten(x), 3, bias = x)", "E0303", ["take f32[3]"]),
    ],
)
def test_linear_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 2, 4, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
