"""Convolution against its formula written as loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convc.ops import Conv
from ops.helpers import Array, call, graph_of, normal, refused, told

CASES = [
    ("conv(x, 4, 3)", (2, 3, 6, 5)),
    ("conv(x, 4, (3, 1), stride = (2, 1), pad = (1, 0))", (1, 3, 6, 5)),
    ("conv(x, 4, 3, pad = (2, 0, 1, 3), bias = false)", (1, 2, 4, 4)),
    ("conv(x, 6, 2, dilation = (3, 2), groups = 2)", (1, 4, 7, 6)),
    ("conv(x, 4, 3, groups = 4, pad = 1, stride = 2)", (1, 4, 5, 5)),
    ("conv(x, 8, 3, groups = 4, pad = same)", (1, 4, 5, 4)),
    ("conv(x, 2, 1, stride = 3)", (1, 2, 7, 7)),
    ("conv(x, 2, 5, pad = 2)", (1, 1, 1, 1)),
    ("conv(x, 4, 3, pad = causal, dilation = 2)", (2, 3, 9)),
    ("conv(x, 4, [2], stride = 3, pad = [1, 2], groups = 2)", (1, 4, 8)),
    ("conv(x, 3, 2, pad = 1)", (1, 2, 3, 4, 3)),
    ("conv(x, 4, [3, 1, 2], stride = [2, 1, 1], pad = [1, 0, 0, 0, 2, 1], dilation = [2, 1, 3])", (1, 2, 5, 3, 4)),
]


def by_the_formula(x: Array, weight: Array, bias: Array | None, op: Conv) -> Array:
    rank = x.ndim - 2
    (oc, per_group), kernel, size = weight.shape[:2], weight.shape[2:], x.shape[2:]
    out = [
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, k, s, d, before, after in zip(
            size, kernel, op.stride, op.dilation, op.pad[:rank], op.pad[rank:], strict=True
        )
    ]
    y = np.zeros((x.shape[0], oc, *out))
    for b, o, *at in np.ndindex(*y.shape):
        first = o // (oc // op.groups) * per_group
        for c, *tap in np.ndindex(per_group, *kernel):
            place = [i * s + k * d - p for i, s, k, d, p in zip(at, op.stride, tap, op.dilation, op.pad, strict=False)]
            if all(0 <= i < n for i, n in zip(place, size, strict=True)):
                y[(b, o, *at)] += x[(b, first + c, *place)] * weight[(o, c, *tap)]
        y[(b, o, *at)] += 0 if bias is None else bias[o]
    return y


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_conv(text: str, shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    called = call(text, x=x)
    op = called.node.op
    assert isinstance(op, Conv)
    bias = called.weight("bias") if op.bias else None
    np.testing.assert_allclose(called.y, by_the_formula(x, called.weight("weight"), bias, op), atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "kernel", "stride", "size", "pad", "out"),
    [
        ("valid", 3, 1, 5, (0, 0), 3),
        ("half", 3, 2, 6, (1, 1), 3),  # torch: as much on both sides
        ("half", 4, 1, 6, (1, 1), 5),
        ("same", 3, 1, 5, (1, 1), 5),
        ("same", 3, 2, 5, (1, 1), 3),
        ("same", 3, 2, 6, (0, 1), 3),  # TensorFlow: the odd one after
        ("same_lower", 3, 2, 6, (1, 0), 3),
        ("same", 2, 1, 4, (0, 1), 4),
        ("same", 1, 2, 5, (0, 0), 3),  # a stride larger than the kernel needs no padding
        ("causal", 3, 1, 5, (2, 0), 5),
        ("1", 3, 1, 5, (1, 1), 5),
    ],
)
def test_padding_rules(rule: str, kernel: int, stride: int, size: int, pad: tuple[int, int], out: int) -> None:
    (node,) = graph_of(f"conv(x, 1, {kernel}, stride = {stride}, pad = {rule})", x=(1, 1, size, size)).nodes
    assert isinstance(node.op, Conv)
    assert node.op.pad == (pad[0], pad[0], pad[1], pad[1])
    assert node.output.type.shape[2:] == (out, out)


def test_same_counts_the_dilated_kernel() -> None:
    (node,) = graph_of("conv(x, 1, 3, dilation = 2, pad = same)", x=(1, 1, 9, 9)).nodes
    assert isinstance(node.op, Conv)
    assert node.op.pad == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("conv(x, 8, 9)", "E0302", ["height: the kernel needs 9", "8 + 0 + 0 = 8", "`pad = 1`"]),
        ("conv(x, 8, 3, dilation = 5)", "E0302", ["dilation 5 spreads 3 taps over 11", "`pad = 2`"]),
        ("conv(x, 8, 3, groups = 4)", "E0306", ["6 = 1 x 4 + 2", "`groups = 2`"]),
        ("conv(x, 8, 3, groups = 0)", "E0305", ["groups is 0"]),
        ("conv(x, 0, 3)", "E0305", ["channels is 0"]),
        ("conv(x, 8, 0)", "E0305", ["kernel is 0"]),
        ("conv(x, 8, 3, stride = 0, pad = same)", "E0305", ["stride is 0", "`stride = 1`"]),
        ("conv(x, 8, 3, dilation = -1)", "E0305", ["dilation is -1"]),
        ("conv(x, 8, 3, pad = -1)", "E0304", ["cannot be negative"]),
        ("conv(x, 8, 3, pad = (1, 2, 3))", "E0304", ["is no padding", "same_lower"]),
        ("conv(x |> flatten, 8, 3)", "E0301", ["[n, c, w], [n, c, h, w] or", "f32[1, 384]", "`reshape([1, 384, 1])`"]),
        ("conv(reshape(x, [1, 1, 6, 8, 8, 1]), 8, 3)", "E0301", ["f32[1, 1, 6, 8, 8, 1]"]),
        ("conv(x, 8, [3])", "E0405", ["a number or a list of 2"]),
        ("conv(x, 8, [3, 3, 3])", "E0405", ["a number or a list of 2"]),
        ("conv(reshape(x, [1, 6, 64]), 8, [3, 3])", "E0405", ["a number or a list of 1"]),
        ("conv(reshape(x, [1, 6, 64]), 8, 3, pad = [1, 2, 3])", "E0304", ["two numbers (left, right)"]),
        ("conv(reshape(x, [1, 6, 4, 4, 4]), 8, 9)", "E0302", ["depth: the kernel needs 9"]),
        ("conv(reshape(x, [1, 6, 64]), 8, 65)", "E0302", ["length: the kernel needs 65"]),
        ("conv(x, weight = reshape(x, [6, 8, 8]))", "E0303", ["[oc, ic / groups, kh, kw]", "f32[6, 8, 8]"]),
        ("conv(x, weight = x |> flatten)", "E0303", ["[oc, ic / groups, kh, kw]", "f32[1, 384]"]),
        ("conv(x, weight = x, groups = 1, bias = x)", "E0303", ["the bias"]),
    ],
)
def test_conv_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 6, 8, 8))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_weights_must_have_the_inputs_channels() -> None:
    diagnostic = refused("conv(x, weight = w, bias = false)", x=(1, 6, 8, 8), w=(4, 3, 3, 3))
    assert diagnostic.code == "E0303"
    assert "3 per group x 1 groups = 3, the input has 6" in told(diagnostic)


def test_a_tensor_as_weight_says_channels_and_kernel() -> None:
    x, w = normal(1, 6, 8, 8), normal(4, 6, 3, 2)
    y = call("conv(x, weight = w, bias = false)", x=x, w=w).y
    np.testing.assert_allclose(y, by_the_formula(x, w, None, Conv(bias=False)), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv(x, 8, 3, stride = 2)", {"parameters": 8 * 6 * 9 + 8, "macs": 8 * 9 * 6 * 9, "taps": (3, 3)}),
        ("conv(reshape(x, [1, 6, 64]), 8, 3, stride = 4)", {"macs": 8 * 16 * 18, "taps": (3,), "strides": (4,)}),
        ("conv(reshape(x, [1, 6, 4, 4, 4]), 8, 3)", {"macs": 8 * 8 * 6 * 27, "taps": (3, 3, 3)}),
        ("conv(x, 6, 3, groups = 6, dilation = 2, bias = false)", {"parameters": 54, "macs": 864, "taps": (5, 5)}),
    ],
)
def test_conv_cost(text: str, expected: dict[str, Any]) -> None:
    cost = call(text, x=normal(1, 6, 8, 8)).cost
    assert {name: getattr(cost, name) for name in expected} == expected
