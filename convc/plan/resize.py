"""The kernels of a resize."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from convc.ir.graph import Graph, Node
from convc.ir.types import TensorType, lanes_filled
from convc.kernels.resize import ONE
from convc.kernels.resize import Resize as ResizeKernel
from convc.kernels.spread import Spread, can_spread
from convc.ops.resize import Resize
from convc.plan.call import Call, Scratch, extent5, plane
from convc.plan.formulas import make_formula


def resize_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], lanes: int) -> Call:
    """Rows combined, then pixels; of plain images that grow, pixels as they are."""
    op = anchor.op
    assert isinstance(op, Resize)
    src, dst = anchor.inputs[0].type, node.output.type
    lanes = lanes_filled(src.shape[-1], lanes)
    if not followers and src.block == dst.block == 1 and spreads(op, src, lanes):
        spread = _spread(op, src, lanes)
        reason = f"a vector of {lanes} outputs is a vector of the source, its lanes spread"
        return Call(spread, (anchor.inputs[0], node.output), spread.items, node, reason)
    formula, operands = make_formula(graph, followers, dst, dst.block, anchor.output)
    n, channels, *size = extent5(src)
    taps = op.taps(src.shape[2:])
    depth, height, width = [ONE] * (3 - len(taps)) + list(taps)
    kernel = ResizeKernel(
        dst.block, op.mode, n, channels, (size[0], size[1], size[2]), depth, height, width, plane(src), plane(dst),
        formula,
    )  # fmt: skip
    scratch = (Scratch(kernel.scratch_bytes),) if kernel.combines else ()
    reason = "rows are combined first, then pixels along them" if kernel.combines else "pixels along rows"
    return Call(kernel, (anchor.inputs[0], *operands, *scratch, node.output), kernel.items, node, reason)


def spreads(op: Resize, src: TensorType, lanes: int) -> bool:
    """Whether every output is a pixel as it is, and a vector of them lies in one of the source."""
    taps = op.taps(src.shape[2:])
    return all(axis.copies for axis in taps) and can_spread(
        [place for (place,) in taps[-1].places], src.shape[-1], lanes
    )


def _spread(op: Resize, src: TensorType, lanes: int) -> Spread:
    *outer, columns = [[place for (place,) in axis.places] for axis in op.taps(src.shape[2:])]
    rows = [0]
    for axis, extent in zip(outer, src.shape[2:-1], strict=True):
        rows = [row * extent + place for row in rows for place in axis]
    return Spread(
        lanes, prod(src.shape[:2]), prod(src.shape[2:]), src.shape[-1], tuple(rows), tuple(columns)
    )
