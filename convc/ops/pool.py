"""Pooling over windows and over whole maps.

    maxpool:         dst[n, c, oh, ow] = max over taps inside the map of src[n, c, oh * sh + kh * dh - top, ...]
    avgpool:         the sum over those taps by how many count: with `count_include_pad` those in the padding too
    global_avgpool:  dst[n, c, 0, 0] = mean of src[n, c]

Over one, two or three spatial axes. Semantics of `torch.nn.MaxPool2d`, `AvgPool2d` and their like, ceil mode included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import SIDES, check_counts, check_image, resolve_pad, window_extents

Numbers = tuple[int, ...]


def _window_params(*extra: Param) -> tuple[Param, ...]:
    return (
        Param("x", Kind.TENSOR, doc="input [n, c, ...], one to three spatial axes"),
        Param("kernel", Kind.INTS, doc="window extents, a number per spatial axis"),
        Param("stride", Kind.INTS, None, "step between outputs; the kernel's size unless given"),
        Param("pad", Kind.PAD, 0, "padding"),
        *extra,
        Param("ceil", Kind.BOOL, False, "round the output extent up"),
    )


def _geometry(args: Arguments, dilated: bool) -> tuple[Value, Numbers, Numbers, Numbers, Numbers]:
    """x, kernel, stride, dilation and the resolved padding."""
    x = args.tensor("x")
    check_image("pooling", x.type)
    rank = x.type.rank - 2
    kernel = args.integers("kernel", rank)
    stride = args.integers("stride", rank) if args.given("stride") else kernel
    dilation = args.integers("dilation", rank) if dilated else (1,) * rank
    return x, kernel, stride, dilation, resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)


def _pooled(
    x: TensorType, kernel: Numbers, stride: Numbers, dilation: Numbers, pad: Numbers, ceil: bool
) -> TensorType:
    check_image("pooling", x)
    check_counts(x.rank - 2, kernel=kernel, dilation=dilation, pad=pad)
    _check_windows_touch(x, kernel, dilation, pad)
    return TensorType.plain((*x.shape[:2], *window_extents(x, kernel, stride, dilation, pad, ceil)), x.dtype)


def _check_windows_touch(x: TensorType, kernel: Numbers, dilation: Numbers, pad: Numbers) -> None:
    """A window all in the padding has no largest value and no mean."""
    rank = x.rank - 2
    for i in range(2 * rank):
        size, step = x.shape[2 + i % rank], dilation[i % rank]
        reach = (kernel[i % rank] - 1) * step + 1
        if pad[i] >= max(reach, 1) or (pad[i] and step > size):
            raise OpError(
                "E0307", "a pooling window would lie in the padding", "pad",
                note=f"{SIDES[rank][i]}: {pad[i]} of padding, the window spans {reach}, the map has {size}",
                help=f"use a padding of at most {(reach - 1) // 2}",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MaxPool(Op):
    """Largest value of each window; the padding never wins."""

    name: ClassVar[str] = "maxpool"
    params: ClassVar[tuple[Param, ...]] = _window_params(Param("dilation", Kind.INTS, 1, "distance between taps"))
    kernel: Numbers
    stride: Numbers
    pad: Numbers = (0, 0, 0, 0)
    dilation: Numbers = (1, 1)
    ceil: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, kernel, stride, dilation, pad = _geometry(args, dilated=True)
        return cls(kernel, stride, pad, dilation, args.flag("ceil")), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (_pooled(inputs[0], self.kernel, self.stride, self.dilation, self.pad, self.ceil),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        result = np.zeros(self.infer(TensorType.plain(x.shape))[0].shape, x.dtype)
        for out in np.ndindex(*result.shape[2:]):
            taps = _taps(out, self.kernel, self.stride, self.dilation, self.pad, x.shape[2:])
            at = (..., *out)
            result[at] = _window(x, taps).max(axis=tuple(range(2, x.ndim)))
        return (result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        taps = tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return Cost(0, 0, outputs[0].elements * prod(self.kernel), taps, self.stride)


@dataclass(frozen=True, slots=True)
class AvgPool(Op):
    """Mean of each window."""

    name: ClassVar[str] = "avgpool"
    params: ClassVar[tuple[Param, ...]] = (
        *_window_params(),
        Param("count_include_pad", Kind.BOOL, True, "whether padding counts as zeros in the mean"),
    )
    kernel: Numbers
    stride: Numbers
    pad: Numbers = (0, 0, 0, 0)
    ceil: bool = False
    count_include_pad: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, kernel, stride, _, pad = _geometry(args, dilated=False)
        return cls(kernel, stride, pad, args.flag("ceil"), args.flag("count_include_pad")), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (_pooled(inputs[0], self.kernel, self.stride, (1,) * len(self.kernel), self.pad, self.ceil),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        rank = x.ndim - 2
        result = np.zeros(self.infer(TensorType.plain(x.shape))[0].shape, x.dtype)
        for out in np.ndindex(*result.shape[2:]):
            taps = _taps(out, self.kernel, self.stride, (1,) * rank, self.pad, x.shape[2:])
            count = prod(map(len, taps))
            if self.count_include_pad:
                count = prod(self._padded_count(out[axis], axis, x.shape[2 + axis]) for axis in range(rank))
            at = (..., *out)
            result[at] = _window(x, taps).sum(axis=tuple(range(2, x.ndim))) / count
        return (result,)

    def _padded_count(self, out: int, axis: int, size: int) -> int:
        """Taps inside the padded map: a ceil-mode window may reach past it."""
        start = out * self.stride[axis] - self.pad[axis]
        return min(start + self.kernel[axis], size + self.pad[len(self.kernel) + axis]) - start

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(0, 0, outputs[0].elements * (prod(self.kernel) + 1), self.kernel, self.stride)


def _taps(
    out: Numbers, kernel: Numbers, stride: Numbers, dilation: Numbers, pad: Numbers, size: Numbers
) -> list[list[int]]:
    """Positions inside the map that the output at `out` reads, along each axis."""
    begins = [o * s - p for o, s, p in zip(out, stride, pad, strict=False)]
    reads = ([begin + tap * d for tap in range(k)] for begin, k, d in zip(begins, kernel, dilation, strict=True))
    return [[place for place in places if 0 <= place < n] for places, n in zip(reads, size, strict=True)]


def _window(x: Array, taps: list[list[int]]) -> Array:
    """What lies at the crossings of these positions, in every channel."""
    found: Array = x[np.ix_(range(x.shape[0]), range(x.shape[1]), *taps)]
    return found


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(Op):
    """Mean of each channel: [n, c, ...] -> [n, c, 1, ...]."""

    name: ClassVar[str] = "global_avgpool"
    params: ClassVar[tuple[Param, ...]] = (Param("x", Kind.TENSOR, doc="input [n, c, ...]"),)

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image("global_avgpool", x)
        return (TensorType.plain((*x.shape[:2], *(1,) * (x.rank - 2)), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].mean(axis=tuple(range(2, inputs[0].ndim)), keepdims=True),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(0, 0, inputs[0].elements + outputs[0].elements, inputs[0].shape[2:], (1,) * (inputs[0].rank - 2))
