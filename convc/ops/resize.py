"""Resizing of images: resize to `size`, or by `scale`, by nearest neighbour, linear or cubic interpolation.

Axis by axis, output `o` lies at position p of the input, and is the weighed sum of the pixels around it:

    half_pixel          p = (o + 0.5) / scale - 0.5                      torch: align_corners=False
    pytorch_half_pixel  the same, but 0 where there is one output
    half_pixel_symmetric  the same, moved so that what rounding the output's extent cut off is missing on both sides
    asymmetric          p = o / scale                                    torch: mode="nearest" (rounding = floor)
    align_corners       p = o * (in - 1) / (scale * in - 1)             torch: align_corners=True

    nearest             the pixel at p, rounded by `rounding`            torch: "nearest-exact" is round_prefer_ceil
    linear              1 - |p - i| of the two pixels i around p
    cubic               Keys' kernel with coefficient `cubic` over four pixels (1981, DOI 10.1109/TASSP.1981.1163711)

Positions outside the map read its edge; with `exclude_outside` they weigh nothing instead. With `antialias` the kernels
of linear and cubic are widened by 1 / scale where the image shrinks. Semantics of ONNX `Resize` for fixed sizes. Batch
and channels keep their extents; reshape to [1, 1, ...] first where they are to be resized.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.interpolation import AxisTaps, Rule, axis_taps
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_counts, check_image

#: Extents that a result may have; a slip of the scale is found before memory is.
_LARGEST = 1 << 24


@dataclass(frozen=True, slots=True)
class Resize(Op):
    """resize over one to three spatial axes; `scale` is what positions are computed with, `size` the extents."""

    name: ClassVar[str] = "resize"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...], one to three spatial axes"),
        Param("size", Kind.INTS, None, "extents of the result; floor(input * scale) unless given"),
        Param("scale", Kind.FLOATS, None, "output pixels per input pixel; size / input unless given"),
        Param("mode", Kind.CHOICE, "nearest", "how pixels are combined", ("nearest", "linear", "cubic")),
        Param(
            "coordinates", Kind.CHOICE, "half_pixel", "where an output lies in the input",
            ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric"),
        ),
        Param(
            "rounding", Kind.CHOICE, "round_prefer_floor", "of nearest; the first two differ at halves",
            ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
        ),
        Param("cubic", Kind.FLOAT, -0.75, "coefficient of the cubic kernel"),
        Param("exclude_outside", Kind.BOOL, False, "whether pixels outside weigh nothing"),
        Param("antialias", Kind.BOOL, False, "whether kernels widen where the image shrinks"),
    )  # fmt: skip
    size: tuple[int, ...]
    scale: tuple[float, ...]
    mode: str = "nearest"
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        check_image("resize", x.type)
        extents = x.type.shape[2:]
        if not args.given("size") and not args.given("scale"):
            raise OpError("E0402", "`resize` needs `size` or `scale`", help="write `scale = 2` to double an image")
        if args.given("scale"):
            scale = args.numbers("scale", len(extents))
            _check_scale(scale)
        if args.given("size"):
            size = args.integers("size", len(extents))
        else:
            size = tuple(floor(extent * factor) for extent, factor in zip(extents, scale, strict=True))
        if not args.given("scale"):
            scale = tuple(out / extent for out, extent in zip(size, extents, strict=True))
        _check_size(size, scale, extents)
        op = cls(
            size, scale, args.choice("mode"), args.choice("coordinates"), args.choice("rounding"),
            args.number("cubic"), args.flag("exclude_outside"), args.flag("antialias"),
        )  # fmt: skip
        return op, (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image("resize", x)
        check_counts(x.rank - 2, size=self.size, scale=self.scale)
        _check_scale(self.scale)
        _check_size(self.size, self.scale, x.shape[2:])
        return (TensorType.plain((*x.shape[:2], *self.size), x.dtype),)

    def taps(self, extents: Sequence[int]) -> tuple[AxisTaps, ...]:
        """For each spatial axis, the pixels that make up each output, and their weights."""
        rule = Rule(self.mode, self.coordinates, self.rounding, self.cubic, self.exclude_outside, self.antialias)
        return tuple(
            axis_taps(rule, extent, out, factor)
            for extent, out, factor in zip(extents, self.size, self.scale, strict=True)
        )

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (result,) = inputs
        for axis, taps in enumerate(self.taps(inputs[0].shape[2:]), 2):
            weights = np.asarray(taps.weights, result.dtype).reshape(-1, taps.count, *(1,) * (result.ndim - axis - 1))
            pixels = np.take(result, np.asarray(taps.places), axis)  # [..., out, tap, ...]
            result = (pixels * weights).sum(axis + 1)
        return (result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        """Multiply-adds axis by axis; its window is counted as one pixel in receptive fields."""
        extents = inputs[0].shape[2:]
        taps = sum(taps.count for taps in self.taps(extents)) if self.mode != "nearest" else 0
        return Cost(0, 0, 2 * taps * outputs[0].elements, (1,) * len(extents), (1,) * len(extents))


def _check_scale(scale: Sequence[float]) -> None:
    if not all(isfinite(factor) and factor > 0 for factor in scale):
        raise OpError("E0341", "the scale must be positive", "scale", note=f"scale is {list(scale)}")


def _check_size(size: Sequence[int], scale: Sequence[float], extents: Sequence[int]) -> None:
    written = " x ".join(map(str, size))
    if not all(1 <= out <= _LARGEST for out in size):
        raise OpError(
            "E0341", f"an image cannot be resized to {written}", "size",
            note=f"the input has {' x '.join(map(str, extents))}; extents lie between 1 and {_LARGEST}",
        )  # fmt: skip
    if any(abs(extent * factor - out) > 1 for extent, factor, out in zip(extents, scale, size, strict=True)):
        scaled = " x ".join(f"{extent * factor:g}" for extent, factor in zip(extents, scale, strict=True))
        raise OpError(
            "E0341", "size and scale do not belong together", "scale",
            note=f"the size is {written}, the input times scale is {scaled}", help="leave one of them out",
        )  # fmt: skip
