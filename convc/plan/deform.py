"""The kernel of a deformable convolution."""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.ir.types import TensorType, ceil_div
from convc.kernels.conv_packing import ConvPacking, VectorPacking
from convc.kernels.deform import Deform, Field, choose_strip
from convc.kernels.formula import Formula
from convc.kernels.register_tile import choose_tile
from convc.kernels.tiles import Axis
from convc.ops.deform import DeformConv
from convc.options import Target
from convc.plan.call import Call, Packed, Scratch, plane
from convc.plan.formulas import make_formula
from convc.plan.reduction import reduction_of, tile_blocks


def deform_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target) -> Call:
    op = anchor.op
    assert isinstance(op, DeformConv)
    x, weight, *rest = anchor.inputs
    bias, fields = rest[: op.bias], rest[op.bias :]
    src, dst, lanes = x.type, node.output.type, target.lanes
    oc, _, kh, kw = weight.type.shape
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    flat = _is_flat(dst, formula)
    n, _, oh, ow = dst.shape
    row, rows = (oh * ow, 1) if flat else (ow, oh)
    blocks = ceil_div(oc, lanes)
    pixels, vectors = choose_tile(tile_blocks(oc, op.groups, lanes, blocks), row, target.registers)
    reduction = reduction_of(TensorType.blocked(src.shape, lanes), oc, op.groups, vectors * lanes, blocks // vectors)
    strip = choose_strip(n, rows, row, pixels, ceil_div(src.shape[1], lanes) * lanes * kh * kw * 4)
    height, width = (
        Axis(src.shape[2 + i], (oh, ow)[i], (kh, kw)[i], op.stride[i], op.dilation[i], op.pad[i]) for i in (0, 1)
    )
    kernel = Deform(
        lanes, vectors, pixels, strip, n, src.shape[1], oc, height, width, op.offset_groups, reduction, plane(src),
        src.block, _field(fields[0].type), _field(fields[1].type) if len(fields) > 1 else None, plane(dst, lanes),
        dst.block > 1, op.bias, formula, flat,
    )  # fmt: skip
    packed = (
        Packed(weight, ConvPacking(oc, op.groups, (kh, kw), vectors, lanes, reduction)),
        *(Packed(value, VectorPacking(oc, blocks * lanes)) for value in bias),
    )
    reason = f"strips of {strip} pixels are sampled, then multiplied in tiles of {pixels} x {vectors * lanes} channels"
    all_operands = (x, *packed, *fields, *operands, Scratch(kernel.scratch_bytes), node.output)
    return Call(kernel, all_operands, kernel.items, node, reason)


def _field(type: TensorType) -> Field:
    n, block, h, w = type.strides
    return Field(n, block, h, w, type.block)


def _is_flat(dst: TensorType, formula: Formula) -> bool:
    """Whether rows follow each other without a gap, in the result and in what the epilogue reads."""
    width = dst.shape[3]
    steps = [dst.strides[2:], *(access.strides[3:] for access in formula.accesses)]
    return all(h == width * w for h, w in steps)
