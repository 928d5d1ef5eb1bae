"""Convolution (cross-correlation, as every framework has it).

    dst[n, oc, oh, ow] = bias[oc] + sum over ic, kh, kw of
        src[n, g * ic + ic', oh * sh + kh * dh - top, ow * sw + kw * dw - left] * weights[oc, ic', kh, kw]

where g is the group of oc and taps outside the map count as zero. Semantics of `torch.nn.Conv2d` and ONNX `Conv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_positive, resolve_pad, window_extent


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """2-D convolution; weights are [oc, ic / groups, kh, kw], `pad` is (top, left, bottom, right)."""

    name: ClassVar[str] = "conv"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, ic, h, w]"),
        Param("channels", Kind.INT, None, "output channels"),
        Param("kernel", Kind.INTS, None, "kernel height and width"),
        Param("stride", Kind.INTS, 1, "step between outputs"),
        Param("pad", Kind.PAD, 0, "padding"),
        Param("dilation", Kind.INTS, 1, "distance between taps"),
        Param("groups", Kind.INT, 1, "groups of channels that do not mix"),
        Param("bias", Kind.WEIGHT, True, "one number per output channel"),
        Param("weight", Kind.WEIGHT, None, "[oc, ic / groups, kh, kw]"),
    )
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        if x.type.rank != 4:
            raise OpError("E0301", "conv takes a tensor [n, c, h, w]", "x", note=f"this one is {x.type}")
        groups = args.integer("groups")
        weight = args.weight_type("weight")
        if weight is None:
            channels, kernel = args.integer("channels"), args.integers("kernel", 2)
        elif weight.rank == 4:
            channels, kernel = weight.shape[0], weight.shape[2:]
        else:
            raise _bad_weight(x.type, weight)
        _check_groups(x.type.shape[1], channels, groups)
        stride, dilation = args.integers("stride", 2), args.integers("dilation", 2)
        pad = resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
        weights = args.parameter("weight", (channels, x.type.shape[1] // groups, *kernel))
        operands = (x, weights, args.parameter("bias", (channels,))) if args.given("bias") else (x, weights)
        op = cls(stride, pad, dilation, groups, len(operands) == 3)  # type: ignore[arg-type]
        return op, operands

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, weight = inputs[0], inputs[1]
        if x.rank != 4:
            raise OpError("E0301", "conv takes a tensor [n, c, h, w]", "x", note=f"this one is {x}")
        if weight.rank != 4:
            raise _bad_weight(x, weight)
        _check_groups(x.shape[1], weight.shape[0], self.groups)
        if weight.shape[1] * self.groups != x.shape[1]:
            raise OpError(
                "E0303", "weights do not fit the input's channels", "weight",
                note=f"{weight.shape[1]} per group x {self.groups} groups = {weight.shape[1] * self.groups}, "
                f"the input has {x.shape[1]}",
            )  # fmt: skip
        if self.bias and inputs[2].shape != weight.shape[:1]:
            raise OpError(
                "E0303", "the bias does not fit the weights", "bias",
                note=f"the bias is {inputs[2]}, {weight.shape[0]} output channels take f32[{weight.shape[0]}]",
            )  # fmt: skip
        oh, ow = (
            window_extent(
                ("height", "width")[i], x.shape[2 + i], weight.shape[2 + i], self.stride[i], self.dilation[i],
                self.pad[i], self.pad[2 + i],
            )
            for i in (0, 1)
        )  # fmt: skip
        return (TensorType.plain((x.shape[0], weight.shape[0], oh, ow), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, weight = inputs[0], inputs[1]
        top, left, bottom, right = self.pad
        (sh, sw), (dh, dw) = self.stride, self.dilation
        padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        oc, ic, kh, kw = weight.shape
        oh = (padded.shape[2] - (kh - 1) * dh - 1) // sh + 1
        ow = (padded.shape[3] - (kw - 1) * dw - 1) // sw + 1
        out = np.zeros((x.shape[0], self.groups, oc // self.groups, oh, ow), x.dtype)
        grouped = weight.reshape(self.groups, oc // self.groups, ic, kh, kw)
        for i in range(kh):
            for j in range(kw):
                tap = padded[:, :, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
                tap = tap.reshape(x.shape[0], self.groups, ic, oh * ow)
                out += np.matmul(grouped[None, :, :, :, i, j], tap).reshape(out.shape)
        result = out.reshape(x.shape[0], oc, oh, ow)
        return (result + inputs[2][:, None, None] if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", "bias")[:count]

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        weight, out = inputs[1], outputs[0]
        macs = out.elements * weight.elements // weight.shape[0]
        taps = tuple((k - 1) * d + 1 for k, d in zip(weight.shape[2:], self.dilation, strict=True))
        parameters = weight.elements + (weight.shape[0] if self.bias else 0)
        return Cost(parameters, macs, 2 * macs + (out.elements if self.bias else 0), taps, self.stride)


def _bad_weight(x: TensorType, weight: TensorType) -> OpError:
    return OpError(
        "E0303", "conv takes weights [oc, ic / groups, kh, kw]", "weight", note=f"these are {weight}, the input is {x}"
    )


def _check_groups(ic: int, oc: int, groups: int) -> None:
    check_positive("channels", oc)
    check_positive("groups", groups)
    if ic % groups or oc % groups:
        remainders = ", ".join(f"{n} = {n // groups} x {groups} + {n % groups}" for n in (ic, oc) if n % groups)
        raise OpError(
            "E0306", "groups must divide the channels", "groups",
            note=f"{ic} input and {oc} output channels in {groups} groups: {remainders}",
            help=f"use `groups = {gcd(ic, oc, groups)}`, or channels that are multiples of {groups}",
        )  # fmt: skip
