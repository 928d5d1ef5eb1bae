"""Regions of more than one kernel's work: computed as one where there is a kernel for it, else part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused, members
from convc.ir.types import TensorType, ceil_div, round_up
from convc.kernels.conv_packing import ConvPacking, Reduction, VectorPacking
from convc.kernels.conv_pointwise import ConvPointwise, DepthwiseStage, Expansion, FormulaStage, choose_chunk
from convc.kernels.formula import Formula
from convc.kernels.grouped import GroupedPacking
from convc.kernels.plane import Plane
from convc.ops.channel_moves import moves_channels
from convc.ops.common import Elementwise
from convc.ops.conv import Conv, is_depthwise, is_pointwise
from convc.ops.linear import Linear
from convc.ops.pool import AvgPool, GlobalAvgPool, MaxPool
from convc.ops.shape import Flatten
from convc.options import Options, Target
from convc.plan.axes import axes_of
from convc.plan.call import Call, Operand, Packed, Scratch, extent5, plane
from convc.plan.formulas import make_formula
from convc.plan.reduction import channel_tile
from convc.plan.scaled import scaled_calls

#: Ops that a kernel begins with; a region has a part for each.
_ANCHORS: Final = (Conv, Linear, MaxPool, AvgPool, GlobalAvgPool)

#: Pixels of a strip, where rows are short enough: the weights are read once a strip.
_STRIP_PIXELS: Final = 64

#: Bands of strips that each thread gets, at most, where an expansion's rows are kept from one strip to the next; and
#: the part of those rows that may be computed twice for there to be more bands than threads.
_BANDS: Final = 4
_TWICE: Final = 0.03


def parts_of(node: Node) -> tuple[Node, ...]:
    """The node, or one for each part of its region: a convolution or pool with its epilogue, a movement of channels."""
    if all(map(moves_channels, members(node))):
        return members(node)
    parts: list[list[Node]] = []
    for member in members(node):
        joins = parts and (not isinstance(member.op, _ANCHORS) or isinstance(parts[-1][-1].op, Flatten))
        if joins:
            parts[-1].append(member)
        else:
            parts.append([member])
    if len(parts) == 1:
        return (node,)
    return tuple(part[0] if len(part) == 1 else Fused.of(part) for part in parts)


def fused_calls(graph: Graph, node: Node, parts: Sequence[Node], options: Options) -> tuple[Call, ...]:
    """The calls that compute all parts as one, and store nothing in between; none where there is no such kernel."""
    if len(parts) not in (2, 3) or not all(map(_is_read_by, parts, parts[1:])):
        return ()
    before, after = parts[-2:]
    staged = before.output.type
    if not is_pointwise(members(after)[0]) or not staged.block == options.target.lanes > 1 or staged.rank > 4:
        return ()
    if is_depthwise(members(before)[0]):
        stage = _depthwise_stage(graph, before, options.target)
    elif all(isinstance(member.op, Elementwise) for member in members(before)):
        if len(parts) == 2 and (scaled := scaled_calls(graph, node, before, after, options.target)):
            return scaled
        stage = _formula_stage(graph, before, options.target)
    else:
        return ()
    if stage and len(parts) == 3:
        stage = _expanded_stage(graph, parts[0], stage, options.target)
    return (_pointwise(graph, node, after, stage, options),) if stage else ()


def _is_read_by(part: Node, reader: Node) -> bool:
    return members(reader)[0].inputs[0].name == part.name


@dataclass(frozen=True, slots=True)
class _Stage:
    kernel: DepthwiseStage | FormulaStage
    operands: tuple[Operand, ...]


def _depthwise_stage(graph: Graph, before: Node, target: Target) -> _Stage | None:
    conv, *followers = members(before)
    src, staged, weight, lanes = conv.inputs[0].type, before.output.type, conv.inputs[1], target.lanes
    formula, operands = make_formula(graph, followers, staged, lanes, conv.output)
    if src.block != lanes or formula.gathers:
        return None
    assert isinstance(conv.op, Conv)
    channels, window = weight.type.shape[0], weight.type.shape[2:]
    kernel = DepthwiseStage(
        lanes, target.registers, src.shape[0], channels, channels, channels, *axes_of(conv.op, window, src, staged),
        plane(src), plane(staged), conv.op.bias, formula,
    )  # fmt: skip
    bias = (Packed(conv.inputs[2], VectorPacking(channels, round_up(channels, lanes))),) if conv.op.bias else ()
    packed = Packed(weight, GroupedPacking(channels, 1, window, lanes))
    return _Stage(kernel, (conv.inputs[0], packed, *bias, *operands))


def _formula_stage(graph: Graph, before: Node, target: Target) -> _Stage | None:
    formula, operands = make_formula(graph, members(before), before.output.type, target.lanes)
    if formula.gathers:
        return None
    *_, height, width = extent5(before.output.type)
    return _Stage(FormulaStage(formula, (height, width)), operands)


def _expanded_stage(graph: Graph, before: Node, stage: _Stage, target: Target) -> _Stage | None:
    """A depthwise stage that reads a ring of the rows of the pointwise convolution `before` it."""
    conv, *followers = members(before)
    src, expanded, lanes = conv.inputs[0].type, before.output.type, target.lanes
    formula, operands = make_formula(graph, followers, expanded, lanes, conv.output)
    if not isinstance(stage.kernel, DepthwiseStage) or not is_pointwise(conv) or src.block != lanes or formula.gathers:
        return None
    assert isinstance(conv.op, Conv)
    oc, ic = conv.inputs[1].type.shape[:2]
    *_, width = extent5(expanded)
    pixels, vectors = channel_tile(oc, 1, width, target)
    expansion = Expansion(lanes, vectors, pixels, ic, oc, width, plane(src), conv.op.bias, formula)
    reduction = Reduction(ic, lanes, (0,) * expansion.tiles)
    packing = ConvPacking(oc, 1, (1,) * (src.rank - 2), vectors, lanes, reduction)
    bias = (Packed(conv.inputs[2], VectorPacking(oc, round_up(oc, lanes))),) if conv.op.bias else ()
    packed = (conv.inputs[0], Packed(conv.inputs[1], packing), *bias, *operands)
    return _Stage(replace(stage.kernel, expansion=expansion), (*packed, *stage.operands[1:]))


def _pointwise(graph: Graph, node: Node, after: Node, stage: _Stage, options: Options) -> Call:
    conv, *followers = members(after)
    dst, lanes = node.output.type, options.target.lanes
    formula, operands = make_formula(graph, followers, dst, lanes, conv.output)
    assert isinstance(conv.op, Conv)
    oc, ic = conv.inputs[1].type.shape[:2]
    height, width = stage.kernel.extent
    rows = max(1, _STRIP_PIXELS // width) if _rows_join(dst, formula, width) else 1
    rows = ceil_div(height, ceil_div(height, rows))
    pixels, vectors = channel_tile(oc, 1, rows * width, options.target)
    chunk = choose_chunk(ceil_div(ic, lanes), lanes, vectors, rows * width)
    kernel = ConvPointwise(
        lanes, vectors, pixels, dst.shape[0], ic, oc, stage.kernel, rows, chunk, plane(dst, lanes), dst.block > 1,
        conv.op.bias, formula,
    )  # fmt: skip
    if kernel.expansion:
        kernel = _with_ring(kernel, options.threads)
    else:
        kernel = replace(kernel, groups=_groups(kernel, options.threads))
    reduction = Reduction(ic, lanes, (0,) * kernel.oc_tiles)
    packing = ConvPacking(oc, 1, (1,) * (dst.rank - 2), vectors, lanes, reduction, None, kernel.split)
    bias = (Packed(conv.inputs[2], VectorPacking(oc, round_up(oc, lanes))),) if conv.op.bias else ()
    reason = (
        f"strips of {rows} row{'s' if rows > 1 else ''} stay in the cache in between: {kernel.strip_pixels} pixels x "
        f"{min(ic, chunk * lanes)} channels, then tiles of {pixels} pixels x {vectors * lanes} channels"
    )
    if kernel.expansion:
        reason = f"{kernel.ring} rows of the expansion are kept in a ring; {reason}"
    scratch = Scratch(kernel.scratch_bytes)
    all_operands = (*stage.operands, Packed(conv.inputs[1], packing), *bias, *operands, scratch, node.output)
    return Call(kernel, all_operands, kernel.items, node, reason)


def _with_ring(kernel: ConvPointwise, threads: int) -> ConvPointwise:
    """The kernel with a ring in scratch for its stage's source, chunks of whole tiles of the expansion, and bands."""
    stage, expansion = kernel.stage, kernel.expansion
    assert isinstance(stage, DepthwiseStage) and expansion
    row = expansion.width * kernel.lanes
    ring = Plane(0, kernel.ring * row, 1, 0, row, kernel.lanes)
    chunk = round_up(kernel.chunk, expansion.vectors) if kernel.chunks > 1 else kernel.chunk
    shared = stage.rows_read(1) - stage.height.stride  # rows that two strips, one row each, both read
    few = [
        bands for bands in range(threads, _BANDS * threads + 1, threads)
        if threads > 1 and shared * (bands - 1) <= _TWICE * stage.height.size
    ]  # fmt: skip
    bands = min(kernel.units, max(few, default=threads))
    return replace(kernel, stage=replace(stage, src=ring), chunk=chunk, bands=bands)


def _groups(kernel: ConvPointwise, threads: int) -> int:
    """Groups of output channels: one, or as many as give every thread something to do."""
    wanted = ceil_div(threads, kernel.n * kernel.units)
    return ceil_div(kernel.oc_tiles, ceil_div(kernel.oc_tiles, min(wanted, kernel.oc_tiles)))


def _rows_join(dst: TensorType, formula: Formula, width: int) -> bool:
    """Whether the end of a row and the beginning of the next lie side by side, in the result and in every operand."""
    if dst.rank == 3:
        return True
    strides = [dst.strides[2:], *(access.strides[3:] for access in formula.accesses)]
    return all(h == w * width for h, w in strides)


__all__ = ["fused_calls", "parts_of"]
