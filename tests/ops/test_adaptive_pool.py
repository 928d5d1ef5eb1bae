"""Pooling to a size against bins written as loops, and against torch."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import pytest

from ops.helpers import Array, call, normal, refused, told

#: The size asked for, and the shape of x: bins that divide evenly, that overlap, and that are narrower than a pixel.
CASES = [
    ([2, 3], (2, 3, 6, 9)),
    ([3, 4], (1, 2, 7, 5)),
    ([5, 1], (1, 2, 3, 6)),
    ([3], (1, 2, 8)),
    ([2, 3, 4], (1, 2, 5, 3, 6)),
]


def bins(x: Array, size: list[int]) -> dict[tuple[int, ...], Array]:
    """The bin [n, c, ...] of every output."""
    found = {}
    for out in np.ndindex(*size):
        taken = x
        for axis, o in enumerate(out):
            n = x.shape[2 + axis]
            places = range(floor(o * n / size[axis]), ceil((o + 1) * n / size[axis]))
            taken = np.take(taken, list(places), 2 + axis)
        found[out] = taken.reshape(*x.shape[:2], -1)
    return found


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_adaptive_avgpool(size: list[int], shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    y = call(f"adaptive_avgpool(x, {size})", x=x).y
    assert y.shape == (*shape[:2], *size)
    for out, taken in bins(x, size).items():
        at = (slice(None), slice(None), *out)
        np.testing.assert_allclose(y[at], taken.sum(2) / taken.shape[2])


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_adaptive_maxpool(size: list[int], shape: tuple[int, ...]) -> None:
    x = normal(*shape) - 5
    y = call(f"adaptive_maxpool(x, {size})", x=x).y
    for out, taken in bins(x, size).items():
        at = (slice(None), slice(None), *out)
        np.testing.assert_array_equal(y[at], taken.max(2))


@pytest.mark.torch
@pytest.mark.parametrize(("size", "shape"), CASES)
def test_torch_agrees(size: list[int], shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    x = normal(*shape)
    for name in ("avg", "max"):
        theirs = getattr(torch.nn.functional, f"adaptive_{name}_pool{len(size)}d")(torch.from_numpy(x), size)
        np.testing.assert_allclose(call(f"adaptive_{name}pool(x, {size})", x=x).y, theirs.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("adaptive_avgpool(x, 0)", "E0305", ["size is 0"]),
        ("adaptive_maxpool(x, [2, 2, 2])", "E0405", ["a number or a list of 2"]),
        ("adaptive_maxpool(flatten(x), 2)", "E0301", ["f32[1, 32]"]),
        ("adaptive_avgpool(x)", "E0402", ["needs `size`"]),
    ],
)
def test_pooling_to_a_size_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 2, 4, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_pooling_to_a_size_costs_what_it_reads() -> None:
    cost = call("adaptive_avgpool(x, 2)", x=normal(1, 3, 5, 4)).cost  # rows 3 + 3, columns 2 + 2
    assert (cost.flops, cost.taps, cost.strides) == (3 * 6 * 4 + 3 * 4, (3, 2), (2, 2))
