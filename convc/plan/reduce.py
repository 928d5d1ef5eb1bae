"""Reductions: which loops are kept, which are summed, and what lies in the lanes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final, Literal

from convc.ir.graph import Graph, Node, Value
from convc.ir.types import Layout, TensorType, ceil_div
from convc.kernels.reduce import Kept, Reduce, Summed
from convc.ops.elementwise import Div
from convc.ops.reduce import Reduce as ReduceOp
from convc.ops.statistics import LpNorm
from convc.options import Target
from convc.plan.call import Call
from convc.plan.elementwise import elementwise_call

Kind = Literal["sum", "max", "min", "prod", "l1", "squares", "exp"]
Finish = Literal["", "mean", "sqrt", "log"]

#: What each op sums, and what is done with the total.
_KINDS: Final[dict[str, tuple[Kind, Finish]]] = {
    "reduce_sum": ("sum", ""),
    "reduce_mean": ("sum", "mean"),
    "reduce_max": ("max", ""),
    "reduce_min": ("min", ""),
    "reduce_prod": ("prod", ""),
    "reduce_l1": ("l1", ""),
    "reduce_l2": ("squares", "sqrt"),
    "reduce_sum_square": ("squares", ""),
    "reduce_log_sum": ("sum", "log"),
    "reduce_log_sum_exp": ("exp", "log"),
}

#: Kinds that lanes of zeros leave as they are.
_ZERO_SAFE: Final = ("sum", "l1", "squares")


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of the source; `dst` is None where it is summed over."""

    extent: int
    src: int
    dst: int | None


def reduce_call(node: Node, op: ReduceOp, target: Target) -> Call:
    """The call for a reduction."""
    src, dst = node.inputs[0], node.output
    kernel = reduce_kernel(op.name, src.type, dst.type, op.axes, op.keepdims, target)
    lying = "results" if kernel.across else "elements of one result"
    return Call(kernel, (src, dst), kernel.items, node, f"four partial results; {lying} lie in the lanes")


def lp_norm_calls(graph: Graph, node: Node, target: Target) -> tuple[Call, ...]:
    """The lengths, then a division."""
    op, x = node.op, node.inputs[0]
    assert isinstance(op, LpNorm)
    shape = tuple(1 if axis == op.axis else n for axis, n in enumerate(x.type.shape))
    block = x.type.block if op.axis != 1 else 1
    length = Value(f"{node.name}.length", TensorType(x.type.dtype, shape, Layout.dense(shape, block)))
    what = "reduce_l1" if op.p == 1 else "reduce_l2"
    kernel = reduce_kernel(what, x.type, length.type, (op.axis,), True, target, least=op.eps)
    lengths = Call(kernel, (x, length), kernel.items, node, "the lengths first")
    divide = Node(Div(), (x, length), node.outputs, node.span)
    return lengths, replace(elementwise_call(graph, divide, (divide,), target), node=node)


def reduce_kernel(
    what: str, src: TensorType, dst: TensorType, axes: tuple[int, ...], keepdims: bool, target: Target,
    least: float = 0.0,
) -> Reduce:  # fmt: skip
    """The kernel that reduces `src` over `axes` into `dst`."""
    kind, finish = _KINDS[what]
    kept = [axis for axis in range(src.rank) if axis not in axes]
    strides = {axis: dst.strides[axis if keepdims else place] for place, axis in enumerate(kept)}
    count = prod(src.shape[axis] for axis in axes)
    found = [_Axis(n, src.strides[axis], strides.get(axis)) for axis, n in enumerate(src.shape)]
    if src.block > 1:
        return _blocked(what, kind, finish, src, dst, found, count, least)
    nest = _merged(found)
    inner = nest.pop() if nest and nest[-1].src == 1 else _Axis(1, 1, None)
    across = inner.dst is not None
    lanes = min(target.lanes, 1 << (inner.extent - 1).bit_length())
    return Reduce(
        what, kind, finish, _legal(lanes, target), across, *_loops(nest), inner.extent, count,
        vector_src=_legal(lanes, target), vector_dst=_legal(lanes, target) * (inner.dst or 0),
        lane_dst=inner.dst or 1, least=least,
    )  # fmt: skip


def _legal(lanes: int, target: Target) -> int:
    """A vector width that the machine has: no wider than needed, but 2 is no width."""
    return lanes if lanes in (1, 4, 8, 16) else min(4, target.lanes)


def _blocked(
    what: str, kind: Kind, finish: Finish, src: TensorType, dst: TensorType, axes: list[_Axis], count: int, least: float
) -> Reduce:
    block, channels = src.block, src.shape[1]
    blocks = ceil_div(channels, block)
    others = [axes[0], *axes[2:]]
    step = axes[1].dst
    if step is not None:  # channels are kept: results lie in the lanes
        vector_dst, lane_dst = (step, 1) if dst.block > 1 else (step * block, step)
        return Reduce(
            what, kind, finish, block, True, *_loops(_merged(others)), channels, count, src.strides[1], vector_dst,
            lane_dst, src_padded=True, dst_padded=dst.block > 1, least=least,
        )  # fmt: skip
    padded = dst.block > 1
    if channels % block == 0 or kind in _ZERO_SAFE:  # lanes and blocks alike are summed, the lanes at the end
        all_axes = _merged([axes[0], _Axis(blocks, src.strides[1], None), *axes[2:]])
        return Reduce(
            what, kind, finish, block, False, *_loops(all_axes), block, count, block, src_padded=True,
            dst_padded=padded, least=least,
        )  # fmt: skip
    return Reduce(
        what, kind, finish, block, False, *_loops(_merged(others)), channels, count, src.strides[1], src_padded=True,
        dst_padded=padded, least=least,
    )  # fmt: skip


def _loops(axes: list[_Axis]) -> tuple[tuple[Kept, ...], tuple[Summed, ...]]:
    kept = tuple(Kept(axis.extent, axis.src, axis.dst) for axis in axes if axis.dst is not None)
    return kept, tuple(Summed(axis.extent, axis.src) for axis in axes if axis.dst is None)


def _merged(axes: list[_Axis]) -> list[_Axis]:
    """Neighbours that run as one joined, axes of one step left out."""
    found: list[_Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        outer = found[-1] if found else None
        runs = outer is not None and outer.src == axis.src * axis.extent and (
            outer.dst == axis.dst * axis.extent if outer.dst is not None and axis.dst is not None
            else outer.dst is axis.dst
        )
        if outer is not None and runs:
            found[-1] = _Axis(outer.extent * axis.extent, axis.src, axis.dst)
        else:
            found.append(axis)
    return found
