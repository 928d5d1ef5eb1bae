"""Matrix products: by the convolution's kernel where the right side is constant, else by one of their own."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node, Value
from convc.ir.types import Shape, ceil_div
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.matmul import Batch, MatMul
from convc.kernels.register_tile import choose_tile, wide_tile
from convc.ops.matmul import MatMul as MatMulOp
from convc.ops.matmul import Product
from convc.options import Target
from convc.plan.call import Call, Operand, Packed, Scratch


def matmul_call(graph: Graph, node: Node, op: MatMulOp, target: Target) -> Call:
    """The call for a product; a right side of one column takes the place of the left one, turned."""
    a, b = node.inputs
    p = op.product(a.type, b.type)
    a_steps = _turned(_last_two(a, 0), op.transpose_a)
    b_steps = _turned(_last_two(b, 1), op.transpose_b)
    operands = [_operand(graph, a), _operand(graph, b)]
    batch = _batch(p, a.type.strides[: len(p.a_batch)], b.type.strides[: len(p.b_batch)], p.m * p.n)
    m, n = p.m, p.n
    if n == 1 and m > 1:
        operands.reverse()
        batch = tuple(Batch(axis.extent, axis.b, axis.a, axis.dst) for axis in batch)
        a_steps, b_steps = (b_steps[1], b_steps[0]), (a_steps[1], a_steps[0])
        m, n = n, m
    blocks = ceil_div(n, target.lanes)
    tile, vectors = wide_tile(blocks) if m == 1 else choose_tile(blocks, m, target.registers)
    kernel = MatMul(target.lanes, vectors, min(tile, m), batch, m, p.k, n, a_steps, b_steps, n)
    scratch = (Scratch(kernel.scratch_bytes),) if kernel.packs else ()
    how = "columns packed first" if kernel.packs else "columns as they lie"
    return Call(
        kernel, (*operands, *scratch, node.output), kernel.items, node,
        f"tiles of {kernel.tile} rows x {kernel.width} columns, {how}",
    )  # fmt: skip


def _operand(graph: Graph, value: Value) -> Operand:
    constant = value.name in graph.constants
    return Packed(value, VectorPacking(value.type.elements, value.type.elements)) if constant else value


def _last_two(value: Value, vector: int) -> tuple[int, int]:
    """Strides of rows and columns; a vector is a row on the left (0), a column on the right (1)."""
    strides = value.type.strides
    if len(strides) > 1:
        return strides[-2], strides[-1]
    return (0, 1) if vector == 0 else (1, 1)


def _turned(steps: tuple[int, int], turn: bool) -> tuple[int, int]:
    return (steps[1], steps[0]) if turn else steps


def _batch(p: Product, a: Sequence[int], b: Sequence[int], matrix: int) -> tuple[Batch, ...]:
    """The axes of the stacks; one that is broadcast stands still."""
    rank = len(p.batch)
    a_steps, b_steps = _steps(p.a_batch, a, rank), _steps(p.b_batch, b, rank)
    found, step = [], matrix
    for axis in reversed(range(rank)):
        if p.batch[axis] > 1:
            found.append(Batch(p.batch[axis], a_steps[axis], b_steps[axis], step))
        step *= p.batch[axis]
    return tuple(reversed(found))


def _steps(shape: Shape, strides: Sequence[int], rank: int) -> list[int]:
    return [0] * (rank - len(shape)) + [0 if n == 1 else s for n, s in zip(shape, strides, strict=True)]
