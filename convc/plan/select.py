"""Choosing a kernel for each node, and filling its parameters.

One function per kind of node; `select` tries the region's anchor. All of them read layouts from the types: what is
blocked is computed by blocks, what is plain (levels 0 and 1) channel by channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from convc.diagnostics import InternalError
from convc.ir.graph import Graph, Node
from convc.ir.op import members
from convc.kernels.pointwise import ResponseNorm
from convc.ops.adaptive_pool import AdaptivePool
from convc.ops.common import Elementwise
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.ops.movement import Movement
from convc.ops.normalization import LocalResponseNorm
from convc.ops.pool import GlobalPool, WindowPool
from convc.ops.reduce import Reduce
from convc.ops.resize import Resize
from convc.ops.shape import Concat, Flatten, Reorder
from convc.ops.softmax import AlongAxis
from convc.ops.statistics import LpNorm, StatisticsNorm
from convc.options import Options
from convc.plan.call import Call, Operand, extent5, plane
from convc.plan.channels import channel_calls
from convc.plan.choose import choose
from convc.plan.conv_transpose import conv_transpose_calls
from convc.plan.copies import concat_calls, copy_call, movement_calls
from convc.plan.deform import deform_call
from convc.plan.direct import direct_call
from convc.plan.elementwise import elementwise_call
from convc.plan.formulas import make_formula
from convc.plan.grouped import grouped_call, is_narrow
from convc.plan.linear import (
    constant_matmul_call,
    is_of_one_pixel,
    is_rows_times_matrix,
    linear_call,
    one_pixel_call,
)
from convc.plan.matmul import matmul_call
from convc.plan.norm import norm_call
from convc.plan.pooled import pooled_calls, pooled_parts
from convc.plan.pooling import adaptive_call, global_call, pool_call
from convc.plan.problem import problem_of
from convc.plan.reduce import lp_norm_calls, reduce_call
from convc.plan.regions import fused_calls, parts_of
from convc.plan.resize import resize_call
from convc.plan.softmax import softmax_call
from convc.plan.strassen import strassen_calls
from convc.plan.winograd import winograd_call


def select(graph: Graph, node: Node, options: Options) -> tuple[Call, ...]:
    """The kernel calls that compute `node`: as one where its region has a kernel, else part by part."""
    if pooled := pooled_parts(node):
        return pooled_calls(*pooled, partial(select, graph, options=options), options.target)
    if moved := channel_calls(node):
        return moved
    parts = parts_of(node)
    if len(parts) > 1:
        calls = fused_calls(graph, node, parts, options)
        return calls or tuple(call for part in parts for call in select(graph, part, options))
    return _of_anchor(graph, node, options)


def _of_anchor(graph: Graph, node: Node, options: Options) -> tuple[Call, ...]:
    """The calls for a node, or for the one part of its region: an anchor and its epilogue."""
    target, nodes = options.target, members(node)
    anchor, followers = nodes[0], nodes[1:]
    if isinstance(anchor.op, Flatten):
        return (linear_call(graph, node, anchor, nodes[1], nodes[2:], options),)
    match anchor.op:
        case Conv() if is_of_one_pixel(anchor):
            return (one_pixel_call(graph, node, anchor, followers, target),)
        case Conv():
            return _conv(graph, node, anchor, followers, options)
        case ConvTranspose():
            return conv_transpose_calls(graph, node, anchor, followers, options)
        case DeformConv():
            return (deform_call(graph, node, anchor, followers, target),)
        case Linear():
            return (linear_call(graph, node, None, anchor, followers, options),)
        case WindowPool():
            return (pool_call(graph, node, anchor, followers),)
        case GlobalPool():
            return (global_call(graph, node, anchor, followers, target),)
        case AdaptivePool():
            return (adaptive_call(graph, node, anchor, followers),)
        case Resize():
            return (resize_call(graph, node, anchor, followers, target.lanes),)
        case AlongAxis():
            return (softmax_call(node, target),)
        case MatMul() if is_rows_times_matrix(graph, anchor):
            return (constant_matmul_call(graph, node, anchor, followers, options),)
        case MatMul():
            return (matmul_call(graph, node, anchor.op, target),)
        case Reduce():
            return (reduce_call(node, anchor.op, target),)
        case StatisticsNorm():
            return (norm_call(graph, node, anchor.op, target),)
        case LpNorm():
            return lp_norm_calls(graph, node, target)
        case LocalResponseNorm():
            return (_response_norm(node, anchor.op),)
        case Concat():
            return () if anchor.op.in_place else concat_calls(node, target)
        case Reorder():
            return (copy_call(node, node.inputs[0], node.output, "another layout is needed here", target),)
        case Movement():
            return movement_calls(node, target)
        case Elementwise():
            return (elementwise_call(graph, node, nodes, target),)
    raise InternalError(f"no kernel for {node.op.name} ({node.name})")


def _conv(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], options: Options) -> tuple[Call, ...]:
    op, target = anchor.op, options.target
    assert isinstance(op, Conv)
    src, dst = anchor.inputs[0].type, node.output.type
    if is_narrow(op, src, dst, target.lanes):
        return (grouped_call(graph, node, anchor, followers, target),)
    formula, _ = make_formula(graph, followers, dst, target.lanes, anchor.output)
    problem = problem_of(anchor, dst, options, graph.sums_in_a_row, formula)
    choice = choose(problem, options, anchor.name)
    if choice.candidate.is_strassen:
        return strassen_calls(graph, node, anchor, followers, problem, choice)
    if not choice.candidate.is_direct:
        return (winograd_call(graph, node, anchor, followers, problem, choice),)
    return (direct_call(graph, node, anchor, followers, target),)


def _response_norm(node: Node, op: LocalResponseNorm) -> Call:
    src, dst = node.inputs[0].type, node.output.type
    kernel = ResponseNorm(dst.block, *extent5(src), plane(src), plane(dst), op.size, op.alpha, op.beta, op.k)
    return Call(kernel, (node.inputs[0], node.output), kernel.items, node, "one pixel's channels at a time")


__all__ = ["Operand", "select"]
