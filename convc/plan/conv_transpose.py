"""Choosing the kernels of transposed convolutions: convolutions for phases whose taps lie alike, direct or Winograd's.

Phases that Winograd computes have a call each, and so have those of narrow groups.
"""

from __future__ import annotations

from collections.abc import Sequence

from convc.ir.graph import Graph, Node
from convc.ir.types import TensorType, ceil_div, round_up
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.conv_packing import ConvPacking, Reduction, VectorPacking
from convc.kernels.conv_transpose import (
    WHOLE,
    AxisPhase,
    Phase,
    PhasePacking,
    TransposePacking,
    axis_phases,
    group_phases,
)
from convc.kernels.formula import Access, Formula
from convc.kernels.grouped import Grouped, GroupedPacking
from convc.kernels.plane import Plane
from convc.ops.conv_transpose import ConvTranspose
from convc.options import Options, Target
from convc.plan.axes import Axes
from convc.plan.blocking import Walk, rows_per_group, split_reduction
from convc.plan.call import Call, Packed, Scratch, five, plane
from convc.plan.candidate import Choice
from convc.plan.choose import choose
from convc.plan.formulas import make_formula
from convc.plan.grouped import is_narrow
from convc.plan.problem import Problem
from convc.plan.reduction import channel_tile, reduction_of
from convc.plan.winograd import winograd_kernel


def conv_transpose_calls(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], options: Options
) -> tuple[Call, ...]:
    """A call or more for each group of phases; together they write the whole result."""
    groups = group_phases(*_axes(anchor))
    total = sum(map(len, groups.values()))
    calls: list[Call] = []
    assert isinstance(anchor.op, ConvTranspose)
    narrow = is_narrow(anchor.op, anchor.inputs[0].type, node.output.type, options.target.lanes)
    for axes, phases in groups.items():
        if narrow:
            calls += [_grouped(graph, node, anchor, followers, options.target, axes, phase, total) for phase in phases]
            continue
        problem = _problem(graph, anchor, node, options, axes)
        choice = choose(problem, options, anchor.name)
        if choice.candidate.is_direct:
            calls.append(_call(graph, node, anchor, followers, options.target, axes, phases, total))
        else:
            calls += [_winograd(graph, node, anchor, followers, problem, choice, phase, total) for phase in phases]
    return tuple(calls)


def _problem(graph: Graph, anchor: Node, node: Node, options: Options, axes: Axes) -> Problem:
    """The convolution that makes one phase."""
    op, src, dst, target = anchor.op, anchor.inputs[0].type, node.output.type, options.target
    assert isinstance(op, ConvTranspose)
    blocked = src.block == target.lanes == dst.block
    return Problem(
        src.shape[0], src.shape[1], dst.shape[1], op.groups, *axes, blocked, target.lanes, target.registers,
        options.threads, graph.sums_in_a_row,
    )  # fmt: skip


def _winograd(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], problem: Problem, choice: Choice,
    phase: Phase, total: int,
) -> Call:  # fmt: skip
    """One phase, computed as `choice` says."""
    op, src, dst = anchor.op, anchor.inputs[0].type, node.output.type
    assert isinstance(op, ConvTranspose)
    formula, operands = make_formula(graph, followers, dst, problem.lanes, anchor.output)
    _, _, *steps = five((1, 1, *op.stride), 1)
    _, _, kd, kh, kw = five((1, 1, *anchor.inputs[1].type.shape[2:]), 1)
    apart = (_apart(plane(dst), steps), _formula_apart(formula, steps))
    kernel, packing, what = winograd_kernel(problem, choice, plane(src), *apart, op.bias, _starts(dst, formula, phase))
    bias = (Packed(anchor.inputs[2], VectorPacking(kernel.oc, kernel.bias_floats)),) if op.bias else ()
    weights = Packed(anchor.inputs[1], PhasePacking(packing, op.groups, (kd, kh, kw), phase.taps))
    reason = f"one of {total} phases of the result as a convolution of stride 1, {what}"
    all_operands = (anchor.inputs[0], weights, *bias, *operands, Scratch(kernel.scratch_bytes), node.output)
    return Call(kernel, all_operands, kernel.items, node, reason)


