"""Calls from Python: what is taken, what is refused, and that results are right however many threads call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_networks import SMALL, network

import convc
from convc.interpreter import run

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((1, 3, 10, 12), np.float32)


def expected(array: np.ndarray) -> np.ndarray:
    net = network(SMALL)
    (result,) = run(net.graph, {"x": array}, net.weights).values()
    return result


def test_equals_the_interpreter(small: convc.Kernel) -> None:
    result = small(X)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected(X), rtol=1e-4, atol=1e-4)


def test_strided_and_unaligned_arrays_are_copied(small: convc.Kernel) -> None:
    wide = np.zeros((1, 3, 10, 24), np.float32)
    wide[..., ::2] = X
    assert np.array_equal(small(wide[..., ::2]), small(X))
    raw = bytearray(X.nbytes + 1)
    odd = np.frombuffer(raw, np.float32, X.size, 1).reshape(X.shape)
    odd[...] = X
    assert not odd.flags.aligned
    assert np.array_equal(small(odd), small(X))


def test_read_only_input(small: convc.Kernel) -> None:
    fixed = X.copy()
    fixed.flags.writeable = False
    assert np.array_equal(small(fixed), small(X))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (X.astype(np.float64), "input `x` must be float32, not float64: write `x.astype(numpy.float32)`"),
        (X.astype(">f4"), "must be float32, not >f4"),
        (X.tolist(), "not float64: write `numpy.asarray(x, numpy.float32)`"),
        (X[0], "not [3, 10, 12]; it has as many elements: write `x.reshape(1, 3, 10, 12)`"),
        (X[:, :2], "must have shape [1, 3, 10, 12], not [1, 2, 10, 12]"),
    ],
)
def test_refused(small: convc.Kernel, argument: object, message: str) -> None:
    with pytest.raises(convc.ConvcError) as caught:
        small(argument)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_number_of_arrays(small: convc.Kernel) -> None:
    with pytest.raises(convc.ConvcError, match=r"takes 1 array\(s\) \(x \[1, 3, 10, 12\]\), not 2"):
        small(X, X)


def test_out(small: convc.Kernel) -> None:
    out = np.full((1, 7), np.nan, np.float32)
    assert small(X, out=out) is out
    assert np.array_equal(out, small(X))


def read_only() -> np.ndarray:
    array = np.empty((1, 7), np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: np.empty((7,), np.float32), "must be contiguous float32 of shape"),
        (lambda: np.empty((1, 7)), "must be contiguous float32 of shape"),
        (lambda: np.empty((1, 14), np.float32)[:, ::2], "must be contiguous float32 of shape"),
        (lambda: [0.0] * 7, "must be contiguous float32 of shape"),
        (read_only, "read-only"),
        (lambda: X.reshape(-1)[:7].reshape(1, 7), "shares memory"),
    ],
)
def test_out_refused(small: convc.Kernel, make: Callable[[], np.ndarray], message: str) -> None:
    before = X.copy()
    with pytest.raises(convc.ConvcError, match=message):
        small(X, out=make())
    assert np.array_equal(X, before)


def test_several_outputs(two: convc.Kernel) -> None:
    a, b = RANDOM.standard_normal((2, 1, 2, 4, 4), np.float32)
    total, product = two(a, b)
    assert np.array_equal(total, a + b)
    assert np.array_equal(product, a * b)
    out = (np.empty_like(a), np.empty_like(a))
    assert two(a, b, out=out) == out
    with pytest.raises(convc.ConvcError, match="shares memory"):
        two(a, b, out=(out[0], out[0]))
    with pytest.raises(convc.ConvcError, match="2 output"):
        two(a, b, out=out[0])


def test_many_python_threads_share_a_kernel() -> None:
    kernel = convc.compile(network(SMALL), threads=2)
    inputs = [RANDOM.standard_normal(X.shape, np.float32) for _ in range(8)]
    alone = [kernel(array) for array in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for result, wanted in zip(pool.map(kernel, inputs), alone, strict=True):
                assert np.array_equal(result, wanted)


def test_profile_names_every_step(small: convc.Kernel) -> None:
    rows = small.profile(X)
    assert [name for name, _ in rows] == list(small.steps)
    assert all(seconds >= 0 for _, seconds in rows)


def test_save_and_open(small: convc.Kernel, tmp_path: Path) -> None:
    path = small.save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"libsmall.so", "small.h", "src"}
    opened = convc.open(path, threads=1)
    assert np.array_equal(opened(X), small(X))
    assert opened.inputs == small.inputs
    assert opened.save(tmp_path) == path  # onto itself


def test_open_refuses(tmp_path: Path) -> None:
    with pytest.raises(convc.ConvcError, match="no such library"):
        convc.open(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(convc.ConvcError, match="not a library that convc made"):
        convc.open(tmp_path / "text.so")
