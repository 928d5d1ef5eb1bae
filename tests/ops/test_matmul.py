"""Matrix products against their formula."""

from __future__ import annotations

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
def test_matmul(turned: str) -> None:
    a, b = normal(3, 4), normal(4, 5, seed=1)
    flags = "".join(f", transpose_{name} = true" for name in turned)
    y = call(f"matmul(a, b{flags})", a=a.T if "a" in turned else a, b=b.T if "b" in turned else b).y
    for m, n in np.ndindex(3, 5):
        np.testing.assert_allclose(y[m, n], sum(a[m, k] * b[k, n] for k in range(4)))


@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((4,), (4,), ()),
        ((4,), (4, 5), (5,)),
        ((3, 4), (4,), (3,)),
        ((2, 1, 3, 4), (6, 4, 5), (2, 6, 3, 5)),
        ((2, 3, 4), (4, 5), (2, 3, 5)),
        ((4,), (2, 4, 5), (2, 5)),
    ],
)
def test_stacks_and_vectors(a: tuple[int, ...], b: tuple[int, ...], shape: tuple[int, ...]) -> None:
    left, right = normal(*a), normal(*b, seed=1)
    called = call("matmul(a, b)", a=left, b=right)
    assert called.y.shape == shape
    np.testing.assert_allclose(called.y, np.matmul(left, right))
    assert called.cost.macs == called.y.size * 4


@pytest.mark.parametrize(
    ("a", "b", "flags", "words"),
    [
        ((3, 4), (3, 4), "", ["4 columns on the left, 3 rows on the right"]),
        ((2, 3, 4), (3, 4, 5), "", ["stacks differ"]),
        ((4,), (4, 5), ", transpose_a = true", ["two axes"]),
    ],
)
def test_matmul_refuses(a: tuple[int, ...], b: tuple[int, ...], flags: str, words: list[str]) -> None:
    diagnostic = refused(f"matmul(a, b{flags})", a=a, b=b)
    assert diagnostic.code == "E0328"
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
