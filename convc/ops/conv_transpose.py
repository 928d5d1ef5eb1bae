"""Transposed convolution: the map from results back to sources of a convolution, which enlarges maps.

    dst[n, oc, ih * sh + kh * dh - top, iw * sw + kw * dw - left] += src[n, ic, ih, iw] * weights[ic, oc', kh, kw]

over all ic of oc's group, ih, iw, kh, kw whose place lies inside the result; then the bias is added. The result has

    oh = (ih - 1) * sh + (kh - 1) * dh + 1 - top - bottom + output_pad

rows, and columns likewise; with one spatial axis, or three, too. Semantics of `torch.nn.ConvTranspose2d` and its like,
and of ONNX `ConvTranspose`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType, ceil_div
from convc.ops.conv import check_bias, check_groups
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import AXES, check_counts, check_image, check_positive, resolve_pad

Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConvTranspose(Op):
    """Transposed convolution, `conv_transpose`; weights are [ic, oc / groups, kernel...].

    `pad` takes from the result, begins then ends; `output_pad` adds to its ends. The rules `same` and `same_lower` make
    the result stride times as large as x (where the kernel is no smaller than the stride); `causal` takes from the ends
    alone.
    """

    name: ClassVar[str] = "conv_transpose"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, ic, w], [n, ic, h, w] or [n, ic, d, h, w]"),
        Param("channels", Kind.INT, None, "output channels"),
        Param("kernel", Kind.INTS, None, "kernel extents, a number per spatial axis"),
        Param("stride", Kind.INTS, 1, "step between the places of neighbouring inputs"),
        Param("pad", Kind.PAD, 0, "what the result lacks at its sides"),
        Param("output_pad", Kind.INTS, 0, "what is added to the ends of the result"),
        Param("dilation", Kind.INTS, 1, "distance between taps"),
        Param("groups", Kind.INT, 1, "groups of channels that do not mix"),
        Param("bias", Kind.WEIGHT, True, "one number per output channel"),
        Param("weight", Kind.WEIGHT, None, "[ic, oc / groups, kernel...]"),
    )
    stride: Numbers = (1, 1)
    pad: Numbers = (0, 0, 0, 0)
    output_pad: Numbers = (0, 0)
    dilation: Numbers = (1, 1)
    groups: int = 1
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        check_image("conv_transpose", x.type)
        rank = x.type.rank - 2
        groups = args.integer("groups")
        weight = args.weight_type("weight")
        if weight is None:
            channels, kernel = args.integer("channels"), args.integers("kernel", rank)
        elif weight.rank == x.type.rank:
            channels, kernel = weight.shape[1] * groups, weight.shape[2:]
        else:
            raise _bad_weight(x.type, weight)
        check_groups(x.type.shape[1], channels, groups)
        stride, dilation = args.integers("stride", rank), args.integers("dilation", rank)
        output_pad = args.integers("output_pad", rank)
        pad = _resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
        weights = args.parameter("weight", (x.type.shape[1], channels // groups, *kernel))
        operands = (x, weights, args.parameter("bias", (channels,))) if args.given("bias") else (x, weights)
        return cls(stride, pad, output_pad, dilation, groups, len(operands) == 3), operands

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, weight = inputs[0], inputs[1]
        check_image("conv_transpose", x)
        if weight.rank != x.rank:
            raise _bad_weight(x, weight)
        channels = weight.shape[1] * self.groups
        check_groups(x.shape[1], channels, self.groups)
        if weight.shape[0] != x.shape[1]:
            raise OpError(
                "E0303", "weights do not fit the input's channels", "weight",
                note=f"the weights take {weight.shape[0]} channels, the input has {x.shape[1]}",
            )  # fmt: skip
        check_bias(inputs[2] if self.bias else None, channels)
        return (TensorType.plain((x.shape[0], channels, *self._extents(x.shape[2:], weight.shape[2:])), x.dtype),)

    def _extents(self, size: Numbers, kernel: Numbers) -> Numbers:
        rank = len(size)
        check_counts(
            rank, kernel=kernel, stride=self.stride, dilation=self.dilation, pad=self.pad, output_pad=self.output_pad
        )
        for name, numbers in (("kernel", kernel), ("stride", self.stride), ("dilation", self.dilation)):
            check_positive(name, *numbers)
        if min(self.output_pad) < 0:
            title = "output_pad cannot be negative"
            raise OpError("E0304", title, "output_pad", note=f"output_pad is {list(self.output_pad)}")
        return tuple(self._extent(axis, size[axis], kernel[axis]) for axis in range(rank))

    def _extent(self, axis: int, size: int, kernel: int) -> int:
        rank = len(self.stride)
        full = (size - 1) * self.stride[axis] + (kernel - 1) * self.dilation[axis] + 1
        before, after, more = self.pad[axis], self.pad[rank + axis], self.output_pad[axis]
        if full - before - after + more < 1:
            raise OpError(
                "E0302", "padding takes the whole result", "pad",
                note=f"{AXES[rank][axis]}: the result has {full} - {before} - {after} + {more} = "
                f"{full - before - after + more}",
                help=f"use `pad = {max(0, (full - 1) // 2)}` or less",
            )  # fmt: skip
        return full - before - after + more

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, weight = inputs[0], inputs[1]
        rank, (n, ic), size, kernel = x.ndim - 2, x.shape[:2], x.shape[2:], weight.shape[2:]
        out = self._extents(size, kernel)
        full = [o + before + after for o, before, after in zip(out, self.pad[:rank], self.pad[rank:], strict=True)]
        scattered = np.zeros((n, self.groups, weight.shape[1], *full), x.dtype)
        grouped = weight.reshape(self.groups, ic // self.groups, weight.shape[1], -1)
        pixels = x.reshape(n, self.groups, ic // self.groups, -1)
        for number, tap in enumerate(np.ndindex(*kernel)):
            starts = (k * d for k, d in zip(tap, self.dilation, strict=True))
            places = (slice(a, a + (m - 1) * s + 1, s) for a, m, s in zip(starts, size, self.stride, strict=True))
            here: tuple[slice, ...] = (slice(None), slice(None), slice(None), *places)
            added = np.matmul(grouped[..., number].transpose(0, 2, 1), pixels)
            scattered[here] += added.reshape(scattered[here].shape)
        kept = tuple(slice(before, before + o) for before, o in zip(self.pad, out, strict=False))
        inside: tuple[slice, ...] = (slice(None), slice(None), slice(None), *kept)
        result = scattered[inside].reshape(n, -1, *out)
        return (result + inputs[2].reshape(-1, *(1,) * rank) if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", "bias")[:count]

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        x, weight, out = inputs[0], inputs[1], outputs[0]
        macs = x.elements * prod(weight.shape[1:])
        parameters = weight.elements + (out.shape[1] if self.bias else 0)
        # Every stride-th tap (or fewer, when dilated) falls on an element of the input.
        common = [gcd(s, d) for s, d in zip(self.stride, self.dilation, strict=True)]
        falling = [ceil_div(k, s // g) for k, s, g in zip(weight.shape[2:], self.stride, common, strict=True)]
        taps = tuple((n - 1) * (d // g) + 1 for n, d, g in zip(falling, self.dilation, common, strict=True))
        steps = tuple(Fraction(1, s) for s in self.stride)
        return Cost(parameters, macs, 2 * macs + (out.elements if self.bias else 0), taps, steps)


def _resolve_pad(
    rule: int | Numbers | str, size: Numbers, kernel: Numbers, stride: Numbers, dilation: Numbers
) -> Numbers:
    """The padding of the convolution whose transpose this is: from a map stride times as large as x to x."""
    enlarged = tuple(n * s for n, s in zip(size, stride, strict=True))
    if rule == "causal":
        total = resolve_pad("same", enlarged, kernel, stride, dilation)
        before, after = total[: len(size)], total[len(size) :]
        return (*(0,) * len(size), *(b + a for b, a in zip(before, after, strict=True)))
    return resolve_pad(rule, enlarged, kernel, stride, dilation)


def _bad_weight(x: TensorType, weight: TensorType) -> OpError:
    axes = ", ".join(("kd", "kh", "kw")[5 - x.rank :])
    return OpError(
        "E0303", f"conv_transpose takes weights [ic, oc / groups, {axes}] here", "weight",
        note=f"these are {weight}, the input is {x}",
    )  # fmt: skip
