"""The call of a Winograd convolution that was chosen."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane
from convc.kernels.winograd import Winograd
from convc.kernels.winograd_packing import WinogradPacking
from convc.plan.blocking import walk_of
from convc.plan.call import Call, Packed, Scratch
from convc.plan.candidate import Choice
from convc.plan.formulas import make_formula
from convc.plan.problem import Problem
from convc.plan.winograd_shape import WinogradShape


def winograd_call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], problem: Problem, choice: Choice
) -> Call:
    """`anchor` with its epilogue, computed as `choice` says."""
    bias = len(anchor.inputs) == 3
    formula, operands = make_formula(graph, followers, node.output.type, problem.lanes, anchor.output)
    walk = walk_of(anchor, node.output.type, formula, problem.lanes)
    kernel, packing, reason = winograd_kernel(problem, choice, walk.src, walk.dst, walk.epilogue, bias)
    biases = (Packed(anchor.inputs[2], VectorPacking(kernel.oc, kernel.bias_floats)),) if bias else ()
    sources = (anchor.inputs[0], Packed(anchor.inputs[1], packing), *biases, *operands)
    return Call(kernel, (*sources, Scratch(kernel.scratch_bytes), node.output), kernel.items, node, reason)


def winograd_kernel(
    p: Problem, choice: Choice, src: Plane, dst: Plane, formula: Formula, bias: bool, starts: tuple[int, ...] = ()
) -> tuple[Winograd, WinogradPacking, str]:
    """The kernel for a problem, how its weights are packed, and in words what it does."""
    shape = WinogradShape(p, choice.candidate)
    pixels, vectors = shape.register_tile
    kernel = Winograd(
        p.lanes, vectors, pixels, p.n, p.ic, p.oc, p.groups, p.depth, p.height, p.width, shape.schemes,
        choice.candidate.block, shape.span, shape.parts, src, dst, bias, formula, starts,
    )  # fmt: skip
    packing = WinogradPacking(p.oc, p.ic, p.groups, p.depth.kernel, shape.schemes, vectors, p.lanes, shape.span)
    height, width = shape.schemes
    reason = (
        f"winograd {height} x {width}, {kernel.tiles} tiles in blocks of {kernel.block_sizes[0]}, {pixels} x "
        f"{vectors * p.lanes} channels in registers: {choice.reason}"
    )
    return kernel, packing, reason
