"""Pooling over windows and over whole maps.

    maxpool:         dst[n, c, oh, ow] = max over taps inside the map of src[n, c, oh * sh + kh * dh - top, ...]
    avgpool:         the sum over those taps by how many count: with `count_include_pad` those in the padding too
    global_avgpool:  dst[n, c, 0, 0] = mean of src[n, c]

Semantics of `torch.nn.MaxPool2d`, `AvgPool2d`, ceil mode included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import resolve_pad, window_extent

Pair = tuple[int, int]
Quad = tuple[int, int, int, int]


def _window_params(*extra: Param) -> tuple[Param, ...]:
    return (
        Param("x", Kind.TENSOR, doc="input [n, c, h, w]"),
        Param("kernel", Kind.INTS, doc="window height and width"),
        Param("stride", Kind.INTS, None, "step between outputs; the kernel's size unless given"),
        Param("pad", Kind.PAD, 0, "padding"),
        *extra,
        Param("ceil", Kind.BOOL, False, "round the output extent up"),
    )


def _geometry(args: Arguments, dilation: tuple[int, ...]) -> tuple[Value, Pair, Pair, Quad]:
    x = args.tensor("x")
    if x.type.rank != 4:
        raise OpError("E0301", "pooling takes a tensor [n, c, h, w]", "x", note=f"this one is {x.type}")
    kernel = args.integers("kernel", 2)
    stride = args.integers("stride", 2) if args.given("stride") else kernel
    pad = resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
    return x, kernel, stride, pad  # type: ignore[return-value]


def _extents(x: TensorType, kernel: Pair, stride: Pair, dilation: Pair, pad: Quad, ceil: bool) -> TensorType:
    if x.rank != 4:
        raise OpError("E0301", "pooling takes a tensor [n, c, h, w]", "x", note=f"this one is {x}")
    _check_windows_touch(x, kernel, dilation, pad)
    oh, ow = (
        window_extent(
            ("height", "width")[i], x.shape[2 + i], kernel[i], stride[i], dilation[i], pad[i], pad[2 + i], ceil
        )
        for i in (0, 1)
    )
    return TensorType.plain((x.shape[0], x.shape[1], oh, ow), x.dtype)


def _check_windows_touch(x: TensorType, kernel: Pair, dilation: Pair, pad: Quad) -> None:
    """A window all in the padding has no largest value and no mean."""
    for i in range(4):
        size, step = x.shape[2 + i % 2], dilation[i % 2]
        reach = (kernel[i % 2] - 1) * step + 1
        if pad[i] >= max(reach, 1) or (pad[i] and step > size):
            raise OpError(
                "E0307", "a pooling window would lie in the padding", "pad",
                note=f"{('top', 'left', 'bottom', 'right')[i]}: {pad[i]} of padding, the window spans {reach}, "
                f"the map has {size}",
                help=f"use a padding of at most {(reach - 1) // 2}",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MaxPool(Op):
    """Largest value of each window; the padding never wins."""

    name: ClassVar[str] = "maxpool"
    params: ClassVar[tuple[Param, ...]] = _window_params(Param("dilation", Kind.INTS, 1, "distance between taps"))
    kernel: Pair
    stride: Pair
    pad: Quad = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    ceil: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        dilation = args.integers("dilation", 2)
        x, kernel, stride, pad = _geometry(args, dilation)
        return cls(kernel, stride, pad, dilation, args.flag("ceil")), (x,)  # type: ignore[arg-type]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (_extents(inputs[0], self.kernel, self.stride, self.dilation, self.pad, self.ceil),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        out = self.infer(TensorType.plain(x.shape))[0].shape
        result = np.full(out, -np.inf, x.dtype)
        for oh in range(out[2]):
            rows = _taps(oh, self.kernel[0], self.stride[0], self.dilation[0], self.pad[0], x.shape[2])
            for ow in range(out[3]):
                cols = _taps(ow, self.kernel[1], self.stride[1], self.dilation[1], self.pad[1], x.shape[3])
                result[:, :, oh, ow] = x[:, :, rows][:, :, :, cols].max(axis=(2, 3))
        return (result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        taps = tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return Cost(0, 0, outputs[0].elements * self.kernel[0] * self.kernel[1], taps, self.stride)


@dataclass(frozen=True, slots=True)
class AvgPool(Op):
    """Mean of each window."""

    name: ClassVar[str] = "avgpool"
    params: ClassVar[tuple[Param, ...]] = (
        *_window_params(),
        Param("count_include_pad", Kind.BOOL, True, "whether padding counts as zeros in the mean"),
    )
    kernel: Pair
    stride: Pair
    pad: Quad = (0, 0, 0, 0)
    ceil: bool = False
    count_include_pad: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, kernel, stride, pad = _geometry(args, (1, 1))
        return cls(kernel, stride, pad, args.flag("ceil"), args.flag("count_include_pad")), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (_extents(inputs[0], self.kernel, self.stride, (1, 1), self.pad, self.ceil),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        out = self.infer(TensorType.plain(x.shape))[0].shape
        result = np.zeros(out, x.dtype)
        for oh in range(out[2]):
            rows = _taps(oh, self.kernel[0], self.stride[0], 1, self.pad[0], x.shape[2])
            for ow in range(out[3]):
                cols = _taps(ow, self.kernel[1], self.stride[1], 1, self.pad[1], x.shape[3])
                count = len(rows) * len(cols)
                if self.count_include_pad:
                    count = self._padded_count(oh, 0, x.shape[2]) * self._padded_count(ow, 1, x.shape[3])
                result[:, :, oh, ow] = x[:, :, rows][:, :, :, cols].sum(axis=(2, 3)) / count
        return (result,)

    def _padded_count(self, out: int, axis: int, size: int) -> int:
        """Taps inside the padded map: a ceil-mode window may reach past it."""
        start = out * self.stride[axis] - self.pad[axis]
        return min(start + self.kernel[axis], size + self.pad[2 + axis]) - start

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(0, 0, outputs[0].elements * (self.kernel[0] * self.kernel[1] + 1), self.kernel, self.stride)


def _taps(out: int, kernel: int, stride: int, dilation: int, pad: int, size: int) -> list[int]:
    """Positions inside the map that output number `out` reads along one axis."""
    positions = (out * stride - pad + tap * dilation for tap in range(kernel))
    return [position for position in positions if 0 <= position < size]


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(Op):
    """Mean of each channel: [n, c, h, w] -> [n, c, 1, 1]."""

    name: ClassVar[str] = "global_avgpool"
    params: ClassVar[tuple[Param, ...]] = (Param("x", Kind.TENSOR, doc="input [n, c, h, w]"),)

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if x.rank != 4:
            raise OpError("E0301", "global_avgpool takes a tensor [n, c, h, w]", "x", note=f"this one is {x}")
        return (TensorType.plain((x.shape[0], x.shape[1], 1, 1), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].mean(axis=(2, 3), keepdims=True),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(0, 0, inputs[0].elements + outputs[0].elements, inputs[0].shape[2:], (1, 1))
