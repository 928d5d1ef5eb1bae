"""Pooling against its formula written as loops, ceil mode and padding included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from convc.ops import AvgPool, LpPool, MaxPool
from convc.ops.pool import WindowPool
from ops.helpers import Array, call, normal, refused, told

WINDOWS = [
    ("2", (2, 3, 6, 6)),
    ("3, stride = 2", (1, 2, 7, 7)),
    ("3, stride = 2, pad = 1", (1, 2, 8, 8)),
    ("3, stride = 2, ceil = true", (1, 2, 8, 6)),
    ("2, stride = 2, pad = 1, ceil = true", (1, 2, 5, 5)),
    ("(3, 2), stride = (1, 2), pad = (1, 0)", (1, 2, 5, 6)),
    ("3, stride = 2, pad = same", (1, 2, 6, 7)),
    ("3, stride = 1, pad = causal", (1, 1, 4, 4)),
    ("1, stride = 3, ceil = true", (1, 1, 5, 5)),
    ("2, stride = 1, dilation = 2, pad = 1", (1, 2, 5, 5)),
    ("(2, 3), stride = 2, dilation = (3, 1), pad = 1, ceil = true", (1, 2, 6, 7)),
]


def extent(size: int, kernel: int, stride: int, dilation: int, before: int, after: int, ceil: bool) -> int:
    """Every start of a window that lies in the padded map; ceil mode lets the last one reach past its end."""
    reach = (kernel - 1) * dilation + 1
    starts = range(-before, size + after, stride)
    if ceil:  # the last window begins as soon as the one before leaves something over, but never past the map
        full = sum(start + reach <= size + after for start in starts)
        more = (size + before + after - reach) % stride != 0 and full * stride - before < size
        return full + more
    return sum(start + reach <= size + after for start in starts)


def windows(x: Array, op: WindowPool) -> tuple[tuple[int, int], dict]:  # type: ignore[type-arg]
    """The output's extents, and for each output the taps in the map and how many lie in the padded map."""
    top, left, bottom, right = op.pad
    dilation = op.dilation
    h, w = x.shape[2:]
    oh = extent(h, op.kernel[0], op.stride[0], dilation[0], top, bottom, op.ceil)
    ow = extent(w, op.kernel[1], op.stride[1], dilation[1], left, right, op.ceil)
    found = {}
    for i, j in itertools.product(range(oh), range(ow)):
        taps = [
            (i * op.stride[0] - top + p * dilation[0], j * op.stride[1] - left + q * dilation[1])
            for p, q in itertools.product(range(op.kernel[0]), range(op.kernel[1]))
        ]
        padded = sum(row < h + bottom and column < w + right for row, column in taps)
        found[i, j] = [(row, column) for row, column in taps if 0 <= row < h and 0 <= column < w], padded
    return (oh, ow), found


@pytest.mark.parametrize(("window", "shape"), WINDOWS)
def test_maxpool(window: str, shape: tuple[int, ...]) -> None:
    x = normal(*shape) - 5  # all negative: a zero from the padding would win
    called = call(f"maxpool(x, {window})", x=x)
    op = called.node.op
    assert isinstance(op, MaxPool)
    out, found = windows(x, op)
    assert called.y.shape == (*shape[:2], *out)
    for (i, j), (taps, _) in found.items():
        expected = np.max([x[:, :, row, column] for row, column in taps], axis=0)
        np.testing.assert_array_equal(called.y[:, :, i, j], expected)


@pytest.mark.parametrize("include", ["true", "false"])
@pytest.mark.parametrize(("window", "shape"), WINDOWS)
def test_avgpool(window: str, shape: tuple[int, ...], include: str) -> None:
    x = normal(*shape)
    called = call(f"avgpool(x, {window}, count_include_pad = {include})", x=x)
    op = called.node.op
    assert isinstance(op, AvgPool)
    out, found = windows(x, op)
    assert called.y.shape == (*shape[:2], *out)
    for (i, j), (taps, padded) in found.items():
        total = sum(x[:, :, row, column] for row, column in taps)
        np.testing.assert_allclose(called.y[:, :, i, j], total / (padded if include == "true" else len(taps)))


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize(("window", "shape"), WINDOWS)
def test_lppool(window: str, shape: tuple[int, ...], p: int) -> None:
    x = normal(*shape)
    called = call(f"lppool(x, {window}, p = {p})", x=x)
    op = called.node.op
    assert isinstance(op, LpPool)
    out, found = windows(x, op)
    assert called.y.shape == (*shape[:2], *out)
    for (i, j), (taps, _) in found.items():
        powers = sum(abs(x[:, :, row, column]) ** p for row, column in taps)
        np.testing.assert_allclose(called.y[:, :, i, j], powers ** (1 / p))


def test_stride_is_the_kernel_unless_given() -> None:
    op = call("maxpool(x, (2, 3))", x=normal(1, 1, 6, 6)).node.op
    assert isinstance(op, MaxPool)
    assert op.stride == (2, 3)


def test_global_avgpool() -> None:
    x = normal(2, 3, 4, 5)
    y = call("global_avgpool(x)", x=x).y
    assert y.shape == (2, 3, 1, 1)
    np.testing.assert_allclose(y[1, 2, 0, 0], sum(x[1, 2].ravel()) / 20)


def test_global_maxpool() -> None:
    x = normal(2, 3, 4, 5, 2)
    y = call("global_maxpool(x)", x=x).y
    assert y.shape == (2, 3, 1, 1, 1)
    assert y[1, 2].item() == max(x[1, 2].ravel())


@pytest.mark.parametrize("p", [1, 2, 5])
def test_global_lppool(p: int) -> None:
    x = normal(2, 3, 7)
    y = call(f"global_lppool(x, p = {p})", x=x).y
    assert y.shape == (2, 3, 1)
    np.testing.assert_allclose(y[1, 2].item(), sum(abs(x[1, 2]) ** p) ** (1 / p))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("maxpool(x, 5)", "E0302", ["the kernel needs 5"]),
        ("maxpool(x, 2, pad = 2)", "E0307", ["top: 2 of padding, the window spans 2"]),
        ("avgpool(x, 3, pad = (0, 0, 3, 0))", "E0307", ["bottom: 3 of padding", "at most 1"]),
        ("maxpool(x, 2, dilation = 5, pad = 1)", "E0307", ["spans 6, the map has 4"]),
        ("maxpool(x, 0)", "E0305", ["kernel is 0"]),
        ("avgpool(x, 2, stride = 0)", "E0305", ["stride is 0"]),
        ("maxpool(flatten(x), 2)", "E0301", ["f32[1, 32]"]),
        ("global_avgpool(flatten(x))", "E0301", ["f32[1, 32]"]),
        ("global_maxpool(flatten(x))", "E0301", ["f32[1, 32]"]),
        ("lppool(x, 2, p = 0)", "E0305", ["p is 0"]),
        ("global_lppool(x, p = -1)", "E0305", ["p is -1"]),
    ],
)
def test_pooling_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 2, 4, 4))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_pooling_cost() -> None:
    cost = call("maxpool(x, 3, stride = 2, dilation = 2)", x=normal(1, 4, 9, 9)).cost
    assert (cost.parameters, cost.macs, cost.taps, cost.strides) == (0, 0, (5, 5), (2, 2))
    assert call("global_avgpool(x)", x=normal(1, 4, 9, 7)).cost.taps == (9, 7)
