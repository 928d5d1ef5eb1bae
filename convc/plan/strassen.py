"""The calls of a pointwise convolution that Strassen's product computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convc.ir.graph import Graph, Node, Value
from convc.ir.types import Layout, TensorType
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.strassen import Strassen
from convc.ops.conv import Conv
from convc.ops.pool import MaxPool
from convc.plan.call import Call, Packed, Scratch, plane
from convc.plan.candidate import Choice
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
    shape = StrassenShape(problem, choice.candidate)
    pixels, vectors = shape.register_tile
    kernel = Strassen(
        problem.lanes, vectors, pixels, problem.n, problem.ic, problem.oc, problem.pixels, choice.candidate.block,
        shape.parts, plane(anchor.inputs[0].type), plane(node.output.type), bias, formula,
    )  # fmt: skip
    biases = (Packed(anchor.inputs[2], VectorPacking(kernel.oc, kernel.bias_floats)),) if bias else ()
    sources = (anchor.inputs[0], Packed(anchor.inputs[1], kernel.packing), *biases, *operands)
    reason = (
        f"strassen: 7 products of halves for 8, pairs of {pixels} pixels x {vectors * problem.lanes} channels, "
        f"{kernel.chunk} at a time: {choice.reason}"
    )
    return Call(kernel, (*sources, Scratch(kernel.scratch_bytes), node.output), kernel.items, node, reason)
