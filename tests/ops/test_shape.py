"""Ops that move elements."""

from __future__ import annotations

import numpy as np
import pytest

from convc.ops import Concat
from ops.helpers import call, graph_of, normal, refused, told


@pytest.mark.parametrize("axis", [0, 1, 3, -1])
def test_concat(axis: int) -> None:
    shapes = [[2, 3, 4, 5] for _ in range(3)]
    for extra, shape in enumerate(shapes):
        shape[axis] += extra
    a, b, c = (normal(*shape, seed=i) for i, shape in enumerate(shapes))
    called = call(f"concat(a, b, c, axis = {axis})", a=a, b=b, c=c)
    parts = np.split(called.y, np.cumsum([array.shape[axis] for array in (a, b)]), axis=axis)
    for part, array in zip(parts, (a, b, c), strict=True):
        np.testing.assert_array_equal(part, array)
    assert isinstance(called.node.op, Concat)
    assert called.node.op.axis == axis % 4


def test_concat_of_one_and_of_a_list() -> None:
    x = normal(1, 2, 3, 3)
    np.testing.assert_array_equal(call("concat(x)", x=x).y, x)
    np.testing.assert_array_equal(call("concat([x, x])", x=x).y, np.concatenate([x, x], axis=1))


def test_flatten() -> None:
    x = normal(2, 3, 4, 5)
    y = call("flatten(x)", x=x).y
    assert y.shape == (2, 60)
    assert y[1, 2 * 20 + 3 * 5 + 4] == x[1, 2, 3, 4]


@pytest.mark.parametrize(("written", "shape"), [("[6, 4]", (6, 4)), ("[2, -1]", (2, 12)), ("[-1]", (24,))])
def test_reshape(written: str, shape: tuple[int, ...]) -> None:
    x = normal(2, 3, 4)
    y = call(f"reshape(x, {written})", x=x).y
    assert y.shape == shape
    assert list(y.ravel()) == list(x.ravel())


def test_identity() -> None:
    x = normal(2, 3)
    np.testing.assert_array_equal(call("identity(x)", x=x).y, x)


def test_dropout() -> None:
    x = normal(2, 3)
    np.testing.assert_array_equal(call("dropout(x, p = 0.3)", x=x).y, x)


def test_reorder() -> None:
    x = normal(1, 16, 2, 2)
    called = call("y: f32[1, 16, 2, 2; nChw8c] = reorder(x) return y", x=x)
    np.testing.assert_array_equal(called.y, x)
    assert called.node.output.type.block == 8


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("concat(x, y)", "E0310", ["tensor 1 is f32[1, 2, 4, 4], tensor 2 is f32[1, 3, 5, 4]", "`pad = same`"]),
        ("concat(x, flatten(x))", "E0310", ["all axes but 1"]),
        ("concat(x, x, axis = 4)", "E0308", ["axis is 4", "axes 0 to 3"]),
        ("concat()", "E0310", ["at least one tensor"]),
        ("reshape(x, [5, 7])", "E0311", ["[1, 2, 4, 4] has 32, [5, 7] has 35"]),
        ("reshape(x, [-1, 5])", "E0311", ["[-1, 5] leaves open"]),
        ("reshape(x, [-1, -1])", "E0311", ["[-1, -1] leaves open"]),
    ],
)
def test_shape_ops_refuse(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 2, 4, 4), y=(1, 3, 5, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_a_scalar_has_no_axes() -> None:
    diagnostic = refused("s = constant(1.0) return softmax(s)", x=(1, 2))
    assert "f32[] has no axes" in told(diagnostic)
    assert graph_of("reshape(constant(1.0), [1, 1])", x=(1, 2)).nodes[-1].output.type.shape == (1, 1)
