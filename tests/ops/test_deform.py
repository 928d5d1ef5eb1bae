"""Deformable convolution against its formula written as loops, and against ONNX's reference."""

from __future__ import annotations

import itertools
from math import floor

import numpy as np
import pytest

from convc.ops import DeformConv
from ops.helpers import Array, call, normal, refused, told

#: A call, the shape of x, and how far offsets reach.
CASES = [
    ("2, 3, pad = 1", (2, 3, 5, 4), 1.5),
    ("4, (2, 3), stride = (2, 1), pad = (1, 0, 0, 2), dilation = (1, 2), bias = false", (1, 4, 5, 7), 2),
    ("6, 2, groups = 2", (1, 4, 4, 5), 3),
    ("4, 3, pad = 1, groups = 4, offset_groups = 2", (1, 4, 4, 4), 1),
    ("2, 1, offset_groups = 3", (1, 6, 3, 3), 5),
    ("1, 3, pad = 2", (1, 1, 1, 2), 1),
]


def at(image: Array, y: float, x: float) -> float:
    """The four pixels around (y, x), weighed by nearness; nothing lies outside."""
    total = 0.0
    for row, column in itertools.product((floor(y), floor(y) + 1), (floor(x), floor(x) + 1)):
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            total += image[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return total


def by_the_formula(x: Array, offset: Array, mask: Array | None, weight: Array, op: DeformConv) -> Array:
    (sh, sw), (dh, dw), (top, left, _, _) = op.stride, op.dilation, op.pad
    oc, ic, kh, kw = weight.shape
    per_group = x.shape[1] // op.offset_groups
    y = np.zeros((x.shape[0], oc, *offset.shape[2:]))
    for n, o, i, j in np.ndindex(*y.shape):
        for c, p, q in np.ndindex(ic, kh, kw):
            channel = o // (oc // op.groups) * ic + c
            tap = (channel // per_group * kh + p) * kw + q
            moved = offset[n, 2 * tap : 2 * tap + 2, i, j]
            value = at(x[n, channel], i * sh + p * dh - top + moved[0], j * sw + q * dw - left + moved[1])
            y[n, o, i, j] += weight[o, c, p, q] * value * (1 if mask is None else mask[n, tap, i, j])
    return y


def fields(text: str, shape: tuple[int, ...], reach: float) -> tuple[Array, Array]:
    """Offsets and a mask of the shapes this call needs, a few offsets whole numbers."""
    plain = call(f"conv(x, {text.partition(', offset_groups')[0]})", x=normal(*shape))  # of the same geometry
    kernel, size = plain.weight("weight").shape[2:], plain.y.shape[2:]
    groups = int(text.partition("offset_groups = ")[2] or 1)
    taps = groups * kernel[0] * kernel[1]
    offset = reach * normal(shape[0], 2 * taps, *size, seed=1)
    offset.ravel()[::3] = np.round(offset.ravel()[::3])
    return offset, np.abs(normal(shape[0], taps, *size, seed=2))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("text", "shape", "reach"), CASES)
def test_deform_conv(text: str, shape: tuple[int, ...], reach: float, masked: bool) -> None:
    x = normal(*shape)
    offset, mask = fields(text, shape, reach)
    more = {"m": mask} if masked else {}
    called = call(f"deform_conv(x, o, {text}{', mask = m' if masked else ''})", x=x, o=offset, **more)
    op = called.node.op
    assert isinstance(op, DeformConv)
    expected = by_the_formula(x, offset, mask if masked else None, called.weight("weight"), op)
    if op.bias:
        expected += called.weight("bias")[:, None, None]
    np.testing.assert_allclose(called.y, expected, atol=1e-12)


def test_without_offsets_it_is_a_convolution() -> None:
    x, zeros = normal(1, 4, 6, 6), np.zeros((1, 18, 3, 3))
    geometry = "8, 3, stride = 2, pad = 1, groups = 2, weight = w, bias = false"
    weights = "w: f32[8, 2, 3, 3] = parameter()"
    ours = call(f"{weights} return deform_conv(x, o, {geometry})", x=x, o=zeros).y
    np.testing.assert_allclose(ours, call(f"{weights} return conv(x, {geometry})", x=x).y, atol=1e-12)


def test_samples_fade_to_zero_beyond_the_border() -> None:
    x = np.ones((1, 1, 2, 2))
    steps = np.array([-1.5, -1, -0.75, 0, 1, 1.25, 2, np.nan, np.inf])
    offset = np.stack([steps, np.zeros(9)]).reshape(1, 2, 1, 9)
    text = "w: f32[1, 1, 1, 1] = parameter() return deform_conv(x, o, weight = w, stride = (9, 9), bias = false) / w"
    column = [call(text, x=x, o=offset[..., i : i + 1]).y.item() for i in range(9)]
    np.testing.assert_allclose(column, [0, 0, 0.25, 1, 1, 0.75, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize(("text", "shape", "reach"), [case for case in CASES if min(case[1][2:]) > 1])
def test_onnx_agrees(text: str, shape: tuple[int, ...], reach: float) -> None:
    reference = pytest.importorskip("onnx.reference.ops.op_deform_conv")
    x = normal(*shape)
    offset, mask = fields(text, shape, reach)
    called = call(f"deform_conv(x, o, {text}, mask = m, bias = false)".replace(", bias = false, mask", ", mask"),
                  x=x, o=offset, m=mask)  # fmt: skip
    op = called.node.op
    assert isinstance(op, DeformConv)
    weight = called.weight("weight")
    theirs = reference._deform_conv_implementation(
        x, weight, offset, np.zeros(len(weight)), mask, list(op.dilation), op.groups, list(weight.shape[2:]),
        op.offset_groups, list(op.pad), list(op.stride),
    )  # fmt: skip
    np.testing.assert_allclose(called.y, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("deform_conv(x, o, 8, 3)", "E0340", ["2 x 1 x 3 x 3 = 18 channels over 4 x 4 outputs", "f32[1, 18, 4, 4]"]),
        ("deform_conv(x, o, 8, 3, pad = 1, mask = o)", "E0340", ["the mask does not fit", "f32[1, 9, 6, 6]"]),
        ("deform_conv(x, o, 8, 3, pad = 1, offset_groups = 3)", "E0306", ["4 input channels in 3 groups leave 1"]),
        ("deform_conv(x, o, 8, 3, pad = 1, offset_groups = 0)", "E0305", ["offset_groups is 0"]),
        ("deform_conv(x, o, 9, 3, pad = 1, groups = 2)", "E0306", ["9 = 4 x 2 + 1"]),
        ("deform_conv(x, o, 8, 9, pad = 1)", "E0302", ["the kernel needs 9"]),
        ("deform_conv(flatten(x), o, 8, 3)", "E0301", ["f32[1, 144]"]),
    ],
)
def test_deformable_convolution_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 6, 6), o=(1, 18, 6, 6))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_deformable_convolution_cost() -> None:
    cost = call("deform_conv(x, o, 8, 3, pad = 1)", x=normal(1, 4, 6, 6), o=normal(1, 18, 6, 6)).cost
    assert (cost.parameters, cost.macs) == (8 * 4 * 9 + 8, 36 * 8 * 4 * 9)
    assert cost.flops == 2 * cost.macs + 8 * 36 * 4 * 9 + 36 * 8
