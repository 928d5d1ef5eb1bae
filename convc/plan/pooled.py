"""A convolution whose results are averaged over the whole map, each work item's summed as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from convc.ir.graph import Node, Value
from convc.ir.op import Fused
from convc.ir.types import Layout, TensorType
from convc.kernels.base import Kernel
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.convolution import Convolution
from convc.kernels.grouped import Grouped
from convc.ops.pool import GlobalAvgPool
from convc.options import Target
from convc.plan.call import Call
from convc.plan.reduce import reduce_kernel

#: What computes a node without its pool.
Select = Callable[[Node], tuple[Call, ...]]


def pooled_parts(node: Node) -> tuple[Node, Node] | None:
    """The region without the global average that ends it, and that average; None where the node is no such region."""
    if not isinstance(node.op, Fused) or len(node.op.results) != 2:
        return None
    if not isinstance(node.op.nodes[-1].op, GlobalAvgPool):
        return None
    *before, pool = node.op.nodes
    main = before[0] if len(before) == 1 else replace(Fused.of(before), span=node.span)
    return main, pool


def pooled_calls(main: Node, pool: Node, select: Select, target: Target) -> tuple[Call, ...]:
    """The calls for both: the sums of every work item, then their mean; the map read again where a kernel keeps none.

    Work items, not threads, have a place for their sums, and those are added in order: the mean does not depend on the
    number of threads.
    """
    *before, call = select(main)
    kernel = _summing(call.kernel)
    if kernel is None or call.operands[-1] != main.output:
        return (*before, call, *select(pool))
    src = main.output.type
    shape = (*src.shape[:2], kernel.map_items)
    partial = Value(f"{pool.name}.sums", TensorType(src.dtype, shape, Layout.dense(shape, target.lanes)))
    operands = (*call.operands[:-1], partial, main.output)
    summing = replace(
        call, kernel=kernel, operands=operands, reason=f"{call.reason}; sums of what it stores are kept for {pool.name}"
    )
    dst = pool.output.type
    flat = TensorType(dst.dtype, (*dst.shape[:2], 1), Layout.dense((*dst.shape[:2], 1), dst.block))
    mean = reduce_kernel("reduce_mean", partial.type, flat, (2,), True, target)
    mean = replace(mean, count=src.elements // (src.shape[0] * src.shape[1]))
    node = Node(pool.op, (partial,), pool.outputs, pool.span)
    reason = f"the sums that {main.name} kept, {kernel.map_items} for each channel"
    return (*before, summing, Call(mean, (partial, pool.output), mean.items, node, reason))


def _summing(kernel: Kernel) -> Convolution | None:
    """The kernel that also keeps sums of what it stores; None where there is none."""
    if isinstance(kernel, Grouped) or (isinstance(kernel, ConvDirect) and kernel.dst_blocked and not kernel.linear):
        return replace(kernel, sums=True) if kernel.depth.out == 1 else None
    return None
