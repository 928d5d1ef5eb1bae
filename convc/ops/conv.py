"""Convolution (cross-correlation, as every framework has it).

    dst[n, oc, oh, ow] = bias[oc] + sum over ic, kh, kw of
        src[n, g * ic + ic', oh * sh + kh * dh - top, ow * sw + kw * dw - left] * weights[oc, ic', kh, kw]

where g is the group of oc and taps outside the map count as zero; with one spatial axis, or three, likewise. Semantics
of `torch.nn.Conv1d`, `Conv2d`, `Conv3d` and ONNX `Conv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Node, Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_image, check_positive, resolve_pad, window_extents


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """Convolution over one to three spatial axes; weights are [oc, ic / groups, kernel...], `pad` begins then ends."""

    name: ClassVar[str] = "conv"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, ic, w], [n, ic, h, w] or [n, ic, d, h, w]"),
        Param("channels", Kind.INT, None, "output channels"),
        Param("kernel", Kind.INTS, None, "kernel extents, a number per spatial axis"),
        Param("stride", Kind.INTS, 1, "step between outputs"),
        Param("pad", Kind.PAD, 0, "padding"),
        Param("dilation", Kind.INTS, 1, "distance between taps"),
        Param("groups", Kind.INT, 1, "groups of channels that do not mix"),
        Param("bias", Kind.WEIGHT, True, "one number per output channel"),
        Param("weight", Kind.WEIGHT, None, "[oc, ic / groups, kernel...]"),
    )
    stride: tuple[int, ...] = (1, 1)
    pad: tuple[int, ...] = (0, 0, 0, 0)
    dilation: tuple[int, ...] = (1, 1)
    groups: int = 1
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        check_image("conv", x.type)
        rank = x.type.rank - 2
        groups = args.integer("groups")
        weight = args.weight_type("weight")
        if weight is None:
            channels, kernel = args.integer("channels"), args.integers("kernel", rank)
        elif weight.rank == x.type.rank:
            channels, kernel = weight.shape[0], weight.shape[2:]
        else:
            raise _bad_weight(x.type, weight)
        check_groups(x.type.shape[1], channels, groups)
        stride, dilation = args.integers("stride", rank), args.integers("dilation", rank)
        pad = resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
        weights = args.parameter("weight", (channels, x.type.shape[1] // groups, *kernel))
        operands = (x, weights, args.parameter("bias", (channels,))) if args.given("bias") else (x, weights)
        return cls(stride, pad, dilation, groups, len(operands) == 3), operands

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, weight = inputs[0], inputs[1]
        check_image("conv", x)
        if weight.rank != x.rank:
            raise _bad_weight(x, weight)
        check_groups(x.shape[1], weight.shape[0], self.groups)
        check_weight(x, weight, self.groups)
        check_bias(inputs[2] if self.bias else None, weight.shape[0])
        out = window_extents(x, weight.shape[2:], self.stride, self.dilation, self.pad)
        return (TensorType.plain((x.shape[0], weight.shape[0], *out), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, weight = inputs[0], inputs[1]
        rank = x.ndim - 2
        padded = np.pad(x, ((0, 0), (0, 0), *zip(self.pad[:rank], self.pad[rank:], strict=True)))
        (oc, ic), kernel = weight.shape[:2], weight.shape[2:]
        size = self.infer(TensorType.plain(x.shape), *(TensorType.plain(a.shape) for a in inputs[1:]))[0].shape[2:]
        out = np.zeros((x.shape[0], self.groups, oc // self.groups, prod(size)), x.dtype)
        grouped = weight.reshape(self.groups, oc // self.groups, ic, -1)
        for number, tap in enumerate(np.ndindex(*kernel)):
            starts = (k * d for k, d in zip(tap, self.dilation, strict=True))
            reads = (slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, size, self.stride, strict=True))
            here: tuple[slice, ...] = (slice(None), slice(None), *reads)
            out += np.matmul(grouped[..., number], padded[here].reshape(x.shape[0], self.groups, ic, -1))
        result = out.reshape(x.shape[0], oc, *size)
        return (result + inputs[2].reshape(-1, *(1,) * rank) if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", "bias")[:count]

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        weight, out = inputs[1], outputs[0]
        macs = out.elements * weight.elements // weight.shape[0]
        taps = tuple((k - 1) * d + 1 for k, d in zip(weight.shape[2:], self.dilation, strict=True))
        parameters = weight.elements + (weight.shape[0] if self.bias else 0)
        return Cost(parameters, macs, 2 * macs + (out.elements if self.bias else 0), taps, self.stride)


def is_depthwise(node: Node) -> bool:
    """A convolution with a group for each channel, and one output for each."""
    channels = node.inputs[0].type.shape[1] if isinstance(node.op, Conv) else 0
    return isinstance(node.op, Conv) and node.op.groups == channels == node.output.type.shape[1] > 1


def is_pointwise(node: Node) -> bool:
    """A convolution of all channels of each pixel by itself."""
    if not isinstance(node.op, Conv) or node.op.groups > 1:
        return False
    single = all(extent == 1 for extent in node.inputs[1].type.shape[2:])
    return single and all(step == 1 for step in node.op.stride) and not any(node.op.pad)


def _bad_weight(x: TensorType, weight: TensorType) -> OpError:
    return OpError(
        "E0303", f"conv takes weights [oc, ic / groups, {', '.join(('kd', 'kh', 'kw')[5 - x.rank :])}] here", "weight",
        note=f"these are {weight}, the input is {x}",
    )


def check_weight(x: TensorType, weight: TensorType, groups: int) -> None:
    """Weights [oc, ic / groups, kernel...] take the channels that the input has."""
    if weight.shape[1] * groups != x.shape[1]:
        raise OpError(
            "E0303", "weights do not fit the input's channels", "weight",
            note=f"{weight.shape[1]} per group x {groups} groups = {weight.shape[1] * groups}, "
            f"the input has {x.shape[1]}",
        )  # fmt: skip


def check_bias(bias: TensorType | None, channels: int) -> None:
    """A bias is one number for each output channel."""
    if bias is not None and bias.shape != (channels,):
        raise OpError(
            "E0303", "the bias does not fit the weights", "bias",
            note=f"the bias is {bias}, {channels} output channels take f32[{channels}]",
        )  # fmt: skip


def check_groups(ic: int, oc: int, groups: int) -> None:
    check_positive("channels", oc)
    check_positive("groups", groups)
    if ic % groups or oc % groups:
        remainders = ", ".join(f"{n} = {n // groups} x {groups} + {n % groups}" for n in (ic, oc) if n % groups)
        raise OpError(
            "E0306", "groups must divide the channels", "groups",
            note=f"{ic} input and {oc} output channels in {groups} groups: {remainders}",
            help=f"use `groups = {gcd(ic, oc, groups)}`, or channels that are multiples of {groups}",
        )  # fmt: skip
