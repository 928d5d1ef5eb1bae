"""What selecting a kernel for a node results in, before places in memory are known."""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.graph import Node, Value
from convc.ir.types import TensorType, ceil_div
from convc.kernels.base import Kernel, Packing
from convc.kernels.conv_direct import Plane


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


def extent4(type: TensorType) -> tuple[int, int, int, int]:
    """The shape as (n, c, h, w): ranks below 4 get trailing ones, below 1 leading ones."""
    shape = type.shape if type.rank else (1,)
    n, c, h, w = (*shape, 1, 1, 1)[:4]
    return n, c, h, w


def plane(type: TensorType, lanes: int = 1) -> Plane:
    """Strides of a tensor for a kernel that handles `lanes` channels at a time."""
    n, c, h, w = (*type.strides, 0, 0, 0, 0)[:4]
    if type.block > 1:
        return Plane(n, c, 1, h, w)
    return Plane(n, c * lanes, c, h, w)


def lanes_of(type: TensorType) -> int:
    """Lanes of a channelwise kernel that writes this tensor: its block; one at a time where it is plain."""
    return type.block


def blocks_of(type: TensorType, lanes: int) -> int:
    return ceil_div(type.shape[1], lanes)
