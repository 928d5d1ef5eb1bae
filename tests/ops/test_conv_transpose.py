"""Transposed convolution against its formula written as loops, and as the transpose of a convolution."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from convc.ops import Conv, ConvTranspose
from ops.helpers import Array, call, graph_of, normal, refused, told

CASES = [
    ("conv_transpose(x, 4, 3)", (2, 3, 4, 5)),
    ("conv_transpose(x, 4, 4, stride = 2, pad = 1)", (1, 3, 3, 4)),
    ("conv_transpose(x, 2, (3, 2), stride = (2, 3), pad = (1, 0, 0, 1), output_pad = (1, 0))", (1, 3, 4, 3)),
    ("conv_transpose(x, 6, 3, stride = 2, dilation = 2, groups = 2, bias = false)", (1, 4, 3, 3)),
    ("conv_transpose(x, 6, 2, stride = 3, dilation = (1, 2), groups = 3)", (1, 3, 3, 2)),
    ("conv_transpose(x, 2, 1, stride = 3)", (1, 2, 2, 2)),
    ("conv_transpose(x, 3, 4, stride = 2, pad = same)", (2, 2, 5)),
    ("conv_transpose(x, 3, 3, stride = 2, output_pad = 1, pad = 1)", (1, 2, 2, 3, 2)),
    ("conv_transpose(x, 1, 2, stride = 2, pad = [1, 0, 0, 2])", (1, 1, 2, 2)),
]


def by_the_formula(x: Array, weight: Array, bias: Array | None, op: ConvTranspose) -> Array:
    rank = x.ndim - 2
    per_group, kernel = weight.shape[1], weight.shape[2:]
    out = [
        (n - 1) * s + (k - 1) * d + 1 - before - after + more
        for n, s, k, d, before, after, more in zip(
            x.shape[2:], op.stride, kernel, op.dilation, op.pad[:rank], op.pad[rank:], op.output_pad, strict=True
        )
    ]
    y = np.zeros((x.shape[0], per_group * op.groups, *out))
    for b, c, *at in np.ndindex(*x.shape):
        first = c // (x.shape[1] // op.groups) * per_group
        for o, *tap in np.ndindex(per_group, *kernel):
            place = [i * s + k * d - p for i, s, k, d, p in zip(at, op.stride, tap, op.dilation, op.pad, strict=False)]
            if all(0 <= i < n for i, n in zip(place, out, strict=True)):
                y[(b, first + o, *place)] += x[(b, c, *at)] * weight[(c, o, *tap)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * rank)


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_conv_transpose(text: str, shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    called = call(text, x=x)
    op = called.node.op
    assert isinstance(op, ConvTranspose)
    bias = called.weight("bias") if op.bias else None
    np.testing.assert_allclose(called.y, by_the_formula(x, called.weight("weight"), bias, op), atol=1e-12)


def test_it_is_the_transpose_of_the_convolution() -> None:
    """<conv(a), b> = <a, conv_transpose(b)> with the same weights."""
    a, b, w = normal(1, 4, 9, 9), normal(1, 6, 5, 5), normal(6, 2, 3, 3)
    forth = call("conv(a, weight = w, stride = 2, pad = 1, groups = 2, bias = false)", a=a, w=w)
    back = call("conv_transpose(b, weight = w, stride = 2, pad = 1, groups = 2, bias = false)", b=b, w=w)
    assert isinstance(forth.node.op, Conv)
    np.testing.assert_allclose(np.sum(forth.y * b), np.sum(a * back.y))


@pytest.mark.parametrize(
    ("rule", "kernel", "stride", "pad", "out"),
    [
        ("same", 4, 2, (1, 1), 10),
        ("same", 3, 2, (0, 1), 10),
        ("same_lower", 3, 2, (1, 0), 10),
        ("causal", 4, 2, (0, 2), 10),
        ("valid", 4, 2, (0, 0), 12),
        ("same", 1, 2, (0, 0), 9),  # a kernel smaller than the stride leaves nothing to take
    ],
)
def test_padding_rules(rule: str, kernel: int, stride: int, pad: tuple[int, int], out: int) -> None:
    (node,) = graph_of(f"conv_transpose(x, 1, {kernel}, stride = {stride}, pad = {rule})", x=(1, 1, 5)).nodes
    assert isinstance(node.op, ConvTranspose)
    assert node.op.pad == pad
    assert node.output.type.shape[2:] == (out,)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("conv_transpose(x, 8, 3, pad = 6)", "E0302", ["height: the result has 10 - 6 - 6 + 0 = -2", "`pad = 4`"]),
        ("conv_transpose(x, 8, 3, groups = 4)", "E0306", ["6 = 1 x 4 + 2"]),
        ("conv_transpose(x, 0, 3)", "E0305", ["channels is 0"]),
        ("conv_transpose(x, 8, 3, stride = 0)", "E0305", ["stride is 0"]),
        ("conv_transpose(x, 8, 3, output_pad = -1)", "E0304", ["cannot be negative"]),
        ("conv_transpose(x, 8, 3, output_pad = [1, 1, 1])", "E0405", ["a number or a list of 2"]),
        ("conv_transpose(x |> flatten, 8, 3)", "E0301", ["[n, c, h, w]", "f32[1, 384]"]),
        ("conv_transpose(x, weight = x |> flatten)", "E0303", ["[ic, oc / groups, kh, kw]"]),
        ("conv_transpose(x, weight = x)", "E0303", ["take 1 channels, the input has 6"]),
        ("conv_transpose(x, weight = reshape(x, [6, 1, 8, 8]), bias = x)", "E0303", ["the bias"]),
    ],
)
def test_conv_transpose_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 6, 8, 8))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "conv_transpose(x, 8, 4, stride = 2, pad = 1)",
            {"parameters": 6 * 8 * 16 + 8, "macs": 64 * 6 * 8 * 16, "taps": (2, 2), "strides": (Fraction(1, 2),) * 2},
        ),
        ("conv_transpose(x, 6, 3, stride = 3, groups = 6, bias = false)", {"parameters": 54, "taps": (1, 1)}),
        ("conv_transpose(x, 6, 3, dilation = 2)", {"taps": (5, 5), "strides": (1, 1)}),
    ],
)
def test_conv_transpose_cost(text: str, expected: dict[str, Any]) -> None:
    cost = call(text, x=normal(1, 6, 8, 8)).cost
    assert {name: getattr(cost, name) for name in expected} == expected
