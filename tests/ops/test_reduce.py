"""Reductions against their formulas, one result at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import exp, fsum, log, prod, sqrt

import numpy as np
import pytest

from ops.helpers import call, normal, refused, told


def check(name: str, formula: Callable[[list[float]], float], positive: bool = False) -> None:
    x = np.abs(normal(2, 3, 4)) + 0.1 if positive else normal(2, 3, 4)
    for axes in ([0], [1], [2], [0, 2], [-1, 1], [0, 1, 2]):
        resolved = sorted(axis % 3 for axis in axes)
        kept = call(f"{name}(x, {axes})", x=x).y
        assert kept.shape == tuple(1 if axis in resolved else n for axis, n in enumerate(x.shape))
        for place in np.ndindex(*kept.shape):
            members = [x[source] for source in sources(x.shape, resolved, place)]
            np.testing.assert_allclose(kept[place], formula(members), rtol=1e-12)
        bare = call(f"{name}(x, {axes}, keepdims = false)", x=x).y
        np.testing.assert_array_equal(bare, kept.squeeze(tuple(resolved)))
    np.testing.assert_allclose(call(f"{name}(x)", x=x).y.item(), formula(list(x.ravel())), rtol=1e-12)


def sources(shape: tuple[int, ...], axes: list[int], place: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
    return (s for s in np.ndindex(*shape) if all(s[a] == p for a, p in enumerate(place) if a not in axes))


def test_reduce_sum() -> None:
    check("reduce_sum", fsum)


def test_reduce_mean() -> None:
    check("reduce_mean", lambda x: fsum(x) / len(x))


def test_reduce_max() -> None:
    check("reduce_max", max)


def test_reduce_min() -> None:
    check("reduce_min", min)


def test_reduce_prod() -> None:
    check("reduce_prod", prod)


def test_reduce_l1() -> None:
    check("reduce_l1", lambda x: fsum(map(abs, x)))


def test_reduce_l2() -> None:
    check("reduce_l2", lambda x: sqrt(fsum(v * v for v in x)))


def test_reduce_sum_square() -> None:
    check("reduce_sum_square", lambda x: fsum(v * v for v in x))


def test_reduce_log_sum() -> None:
    check("reduce_log_sum", lambda x: log(fsum(x)), positive=True)


def test_reduce_log_sum_exp() -> None:
    check("reduce_log_sum_exp", lambda x: log(fsum(map(exp, x))))
    assert call("reduce_log_sum_exp(x)", x=np.full((1, 4), 1e4)).y.item() == pytest.approx(1e4 + log(4))


@pytest.mark.parametrize(("text", "words"), [("reduce_sum(x, 2)", "axis is 2"), ("reduce_max(x, [1, -1])", "twice")])
def test_reduce_refuses(text: str, words: str) -> None:
    diagnostic = refused(text, x=(1, 4))
    assert diagnostic.code == "E0308"
    assert words in told(diagnostic)