def _grouped(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target, axes: Axes, phase: Phase,
    total: int,
) -> Call:  # fmt: skip
    """One phase of a convolution in narrow groups, depthwise among them."""
    op, src, dst, weight = anchor.op, anchor.inputs[0].type, node.output.type, anchor.inputs[1]
    assert isinstance(op, ConvTranspose)
    oc, lanes = dst.shape[1], dst.block
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    _, _, *steps = five((1, 1, *op.stride), 1)
    _, _, kd, kh, kw = five((1, 1, *weight.type.shape[2:]), 1)
    kernel = Grouped(
        lanes, target.registers, src.shape[0], src.shape[1], oc, op.groups, *axes, plane(src),
        _apart(plane(dst), steps), op.bias, _formula_apart(formula, steps), starts=_starts(dst, formula, phase),
    )  # fmt: skip
    of_phase = GroupedPacking(oc, src.shape[1] // op.groups, tuple(axis.kernel for axis in axes), lanes)
    packing = PhasePacking(of_phase, op.groups, (kd, kh, kw), phase.taps)
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, round_up(oc, lanes))),) if op.bias else ()
    reason = f"one of {total} phases of the result as a convolution of stride 1, {kernel.how}"
    all_operands = (anchor.inputs[0], Packed(weight, packing), *bias, *operands, node.output)
    return Call(kernel, all_operands, kernel.items, node, reason)


def _starts(dst: TensorType, formula: Formula, phase: Phase) -> tuple[int, ...]:
    """Where a phase begins in the result and in each operand of its epilogue, in floats."""
    whole = plane(dst)
    strides = [(whole.d, whole.h, whole.w), *(access.strides[2:] for access in formula.accesses)]
    return tuple(_dot(phase.starts, stride) for stride in strides)


def _axes(anchor: Node) -> list[tuple[AxisPhase, ...]]:
    """The phases along depth, height and width."""
    op, size, kernel = anchor.op, anchor.inputs[0].type.shape[2:], anchor.inputs[1].type.shape[2:]
    assert isinstance(op, ConvTranspose)
    numbers = zip(size, anchor.output.type.shape[2:], kernel, op.stride, op.dilation, op.pad, strict=False)
    return [WHOLE] * (3 - len(size)) + [axis_phases(*of_axis) for of_axis in numbers]


def _call(
    graph: Graph, node: Node, anchor: Node, followers: Sequence[Node], target: Target,
    axes: Axes, phases: Sequence[Phase], total: int,
) -> Call:  # fmt: skip
    op, src, dst, weight = anchor.op, anchor.inputs[0].type, node.output.type, anchor.inputs[1]
    assert isinstance(op, ConvTranspose)
    depth, height, width = axes
    oc, lanes = dst.shape[1], target.lanes
    blocks = ceil_div(oc, lanes)
    pixels, vectors = channel_tile(oc, op.groups, width.out, target)
    tile = vectors * lanes
    one = reduction_of(src, oc, op.groups, tile, ceil_div(blocks, vectors))
    reduction = Reduction(one.channels, one.block, one.bases * len(phases), one.scattered)
    formula, operands = make_formula(graph, followers, dst, lanes, anchor.output)
    _, _, *steps = five((1, 1, *op.stride), 1)
    whole = plane(dst, lanes)
    walk = Walk(depth, height, width, plane(src, 1), _apart(whole, steps), _formula_apart(formula, steps))
    taps = depth.kernel * height.kernel * width.kernel
    split = split_reduction(one, taps, tile) if src.block > 1 and dst.block > 1 else None
    _, _, kd, kh, kw = five((1, 1, *weight.type.shape[2:]), 1)
    extents = (depth.kernel, height.kernel, width.kernel)
    packing = TransposePacking(
        ConvPacking(oc, op.groups, extents, vectors, lanes, one), (kd, kh, kw), tuple(p.taps for p in phases), split
    )
    rows = rows_per_group(walk, reduction, split, oc * len(phases), packing.size() * 4)
    kernel = ConvDirect(
        lanes, vectors, pixels, src.shape[0], oc, *axes, reduction, walk.src, src.block, walk.dst, dst.block > 1,
        op.bias, walk.epilogue, rows, split,
        phases=tuple(_starts(dst, formula, phase) for phase in phases),
    )  # fmt: skip
    bias = (Packed(anchor.inputs[2], VectorPacking(oc, blocks * lanes)),) if op.bias else ()
    reason = (
        f"{len(phases)} of {total} phases of the result as a direct convolution of stride 1, "
        f"tiles of {pixels} pixels x {tile} channels"
    )
    operands_of_call = (anchor.inputs[0], Packed(weight, packing), *bias, *operands, node.output)
    return Call(kernel, operands_of_call, kernel.items, node, reason)


def _apart(plane: Plane, steps: Sequence[int]) -> Plane:
    """The strides between outputs of one phase."""
    d, h, w = steps
    return Plane(plane.n, plane.block, plane.channel, plane.d * d, plane.h * h, plane.w * w)


def _formula_apart(formula: Formula, steps: Sequence[int]) -> Formula:
    d, h, w = steps
    accesses = tuple(
        Access(a.mode, (*a.strides[:2], a.strides[2] * d, a.strides[3] * h, a.strides[4] * w), a.lane)
        for a in formula.accesses
    )
    return Formula(formula.operands, formula.terms, accesses)


def _dot(starts: Sequence[int], strides: Sequence[int]) -> int:
    return sum(start * stride for start, stride in zip(starts, strides, strict=True))
