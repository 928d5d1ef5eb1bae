"""Pooling to a given size: adaptive_avgpool and adaptive_maxpool.

    dst[n, c, oh, ow] = mean, or largest value, of src[n, c, begin(oh) .. end(oh), begin(ow) .. end(ow)]
    begin(o) = floor(o * size / out)    end(o) = ceil((o + 1) * size / out)

Where the sizes do not divide evenly, bins differ by one and may overlap. Semantics of `torch.nn.AdaptiveAvgPool2d`,
`AdaptiveMaxPool2d` and their like over one and three axes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op
from convc.ir.types import TensorType, ceil_div
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_counts, check_image, check_positive

Bins = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AdaptivePool(Op):
    """What poolings to a size share."""

    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...], one to three spatial axes"),
        Param("size", Kind.INTS, doc="extents of the result"),
    )
    size: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        check_image(cls.name, x.type)
        return cls(args.integers("size", x.type.rank - 2)), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image(self.name, x)
        check_counts(x.rank - 2, size=self.size)
        check_positive("size", *self.size)
        return (TensorType.plain((*x.shape[:2], *self.size), x.dtype),)

    def bins(self, extents: Sequence[int]) -> tuple[Bins, ...]:
        """For each spatial axis, where each output's bin begins and ends."""
        return tuple(
            tuple((o * extent // out, ceil_div((o + 1) * extent, out)) for o in range(out))
            for extent, out in zip(extents, self.size, strict=True)
        )

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        result = np.zeros((*x.shape[:2], *self.size), x.dtype)
        bins = self.bins(x.shape[2:])
        for out in np.ndindex(*self.size):
            spans = (slice(*axis[o]) for axis, o in zip(bins, out, strict=True))
            at = (..., *out)
            place = (slice(None), slice(None), *spans)
            result[at] = self.pool(x[place])
        return (result,)

    @abstractmethod
    def pool(self, bin: Array) -> Array:
        """The value of a bin [n, c, ...]: [n, c]."""

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        """Every bin has its own stride; the receptive field counts the widest and the step between them."""
        extents = inputs[0].shape[2:]
        bins = self.bins(extents)
        reads = prod(sum(end - begin for begin, end in axis) for axis in bins) * inputs[0].shape[0] * inputs[0].shape[1]
        taps = tuple(max(end - begin for begin, end in axis) for axis in bins)
        strides = tuple(max(1, extent // out) for extent, out in zip(extents, self.size, strict=True))
        return Cost(0, 0, reads + outputs[0].elements, taps, strides)


@dataclass(frozen=True, slots=True)
class AdaptiveAvgPool(AdaptivePool):
    """Mean of each bin."""

    name: ClassVar[str] = "adaptive_avgpool"

    def pool(self, bin: Array) -> Array:
        return bin.mean(axis=tuple(range(2, bin.ndim)))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class AdaptiveMaxPool(AdaptivePool):
    """Largest value of each bin."""

    name: ClassVar[str] = "adaptive_maxpool"

    def pool(self, bin: Array) -> Array:
        return bin.max(axis=tuple(range(2, bin.ndim)))  # type: ignore[no-any-return]
