"""Linear layers, products with a constant matrix, convolutions of a single pixel: the rows are a kernel's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from convc.ir.graph import Graph, Node, Value
from convc.ir.types import TensorType, ceil_div, round_up
from convc.kernels.base import Packing
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.conv_packing import ConvPacking, Reduction, VectorPacking
from convc.kernels.formula import IDENTITY, Formula
from convc.kernels.plane import Plane
from convc.kernels.register_tile import wide_tile
from convc.kernels.strassen import Strassen
from convc.kernels.tiles import UNIT, Axis
from convc.ops.conv import Conv
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.options import Options, Target
from convc.plan.call import Call, Operand, Packed, Scratch
from convc.plan.choose import choose
from convc.plan.formulas import make_formula
from convc.plan.problem import Problem
from convc.plan.reduction import channel_tile
from convc.plan.strassen import product_kernel, product_reason


@dataclass(frozen=True, slots=True)
class TurnedPacking(Packing):
    """A matrix `[columns, rows]` packed as `inner` packs `[rows, columns]`."""

    rows: int
    columns: int
    inner: Packing

    def size(self) -> int:
        return self.inner.size()

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return self.inner.apply(np.asarray(array).reshape(self.columns, self.rows).T)


@dataclass(frozen=True, slots=True)
class _Product:
    """A product to be: `rows` of `ic` numbers, `row` apart, with a matrix of `oc` by `ic`; perhaps with a bias."""

    rows: int
    ic: int
    oc: int
    row: int
    bias: bool = False


def linear_call(
    graph: Graph, node: Node, flatten: Node | None, anchor: Node, followers: Sequence[Node], options: Options
) -> Call:
    """The call for a linear layer; with `flatten` it reads a blocked image as one row, in the order it lies."""
    source, weight = (flatten or anchor).inputs[0], anchor.inputs[1]
    src = source.type
    if src.block > 1:
        pixels_in = src.elements // (src.shape[0] * src.shape[1])
        interleave = (src.shape[1], pixels_in, src.block)
        product = replace(_product(anchor), ic=round_up(src.shape[1], src.block) * pixels_in, row=src.strides[0])
        direct, order = _direct(product, options.target, interleave)
        return _rows_call(
            graph, node, anchor, followers, direct, (source, Packed(weight, order)), _reason(product, direct)
        )
    row = src.strides[0] if flatten or src.rank == 2 else weight.type.shape[1]
    kernel, packing, reason = _kernel(graph, anchor, replace(_product(anchor), row=row), options)
    return _rows_call(graph, node, anchor, followers, kernel, (source, Packed(weight, packing)), reason)


def is_of_one_pixel(node: Node) -> bool:
    """Whether a convolution is a linear layer over the channels of one pixel, as in squeeze-and-excitation.

    Padding may follow the pixel; what stands before it would be read instead of it.
    """
    op, src, dst = node.op, node.inputs[0].type, node.output.type
    if not isinstance(op, Conv) or op.groups > 1 or src.block != dst.block or any(op.pad[: src.rank - 2]):
        return False
    if any(type.strides[1] != type.block for type in (src, dst)):
        return False
    return prod(src.shape[2:]) == prod(dst.shape[2:]) == 1 and prod(node.inputs[1].type.shape[2:]) == 1


def one_pixel_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    """The call for a convolution of one pixel: its channels, however they are blocked, are a row of numbers."""
    op, (source, weight) = anchor.op, anchor.inputs[:2]
    assert isinstance(op, Conv)
    src, dst = source.type, node.output.type
    oc, ic = weight.type.shape[:2]
    product = _Product(src.shape[0], round_up(ic, src.block), oc, src.strides[0], op.bias)
    kernel, packing = _direct(product, target, (ic, 1, src.block) if src.block > 1 else None)
    formula, operands = make_formula(graph, followers, dst, target.lanes, anchor.output)
    kernel = replace(
        kernel, dst=replace(kernel.dst, w=dst.strides[0]), dst_blocked=dst.block > 1,
        epilogue=_by_rows(formula),
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, round_up(oc, target.lanes))),) if op.bias else ()
    operands = (source, Packed(weight, packing), *bias, *operands, node.output)
    return Call(kernel, operands, kernel.items, node, f"one pixel: {_reason(product, kernel)}")


def is_rows_times_matrix(graph: Graph, node: Node) -> bool:
    """Whether a product is rows that lie one after another times a constant matrix."""
    if not isinstance(node.op, MatMul) or node.op.transpose_a:
        return False
    b = node.inputs[1]
    return b.type.rank == 2 and b.name in graph.constants


def constant_matmul_call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], options: Options
) -> Call:
    """The call for a product whose right side is a constant matrix, packed as a linear layer's weights are."""
    op, (a, b) = anchor.op, anchor.inputs
    assert isinstance(op, MatMul)
    kernel, packing, reason = _kernel(graph, anchor, _product(anchor), options)
    packed = Packed(b, packing if op.transpose_b else TurnedPacking(kernel.oc, b.type.elements // kernel.oc, packing))
    return _rows_call(graph, node, anchor, followers, kernel, (a, packed), reason)


def product_problem(graph: Graph, anchor: Node, options: Options) -> Problem | None:
    """Rows times a constant matrix as a pointwise convolution of so many pixels.

    None where that is none that Strassen's product can compute: rows of other than whole vectors.
    """
    if not isinstance(anchor.op, Linear) and not is_rows_times_matrix(graph, anchor):
        return None
    p, target = _product(anchor), options.target
    if p.ic % target.lanes or p.oc % target.lanes:
        return None
    return Problem(
        1, p.ic, p.oc, 1, UNIT, UNIT, Axis(p.rows, p.rows, 1, 1, 1, 0), True, target.lanes, target.registers,
        options.threads, graph.sums_in_a_row, line=True,
    )  # fmt: skip


def _product(anchor: Node) -> _Product:
    """What a linear layer or a product with a constant matrix computes, of rows that follow one another."""
    source = anchor.inputs[0].type
    ic, oc = source.shape[-1], anchor.output.type.shape[-1]
    return _Product(source.elements // ic, ic, oc, ic, len(anchor.inputs) == 3)


def _kernel(
    graph: Graph, anchor: Node, product: _Product, options: Options
) -> tuple[ConvDirect | Strassen, Packing, str]:
    """The kernel for a product, how it has the matrix packed, and why it was chosen."""
    if problem := product_problem(graph, anchor, options):
        choice = choose(problem, options, anchor.name)
        if choice.candidate.is_strassen:
            src, dst = (Plane(0, problem.lanes, 1, 0, 0, row) for row in (product.row, product.oc))
            kernel = product_kernel(problem, choice.candidate, src, dst, product.bias, IDENTITY, by_rows=True)
            return kernel, kernel.packing, product_reason(kernel, choice)
    direct, packing = _direct(product, options.target)
    return direct, packing, _reason(product, direct)


def _direct(
    product: _Product, target: Target, interleave: tuple[int, int, int] | None = None
) -> tuple[ConvDirect, ConvPacking]:
    lanes, rows, oc = target.lanes, product.rows, product.oc
    blocks = ceil_div(oc, lanes)
    pixels, vectors = wide_tile(blocks) if rows == 1 else channel_tile(oc, 1, rows, target)
    reduction = Reduction(product.ic, product.ic, (0,) * ceil_div(blocks, vectors))
    kernel = ConvDirect(
        lanes, vectors, pixels, 1, oc, UNIT, UNIT, Axis(rows, rows, 1, 1, 1, 0), reduction,
        Plane(0, 0, 1, 0, 0, product.row), 1, Plane(0, lanes, 1, 0, 0, oc), False, product.bias, IDENTITY,
        group_rows=1, linear=True,
    )  # fmt: skip
    return kernel, ConvPacking(oc, 1, (1, 1), vectors, lanes, reduction, interleave)


def _reason(product: _Product, kernel: ConvDirect) -> str:
    what = "vector" if product.rows == 1 else f"{product.rows} rows"
    return f"matrix times {what}, {kernel.vectors * kernel.lanes} outputs at a time"


def _rows_call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], kernel: ConvDirect | Strassen,
    operands: tuple[Operand, ...], reason: str,
) -> Call:  # fmt: skip
    """The call with what follows; the epilogue's operands step by rows, which are this kernel's pixels."""
    result, oc, lanes = node.output, kernel.oc, kernel.lanes
    rows = TensorType.plain((result.type.elements // oc, oc), result.type.dtype)
    nodes = [_as_rows(follower, result.type, rows) for follower in followers]
    formula, others = make_formula(graph, nodes, rows, lanes, Value(anchor.output.name, rows))
    kernel = replace(kernel, epilogue=_by_rows(formula))
    scratch = (Scratch(kernel.scratch_bytes),) if isinstance(kernel, Strassen) else ()
    floats = kernel.bias_floats if isinstance(kernel, Strassen) else round_up(oc, lanes)
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, floats)),) if kernel.bias else ()
    return Call(kernel, (*operands, *bias, *others, *scratch, result), kernel.items, node, reason)


def _by_rows(formula: Formula) -> Formula:
    """An epilogue of `[row, channel]` whose operands step by rows where a kernel steps by pixels."""
    accesses = (replace(a, strides=(0, a.strides[1], 0, 0, a.strides[0])) for a in formula.accesses)
    return replace(formula, accesses=tuple(accesses))


def _as_rows(node: Node, whole: TensorType, rows: TensorType) -> Node:
    """A follower over rows: values of the result's shape become matrices, numbers and vectors lose their axes of 1."""
    if whole.rank == 2:
        return node

    def seen(value: Value) -> Value:
        if value.type.shape == whole.shape:
            return Value(value.name, rows)
        return Value(value.name, TensorType.plain(value.type.shape[-1:], value.type.dtype))

    return Node(node.op, tuple(map(seen, node.inputs)), tuple(map(seen, node.outputs)), node.span)
