"""The axes of a window operation as kernels take them."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.types import TensorType
from convc.kernels.tiles import UNIT, Axis
from convc.ops.conv import Conv
from convc.ops.pool import WindowPool

Axes = tuple[Axis, Axis, Axis]


def axes_of(op: Conv | WindowPool, kernel: Sequence[int], src: TensorType, dst: TensorType) -> Axes:
    """Depth, height and width; an axis that the tensors have not is a unit."""
    rank = len(kernel)
    dilation: Sequence[int] = getattr(op, "dilation", (1,) * rank)
    found = [
        Axis(src.shape[2 + i], dst.shape[2 + i], kernel[i], op.stride[i], dilation[i], op.pad[i]) for i in range(rank)
    ]
    depth, height, width = [UNIT] * (3 - rank) + found
    return depth, height, width
