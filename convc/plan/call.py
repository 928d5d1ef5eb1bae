"""What selecting a kernel for a node results in, before places in memory are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convc.diagnostics import ConvcError
from convc.ir.graph import Node, Value
from convc.ir.types import TensorType, ceil_div
from convc.kernels.base import Kernel, Packing
from convc.kernels.formula import Dims
from convc.kernels.plane import Plane


@dataclass(frozen=True, slots=True)
class Packed:
    """A constant operand in the form its kernel wants."""

    value: Value
    packing: Packing


@dataclass(frozen=True, slots=True)
class Scratch:
    """Working memory of the thread that runs the step; its contents mean nothing before and after a work item."""

    bytes: int


Operand = Value | Packed | Scratch


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel and its operands in the order of its C parameters; the last is the destination."""

    kernel: Kernel
    operands: tuple[Operand, ...]
    items: int
    node: Node
    reason: str


def five(numbers: Sequence[int], absent: int) -> Dims:
    """Numbers by dimension of a tensor as those of (n, c, d, h, w); `absent` stands for dimensions it has not.

    Of two spatial dimensions the depth is missing, of one the height too: `ncw` is an image of one row.

    Raises:
        ConvcError: There are more than five.
    """
    if len(numbers) > 5:
        raise ConvcError(f"a tensor of {len(numbers)} dimensions: kernels take up to 5; reshape it to fewer")
    n, c = (*numbers, absent, absent)[:2]
    d, h, w = (*[absent] * (3 - len(numbers[2:])), *numbers[2:])
    return n, c, d, h, w


def extent5(type: TensorType) -> Dims:
    """The shape as (n, c, d, h, w)."""
    return five(type.shape, 1)


def plane(type: TensorType, lanes: int = 1) -> Plane:
    """Strides of a tensor for a kernel that handles `lanes` channels at a time."""
    n, c, d, h, w = five(type.strides, 0)
    if type.block > 1:
        return Plane(n, c, 1, d, h, w)
    return Plane(n, c * lanes, c, d, h, w)


def lanes_of(type: TensorType) -> int:
    """Lanes of a channelwise kernel that writes this tensor: its block; one at a time where it is plain."""
    return type.block


def blocks_of(type: TensorType, lanes: int) -> int:
    return ceil_div(type.shape[1], lanes)
