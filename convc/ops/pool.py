"""Pooling over windows and over whole maps.

    maxpool:         dst[n, c, oh, ow] = max over taps inside the map of src[n, c, oh * sh + kh * dh - top, ...]
    avgpool:         the sum over those taps by how many count: with `count_include_pad` those in the padding too
    lppool:          (sum over those taps of |src|^p)^(1/p)
    global_avgpool, global_maxpool, global_lppool: the same over the whole of src[n, c]

Over one, two or three spatial axes. Semantics of `torch.nn.MaxPool2d`, `AvgPool2d` and their like, ceil mode included.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import SIDES, check_counts, check_image, check_positive, resolve_pad, window_extents

Numbers = tuple[int, ...]

_P = Param("p", Kind.INT, 2, "order of the norm, 1 or more")


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
class WindowPool(Op):
    """What poolings over windows share."""

    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...], one to three spatial axes"),
        Param("kernel", Kind.INTS, doc="window extents, a number per spatial axis"),
        Param("stride", Kind.INTS, None, "step between outputs; the kernel's size unless given"),
        Param("pad", Kind.PAD, 0, "padding"),
        Param("dilation", Kind.INTS, 1, "distance between taps"),
        Param("ceil", Kind.BOOL, False, "round the output extent up"),
    )
    kernel: Numbers
    stride: Numbers
    pad: Numbers = (0, 0, 0, 0)
    dilation: Numbers = (1, 1)
    ceil: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        check_image("pooling", x.type)
        rank = x.type.rank - 2
        kernel = args.integers("kernel", rank)
        stride = args.integers("stride", rank) if args.given("stride") else kernel
        dilation = args.integers("dilation", rank)
        pad = resolve_pad(args.padding("pad"), x.type.shape[2:], kernel, stride, dilation)
        return cls(kernel, stride, pad, dilation, args.flag("ceil"), *cls.more(args)), (x,)

    @classmethod
    def more(cls, args: Arguments) -> tuple[int, ...]:
        """The attributes of one op alone."""
        return ()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image("pooling", x)
        check_counts(x.rank - 2, kernel=self.kernel, dilation=self.dilation, pad=self.pad)
        _check_windows_touch(x, self.kernel, self.dilation, self.pad)
        extents = window_extents(x, self.kernel, self.stride, self.dilation, self.pad, self.ceil)
        return (TensorType.plain((*x.shape[:2], *extents), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        result = np.zeros(self.infer(TensorType.plain(x.shape))[0].shape, x.dtype)
        for out in np.ndindex(*result.shape[2:]):
            taps = self.taps(out, x.shape[2:])
            window = x[np.ix_(range(x.shape[0]), range(x.shape[1]), *taps)]
            at = (..., *out)
            result[at] = self.pool(window, out, x.shape[2:])
        return (result,)

    def taps(self, out: Numbers, size: Numbers) -> list[list[int]]:
        """Positions inside the map that the output at `out` reads, along each axis."""
        begins = [o * s - p for o, s, p in zip(out, self.stride, self.pad, strict=False)]
        kernel, dilation = self.kernel, self.dilation
        reads = ([begin + tap * d for tap in range(k)] for begin, k, d in zip(begins, kernel, dilation, strict=True))
        return [[place for place in places if 0 <= place < n] for places, n in zip(reads, size, strict=True)]

    @abstractmethod
    def pool(self, window: Array, out: Numbers, size: Numbers) -> Array:
        """The value [n, c] of the taps [n, c, ...] inside a map of `size` that the output at `out` reads."""

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        taps = tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return Cost(0, 0, outputs[0].elements * prod(self.kernel), taps, self.stride)


@dataclass(frozen=True, slots=True)
class MaxPool(WindowPool):
    """Largest value of each window; the padding never wins."""

    name: ClassVar[str] = "maxpool"

    def pool(self, window: Array, out: Numbers, size: Numbers) -> Array:
        return _largest(window)


@dataclass(frozen=True, slots=True)
class AvgPool(WindowPool):
    """Mean of each window."""

    name: ClassVar[str] = "avgpool"
    params: ClassVar[tuple[Param, ...]] = (
        *WindowPool.params,
        Param("count_include_pad", Kind.BOOL, True, "whether padding counts as zeros in the mean"),
    )
    count_include_pad: bool = True

    @classmethod
    def more(cls, args: Arguments) -> tuple[int, ...]:
        return (args.flag("count_include_pad"),)

    def pool(self, window: Array, out: Numbers, size: Numbers) -> Array:
        count = prod(window.shape[2:])
        if self.count_include_pad:
            count = prod(self._padded_count(out[axis], axis, extent) for axis, extent in enumerate(size))
        return _sum(window) / count

    def _padded_count(self, out: int, axis: int, size: int) -> int:
        """Taps inside the padded map: a ceil-mode window may reach past it."""
        start, end = out * self.stride[axis] - self.pad[axis], size + self.pad[len(self.kernel) + axis]
        return sum(start + tap * self.dilation[axis] < end for tap in range(self.kernel[axis]))


@dataclass(frozen=True, slots=True)
class LpPool(WindowPool):
    """The p-norm of each window; padding adds nothing."""

    name: ClassVar[str] = "lppool"
    params: ClassVar[tuple[Param, ...]] = (*WindowPool.params, _P)
    p: int = 2

    @classmethod
    def more(cls, args: Arguments) -> tuple[int, ...]:
        return (args.integer("p"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        check_positive("p", self.p)
        return WindowPool.infer(self, *inputs)

    def pool(self, window: Array, out: Numbers, size: Numbers) -> Array:
        return _norm(window, self.p)


@dataclass(frozen=True, slots=True)
class GlobalPool(Op):
    """What poolings of a whole map share: [n, c, ...] -> [n, c, 1, ...]."""

    params: ClassVar[tuple[Param, ...]] = (Param("x", Kind.TENSOR, doc="input [n, c, ...]"),)

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image(self.name, x)
        return (TensorType.plain((*x.shape[:2], *(1,) * (x.rank - 2)), x.dtype),)

    @staticmethod
    def reshaped(x: Array, result: Array) -> tuple[Array, ...]:
        return (result.reshape(*x.shape[:2], *(1,) * (x.ndim - 2)),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(0, 0, inputs[0].elements + outputs[0].elements, inputs[0].shape[2:], (1,) * (inputs[0].rank - 2))


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(GlobalPool):
    """Mean of each channel."""

    name: ClassVar[str] = "global_avgpool"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return self.reshaped(inputs[0], _sum(inputs[0]) / prod(inputs[0].shape[2:]))


@dataclass(frozen=True, slots=True)
class GlobalMaxPool(GlobalPool):
    """Largest value of each channel."""

    name: ClassVar[str] = "global_maxpool"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return self.reshaped(inputs[0], _largest(inputs[0]))


@dataclass(frozen=True, slots=True)
class GlobalLpPool(GlobalPool):
    """The p-norm of each channel."""

    name: ClassVar[str] = "global_lppool"
    params: ClassVar[tuple[Param, ...]] = (*GlobalPool.params, _P)
    p: int = 2

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.integer("p")), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        check_positive("p", self.p)
        return GlobalPool.infer(self, *inputs)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return self.reshaped(inputs[0], _norm(inputs[0], self.p))


def _sum(bin: Array) -> Array:
    return np.asarray(bin.sum(axis=tuple(range(2, bin.ndim))))


def _largest(bin: Array) -> Array:
    return np.asarray(bin.max(axis=tuple(range(2, bin.ndim))))


def _norm(bin: Array, p: int) -> Array:
    """(sum of |x|^p)^(1/p)."""
    return np.asarray(_sum(np.abs(bin) ** p) ** (1 / p), bin.dtype)
