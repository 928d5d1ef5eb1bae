"""The call of a pointwise convolution that Strassen's product computes."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.strassen import Strassen
from convc.plan.call import Call, Packed, Scratch, plane
from convc.plan.choose import Choice, StrassenShape
from convc.plan.formulas import make_formula
from convc.plan.problem import Problem


def strassen_call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], problem: Problem, choice: Choice
) -> Call:
    """`anchor` with its epilogue, computed as `choice` says."""
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
