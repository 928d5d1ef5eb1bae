"""The kernel of a resize."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.kernels.resize import ONE
from convc.kernels.resize import Resize as ResizeKernel
from convc.ops.resize import Resize
from convc.plan.call import Call, Scratch, extent5, plane
from convc.plan.formulas import make_formula


def resize_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node]) -> Call:
    op = anchor.op
    assert isinstance(op, Resize)
    src, dst = anchor.inputs[0].type, node.output.type
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
