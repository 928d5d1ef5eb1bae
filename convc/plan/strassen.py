"""The calls of a pointwise convolution that Strassen's product computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convc.ir.graph import Graph, Node, Value
from convc.ir.types import Layout, TensorType
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane
from convc.kernels.strassen import Strassen, StrassenOnce
from convc.kernels.strassen_twice import StrassenTwice
from convc.ops.conv import Conv
from convc.ops.pool import MaxPool
from convc.plan.call import Call, Packed, Scratch, plane
from convc.plan.candidate import Candidate, Choice
from convc.plan.formulas import make_formula
from convc.plan.pooling import pool_call
from convc.plan.problem import Problem
from convc.plan.strassen_shape import StrassenShape


def strassen_calls(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], problem: Problem, choice: Choice
) -> tuple[Call, ...]:
    """`anchor` with its epilogue, computed as `choice` says: where it has a stride, its pixels are brought together."""
    if not problem.strided:
        return (_product(graph, node, anchor, followers, problem, choice),)
    op, src, dst = anchor.op, anchor.inputs[0], anchor.output.type
    assert isinstance(op, Conv)
    shape = (*src.type.shape[:2], *dst.shape[2:])
    pixels = Value(f"{anchor.name}.pixels", TensorType(src.type.dtype, shape, Layout.dense(shape, problem.lanes)))
    rank = len(op.stride)
    pool = MaxPool((1,) * rank, op.stride, (0,) * 2 * rank, (1,) * rank)
    gather = Node(pool, (src,), (pixels,), anchor.span)
    together = replace(anchor, inputs=(pixels, *anchor.inputs[1:]))
    reason = "the pixels of a strided convolution, brought together for Strassen's product"
    gathered = replace(pool_call(graph, gather, gather, ()), reason=reason)
    return (gathered, _product(graph, node, together, followers, problem, choice))


def _product(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], problem: Problem, choice: Choice
) -> Call:
    bias = len(anchor.inputs) == 3
    formula, operands = make_formula(graph, followers, node.output.type, problem.lanes, anchor.output)
    planes = plane(anchor.inputs[0].type), plane(node.output.type)
    kernel = product_kernel(problem, choice.candidate, *planes, bias, formula)
    biases = (Packed(anchor.inputs[2], VectorPacking(kernel.oc, kernel.bias_floats)),) if bias else ()
    sources = (anchor.inputs[0], Packed(anchor.inputs[1], kernel.packing), *biases, *operands)
    operands = (*sources, Scratch(kernel.scratch_bytes), node.output)
    return Call(kernel, operands, kernel.items, node, product_reason(kernel, choice))


def product_kernel(
    problem: Problem, candidate: Candidate, src: Plane, dst: Plane, bias: bool, epilogue: Formula, by_rows: bool = False
) -> Strassen:
    """The kernel of a candidate over images, or `by_rows` over matrices."""
    shape = StrassenShape(problem, candidate)
    pixels, vectors = shape.register_tile
    kernel = StrassenOnce if candidate.levels == 1 else StrassenTwice
    return kernel(
        problem.lanes, vectors, pixels, problem.n, problem.ic, problem.oc, problem.pixels, candidate.block,
        shape.parts, src, dst, bias, epilogue, by_rows,
    )  # fmt: skip


def product_reason(kernel: Strassen, choice: Choice) -> str:
    what = "rows" if kernel.by_rows else "pixels"
    how = "strassen: 7 products of halves for 8, pairs of"
    if isinstance(kernel, StrassenTwice):
        how = "strassen twice: 49 products of quarters for 64, fours of"
    return (
        f"{how} {kernel.pixels} {what} x {kernel.vectors * kernel.lanes} channels, {kernel.chunk} at a time: "
        f"{choice.reason}"
    )
