"""Element types, layouts and tensor types: their only home.

A tensor is an array of logical dimensions (`n`, `c`, then the spatial ones) laid out in memory by a `Layout`. Layouts
are strides plus one optional block of channels, the family oneDNN calls `nchw` and `nChw16c` (`ncw`, `nCw16c` with one
spatial dimension, `ncdhw`, `nCdhw16c` with three):

    offset(n, c, h, w) = n * strides[0] + (c // block) * strides[1] + h * strides[2] + w * strides[3] + c % block

A plain layout has `block == 1`. A blocked tensor whose channel count is not a multiple of the block stores the last
block whole; the lanes past the last channel hold zeros, always: every kernel writes them as zero and may rely on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np

Shape = tuple[int, ...]

#: Letters of the dimensions by rank, as oneDNN names them. Other ranks use `abcd...`.
DIMENSIONS: Final = {2: "nc", 3: "ncw", 4: "nchw", 5: "ncdhw"}


class DType(Enum):
    """An element type; the value is its name in the language."""

    F32 = "f32"
    F64 = "f64"
    I32 = "i32"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        return np.dtype({"f32": np.float32, "f64": np.float64, "i32": np.int32}[self.value])

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def lanes_filled(extent: int, lanes: int) -> int:
    """Lanes of the widest vector, up to `lanes`, that `extent` floats fill; 1 where they fill none."""
    return next((width for width in (16, 8, 4) if width <= min(extent, lanes)), 1)


def round_up(a: int, b: int) -> int:
    return ceil_div(a, b) * b


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the elements of a tensor lie, in elements; see the module docstring."""

    block: int
    strides: tuple[int, ...]

    @staticmethod
    @lru_cache(4096)
    def dense(shape: Shape, block: int = 1) -> Layout:
        """Row-major without gaps; with `block > 1` the channels (dimension 1) are split and the block is innermost."""
        outer = list(shape)
        if block > 1:
            outer[1] = ceil_div(shape[1], block)
        strides, step = [0] * len(shape), block
        for axis in reversed(range(len(shape))):
            strides[axis] = step
            step *= max(1, outer[axis])
        return Layout(block, tuple(strides))

    def name(self) -> str:
        """`nchw`, `nChw16c`; `abc` style letters for ranks without names of their own."""
        rank = len(self.strides)
        letters = DIMENSIONS.get(rank, "abcdefgh"[:rank])
        if self.block == 1:
            return letters
        return f"{letters[0]}{letters[1].upper()}{letters[2:]}{self.block}{letters[1]}"


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type, logical shape and layout. `str()` is the language's own notation."""

    dtype: DType
    shape: Shape
    layout: Layout

    @staticmethod
    def plain(shape: Shape, dtype: DType = DType.F32) -> TensorType:
        return TensorType(dtype, shape, Layout.dense(shape))

    @staticmethod
    def blocked(shape: Shape, block: int, dtype: DType = DType.F32) -> TensorType:
        return TensorType(dtype, shape, Layout.dense(shape, block))

    def with_layout(self, layout: Layout) -> TensorType:
        return TensorType(self.dtype, self.shape, layout)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_image(self) -> bool:
        """Whether it has channels and one to three spatial dimensions: what layouts block by channels."""
        return 3 <= self.rank <= 5

    @property
    def elements(self) -> int:
        """Logical elements, padding lanes not counted."""
        return prod(self.shape)

    @property
    def block(self) -> int:
        return self.layout.block

    @property
    def strides(self) -> tuple[int, ...]:
        return self.layout.strides

    @property
    def is_dense(self) -> bool:
        return self.layout == Layout.dense(self.shape, self.layout.block)

    @property
    def is_plain(self) -> bool:
        """Row-major, unblocked, without gaps: what a caller's array looks like."""
        return self.layout.block == 1 and self.is_dense

    @property
    def storage(self) -> int:
        """Elements from the first to the last one touched, padding lanes and gaps counted."""
        if self.elements == 0:
            return 0
        outer = list(self.shape)
        if self.layout.block > 1:
            outer[1] = ceil_div(outer[1], self.layout.block)
        last = sum((extent - 1) * stride for extent, stride in zip(outer, self.strides, strict=True))
        return last + self.layout.block

    @property
    def bytes(self) -> int:
        return self.storage * self.dtype.size

    def same_logical(self, other: TensorType) -> bool:
        """Equal but for the layout."""
        return self.dtype is other.dtype and self.shape == other.shape

    def __str__(self) -> str:
        dims = ", ".join(map(str, self.shape))
        if self.is_plain:
            return f"{self.dtype.value}[{dims}]"
        strides = "" if self.is_dense else "(" + ", ".join(map(str, self.strides)) + ")"
        return f"{self.dtype.value}[{dims}; {self.layout.name()}{strides}]"
