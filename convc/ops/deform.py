"""Deformable convolution: every tap of every output is read where an offset field says, between pixels bilinearly.

    dst[n, oc, oh, ow] = bias[oc] + sum over ic, kh, kw of
        mask[n, g, kh, kw, oh, ow] * sample(src[n, ic], y, x) * weights[oc, ic', kh, kw]
    y = oh * sh + kh * dh - top  + offset[n, g, kh, kw, 0, oh, ow]
    x = ow * sw + kw * dw - left + offset[n, g, kh, kw, 1, oh, ow]

where g is the offset group of ic. `sample` weighs the four pixels around (y, x) by their nearness; those outside the
map count as zero, so a sample fades to zero over one pixel beyond the border, and an offset that is no number samples
zero. Without a mask (Dai et al. 2017, arXiv 1703.06211) it is 1; with one this is version 2 (Zhu et al. 2018, arXiv
1811.11168).
Semantics of `torchvision.ops.deform_conv2d` and ONNX `DeformConv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.conv import check_bias, check_groups, check_weight
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_positive, resolve_pad, window_extents


@dataclass(frozen=True, slots=True)
class DeformConv(Op):
    """deform_conv over [n, c, h, w]; offsets are [n, 2 * offset_groups * kh * kw, oh, ow] as (y, x) pairs, the mask
    has a number for each pair."""

    name: ClassVar[str] = "deform_conv"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, ic, h, w]"),
        Param("offset", Kind.TENSOR, doc="[n, 2 * offset_groups * kh * kw, oh, ow]"),
        Param("channels", Kind.INT, None, "output channels"),
        Param("kernel", Kind.INTS, None, "kernel height and width"),
        Param("stride", Kind.INTS, 1, "step between outputs"),
        Param("pad", Kind.PAD, 0, "padding"),
        Param("dilation", Kind.INTS, 1, "distance between taps"),
        Param("groups", Kind.INT, 1, "groups of channels that do not mix"),
        Param("offset_groups", Kind.INT, 1, "groups of input channels with offsets of their own"),
        Param("mask", Kind.TENSOR, None, "[n, offset_groups * kh * kw, oh, ow]"),
        Param("bias", Kind.WEIGHT, True, "one number per output channel"),
        Param("weight", Kind.WEIGHT, None, "[oc, ic / groups, kh, kw]"),
    )
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    offset_groups: int = 1
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        _check_rank(x.type)
        groups = args.integer("groups")
        weight = args.weight_type("weight")
        if weight is None:
            channels, kernel = args.integer("channels"), args.integers("kernel", 2)
        elif weight.rank == 4:
            channels, kernel = weight.shape[0], weight.shape[2:]
        else:
            raise _bad_weight(x.type, weight)
        check_groups(x.type.shape[1], channels, groups)
        stride, dilation = args.integers("stride", 2), args.integers("dilation", 2)
        pad = resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
        operands = [x, args.parameter("weight", (channels, x.type.shape[1] // groups, *kernel))]
        if args.given("bias"):
            operands.append(args.parameter("bias", (channels,)))
        operands.append(args.tensor("offset"))
        if args.given("mask"):
            operands.append(args.tensor("mask"))
        op = cls(stride, pad, dilation, groups, args.integer("offset_groups"), args.given("bias"))  # type: ignore[arg-type]
        return op, tuple(operands)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, weight, offset = inputs[0], inputs[1], inputs[2 + self.bias]
        _check_rank(x)
        if weight.rank != 4:
            raise _bad_weight(x, weight)
        check_groups(x.shape[1], weight.shape[0], self.groups)
        check_weight(x, weight, self.groups)
        check_bias(inputs[2] if self.bias else None, weight.shape[0])
        out = window_extents(x, weight.shape[2:], self.stride, self.dilation, self.pad)
        self._check_fields(x, weight, offset, inputs[3 + self.bias :], out)
        return (TensorType.plain((x.shape[0], weight.shape[0], *out), x.dtype),)

    def _check_fields(
        self, x: TensorType, weight: TensorType, offset: TensorType, mask: Sequence[TensorType], out: tuple[int, ...]
    ) -> None:
        """The offsets and the mask against what the taps and the output need."""
        check_positive("offset_groups", self.offset_groups)
        groups, (kh, kw) = self.offset_groups, weight.shape[2:]
        if x.shape[1] % groups:
            raise OpError(
                "E0306", "offset groups must divide the input's channels", "offset_groups",
                note=f"{x.shape[1]} input channels in {groups} groups leave {x.shape[1] % groups}",
            )  # fmt: skip
        for argument, numbers, given in (("offset", 2, offset), *(("mask", 1, type) for type in mask)):
            wanted = (x.shape[0], numbers * groups * kh * kw, *out)
            if given.shape != wanted:
                factors = f"{numbers} x {groups} x {kh} x {kw}" if numbers == 2 else f"{groups} x {kh} x {kw}"
                raise OpError(
                    "E0340", f"the {argument} does not fit the taps and outputs", argument,
                    note=f"it is {given}; {factors} = {wanted[1]} channels over {out[0]} x {out[1]} outputs make "
                    f"f32{list(wanted)}",
                    help=f"compute it by a convolution of the same stride and padding into {wanted[1]} channels",
                )  # fmt: skip

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, weight, offset = inputs[0], inputs[1], inputs[2 + self.bias]
        n, ic = x.shape[:2]
        oc, _, kh, kw = weight.shape
        oh, ow = offset.shape[2:]
        moved = offset.reshape(n, self.offset_groups, kh, kw, 2, oh, ow)
        maps = x.reshape(n, self.offset_groups, ic // self.offset_groups, *x.shape[2:])
        filters = weight.reshape(self.groups, oc // self.groups, ic // self.groups, kh, kw)
        out = np.zeros((n, self.groups, oc // self.groups, oh * ow), x.dtype)
        for i, j in product(range(kh), range(kw)):
            rows = np.arange(oh, dtype=x.dtype)[:, None] * self.stride[0] + (i * self.dilation[0] - self.pad[0])
            columns = np.arange(ow, dtype=x.dtype) * self.stride[1] + (j * self.dilation[1] - self.pad[1])
            samples = sample(maps, rows + moved[:, :, i, j, 0], columns + moved[:, :, i, j, 1])
            for mask in inputs[3 + self.bias :]:
                samples = samples * mask.reshape(n, self.offset_groups, kh, kw, 1, oh, ow)[:, :, i, j]
            out += np.matmul(filters[None, :, :, :, i, j], samples.reshape(n, self.groups, ic // self.groups, -1))
        result = out.reshape(n, oc, oh, ow)
        return (result + inputs[2][:, None, None] if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", *(("bias",) if self.bias else ()), "offset", "mask")[:count]

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        """A sample is four multiply-adds; the taps are where they lie without offsets."""
        x, weight, out = inputs[0], inputs[1], outputs[0]
        macs = out.elements * weight.elements // weight.shape[0]
        kernel = weight.shape[2:]
        samples = out.elements // out.shape[1] * x.shape[1] * kernel[0] * kernel[1]
        taps = tuple((k - 1) * d + 1 for k, d in zip(kernel, self.dilation, strict=True))
        parameters = weight.elements + (weight.shape[0] if self.bias else 0)
        return Cost(parameters, macs, 2 * macs + 8 * samples + (out.elements if self.bias else 0), taps, self.stride)


def sample(maps: Array, rows: Array, columns: Array) -> Array:
    """Bilinear samples of `maps` [..., c, h, w] at positions [..., oh, ow]: [..., c, oh, ow]; zero outside."""
    h, w = maps.shape[-2:]
    near = (rows > -1) & (rows < h) & (columns > -1) & (columns < w)
    rows, columns = np.where(near, rows, -1), np.where(near, columns, -1)
    flat = maps.reshape(*maps.shape[:-2], h * w)
    result = np.zeros((*maps.shape[:-2], *rows.shape[-2:]), maps.dtype)
    for below, right in product((0, 1), (0, 1)):
        row, column = np.floor(rows) + below, np.floor(columns) + right
        weight = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
        inside = near & (row >= 0) & (row < h) & (column >= 0) & (column < w)
        place = np.where(inside, row * w + column, 0).astype(np.int64)
        pixels = np.take_along_axis(flat, place.reshape(*place.shape[:-2], 1, -1), -1).reshape(result.shape)
        result += np.where(inside[..., None, :, :], weight[..., None, :, :] * pixels, 0)
    return result


def _check_rank(x: TensorType) -> None:
    if x.rank != 4:
        raise OpError("E0301", "deform_conv takes a tensor [n, c, h, w]", "x", note=f"this one is {x}")


def _bad_weight(x: TensorType, weight: TensorType) -> OpError:
    note = f"these are {weight}, the input is {x}"
    return OpError("E0303", "deform_conv takes weights [oc, ic / groups, kh, kw]", "weight", note=note)
