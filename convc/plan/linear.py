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
from convc.kernels.formula import IDENTITY
from convc.kernels.plane import Plane
from convc.kernels.register_tile import choose_tile, wide_tile
from convc.kernels.tiles import UNIT, Axis
from convc.ops.conv import Conv
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.options import Target
from convc.plan.call import Call, Packed
from convc.plan.formulas import make_formula


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
class _Rows:
    """A product to be: `rows` of `ic` numbers with a matrix of `oc` by `ic`."""

    rows: int
    ic: int
    oc: int


def linear_call(
    graph: Graph, node: Node, flatten: Node | None, anchor: Node, followers: Sequence[Node], target: Target
) -> Call:
    """The call for a linear layer; with `flatten` it reads a blocked image as one row, in the order it lies."""
    op = anchor.op
    assert isinstance(op, Linear)
    source = flatten.inputs[0] if flatten else anchor.inputs[0]
    src, weight = source.type, anchor.inputs[1]
    oc, ic = weight.type.shape
    rows = prod(anchor.inputs[0].type.shape[:-1])
    interleave = None
    if src.block > 1:
        pixels_in = src.elements // (src.shape[0] * src.shape[1])
        interleave = (src.shape[1], pixels_in, src.block)
        ic = round_up(src.shape[1], src.block) * pixels_in
    row = src.strides[0] if flatten or src.rank == 2 else ic
    shape = _Rows(rows, ic, oc)
    kernel, packing = _kernel(shape, row, op.bias, target, interleave)
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, round_up(oc, target.lanes))),) if op.bias else ()
    call = Call(kernel, (source, Packed(weight, packing), *bias), kernel.items, node, _reason(shape, kernel))
    return _with_epilogue(graph, call, anchor.output, followers, shape, target)


def is_of_one_pixel(node: Node) -> bool:
    """Whether a convolution is a linear layer over the channels of one pixel, as in squeeze-and-excitation."""
    op, src, dst = node.op, node.inputs[0].type, node.output.type
    if not isinstance(op, Conv) or op.groups > 1 or src.block != dst.block:
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
    shape = _Rows(src.shape[0], round_up(ic, src.block), oc)
    kernel, packing = _kernel(shape, src.strides[0], op.bias, target, (ic, 1, src.block) if src.block > 1 else None)
    formula, operands = make_formula(graph, followers, dst, target.lanes, anchor.output)
    accesses = tuple(replace(a, strides=(0, a.strides[1], 0, 0, a.strides[0])) for a in formula.accesses)
    kernel = replace(
        kernel, dst=replace(kernel.dst, w=dst.strides[0]), dst_blocked=dst.block > 1,
        epilogue=replace(formula, accesses=accesses),
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, round_up(oc, target.lanes))),) if op.bias else ()
    operands = (source, Packed(weight, packing), *bias, *operands, node.output)
    return Call(kernel, operands, kernel.items, node, f"one pixel: {_reason(shape, kernel)}")


def is_rows_times_matrix(graph: Graph, node: Node) -> bool:
    """Whether a product is rows that lie one after another times a constant matrix."""
    op = node.op
    b = node.inputs[1]
    return isinstance(op, MatMul) and not op.transpose_a and b.type.rank == 2 and b.name in graph.constants


def constant_matmul_call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target
) -> Call:
    """The call for a product whose right side is a constant matrix, packed as a linear layer's weights are."""
    op, (a, b) = anchor.op, anchor.inputs
    assert isinstance(op, MatMul)
    p = op.product(a.type, b.type)
    shape = _Rows(prod(a.type.shape[:-1]), p.k, p.n)
    kernel, packing = _kernel(shape, p.k, False, target, None)
    packed = Packed(b, packing if op.transpose_b else TurnedPacking(p.n, p.k, packing))
    call = Call(kernel, (a, packed), kernel.items, node, _reason(shape, kernel))
    return _with_epilogue(graph, call, anchor.output, followers, shape, target)


def _kernel(
    shape: _Rows, row: int, bias: bool, target: Target, interleave: tuple[int, int, int] | None
) -> tuple[ConvDirect, ConvPacking]:
    lanes = target.lanes
    blocks = ceil_div(shape.oc, lanes)
    rows = shape.rows
    pixels, vectors = wide_tile(blocks) if rows == 1 else choose_tile(blocks, rows, target.registers, ragged=True)
    reduction = Reduction(shape.ic, shape.ic, (0,) * ceil_div(blocks, vectors))
    kernel = ConvDirect(
        lanes, vectors, pixels, 1, shape.oc, UNIT, UNIT, Axis(rows, rows, 1, 1, 1, 0), reduction,
        Plane(0, 0, 1, 0, 0, row), 1, Plane(0, lanes, 1, 0, 0, shape.oc), False, bias, IDENTITY, group_rows=1,
        linear=True,
    )  # fmt: skip
    return kernel, ConvPacking(shape.oc, 1, (1, 1), vectors, lanes, reduction, interleave)


def _reason(shape: _Rows, kernel: ConvDirect) -> str:
    what = "vector" if shape.rows == 1 else f"{shape.rows} rows"
    return f"matrix times {what}, {kernel.vectors * kernel.lanes} outputs at a time"


def _with_epilogue(
    graph: Graph, call: Call, accumulator: Value, followers: Sequence[Node], shape: _Rows, target: Target
) -> Call:
    """The call with what follows; the epilogue's operands step by rows, which are this kernel's pixels."""
    result = call.node.output
    rows = TensorType.plain((shape.rows, shape.oc), result.type.dtype)
    nodes = [_as_rows(node, result.type, rows) for node in followers]
    formula, operands = make_formula(graph, nodes, rows, target.lanes, Value(accumulator.name, rows))
    accesses = tuple(replace(a, strides=(0, a.strides[1], 0, 0, a.strides[0])) for a in formula.accesses)
    assert isinstance(call.kernel, ConvDirect)
    kernel = replace(call.kernel, epilogue=replace(formula, accesses=accesses))
    return replace(call, kernel=kernel, operands=(*call.operands, *operands, result))


def _as_rows(node: Node, whole: TensorType, rows: TensorType) -> Node:
    """A follower over rows: values of the result's shape become matrices, numbers and vectors lose their axes of 1."""
    if whole.rank == 2:
        return node

    def seen(value: Value) -> Value:
        if value.type.shape == whole.shape:
            return Value(value.name, rows)
        return Value(value.name, TensorType.plain(value.type.shape[-1:], value.type.dtype))

    return Node(node.op, tuple(map(seen, node.inputs)), tuple(map(seen, node.outputs)), node.span)
