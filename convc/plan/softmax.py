"""Softmax and its relatives: along the lanes where their axis is contiguous, across them elsewhere."""

from __future__ import annotations

from convc.diagnostics import ConvcError
from convc.ir.graph import Node
from convc.ir.types import ceil_div
from convc.kernels.formula import Access
from convc.kernels.softmax import Softmax
from convc.ops.softmax import AlongAxis
from convc.options import Target
from convc.plan.call import Call
from convc.plan.elementwise import collapse


def softmax_call(node: Node, target: Target) -> Call:
    """One kernel call; blocked images are taken as they are where the axis is spatial."""
    op, src, dst = node.op, node.inputs[0].type, node.output.type
    assert isinstance(op, AlongAxis)
    if src.block != dst.block or (src.block > 1 and op.axis == 1):
        raise ConvcError(f"{node.name} reads {src} and makes {dst}: `reorder` its input to the plain layout first")
    block = src.block
    extents = [ceil_div(n, block) if i == 1 and block > 1 else n for i, n in enumerate(src.shape)]
    ragged = block > 1 and src.shape[1] % block != 0
    own = [_without(type.strides, op.axis) for type in (src, dst)]
    loops, strides = collapse(_without(tuple(extents), op.axis), own, _block_axis(op.axis) if ragged else None)
    steps = src.strides[op.axis], dst.strides[op.axis]
    along = block == 1 and steps == (1, 1)
    kernel = Softmax(
        op.name, block if block > 1 else target.lanes, src.shape[op.axis], loops, _access(strides[0], block),
        _access(strides[1], block), *steps, along, src.shape[1] if ragged else 0,
        1 if ragged and op.axis != 0 and src.shape[0] > 1 else 0,
    )  # fmt: skip
    reason = "lanes along the axis" if along else "lanes across the axis"
    return Call(kernel, (node.inputs[0], node.output), kernel.items, node, f"largest value taken away first, {reason}")


def _without(numbers: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return numbers[:axis] + numbers[axis + 1 :]


def _block_axis(axis: int) -> int:
    """Where the blocks of channels are when the axis is left out."""
    return 1 if axis > 0 else 0


def _access(strides: tuple[int, ...], block: int) -> Access:
    """Vectors along the last loop; a loop of one element that was put there steps nothing."""
    if block > 1:
        return Access("block", strides)
    return Access("row" if strides[-1] == 1 else "lanes", strides, max(1, strides[-1]))

