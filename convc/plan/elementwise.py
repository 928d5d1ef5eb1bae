"""Elementwise nodes on their own: the loops over their elements, and how each tensor is read in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convc.diagnostics import ConvcError
from convc.ir.graph import Graph, Node, Value
from convc.ir.types import TensorType
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.elementwise import Elementwise
from convc.kernels.formula import Access, Formula
from convc.options import Target
from convc.plan.call import Call, Operand, Packed, extent5, five
from convc.plan.formulas import build_formula, make_formula

#: Extents and, for each tensor, strides, by loop.
Loops = tuple[tuple[int, ...], list[tuple[int, ...]]]


def elementwise_call(graph: Graph, node: Node, nodes: Sequence[Node], target: Target) -> Call:
    """One pass over memory that computes `nodes`, the last of which makes the result of `node`."""
    dst, block = node.output.type, _block(node)
    if block > 1:
        formula, operands = make_formula(graph, nodes, dst, block)
        kernel = _by_blocks(dst, block, formula)
        reason = f"one pass over memory, {block} channels at a time"
    else:
        formula, operands = _read_rows(graph, nodes, dst)
        kernel = _by_rows(dst, target.lanes, formula)
        reason = f"one pass over memory, {target.lanes} elements at a time"
    return Call(kernel, (*operands, node.output), kernel.items, node, reason)


def _block(node: Node) -> int:
    """The block of channels that tensors are stored in; those that are not are plain."""
    types = [value.type for value in (*node.inputs, node.output)]
    blocks = {type.block for type in types if type.block > 1}
    ranks = {type.rank for type in types if type.block > 1}
    if len(blocks) > 1 or ranks - {node.output.type.rank}:
        raise ConvcError(
            f"{node.name} reads {', '.join(map(str, types[:-1]))} and makes {types[-1]}: blocks of channels must be of "
            "one size, and those of the result; `reorder` the others"
        )
    return blocks.pop() if blocks else 1


def _by_blocks(dst: TensorType, block: int, formula: Formula) -> Elementwise:
    """Loops over (n, blocks of channels, d, h, w), those joined that can be."""
    n, c, *space = extent5(dst)
    ragged = c % block != 0
    sn, sc, *inner = five(dst.strides, 0)
    to = Access("block", (sn, sc, *inner)) if dst.block > 1 else Access("lanes", (sn, sc * block, *inner), sc)
    accesses = [_whole(access, ragged) for access in (to, *formula.accesses)]
    formula = replace(formula, accesses=tuple(accesses[1:]))
    masked = ragged and dst.block > 1 and not formula.keeps_zero
    counted = masked or (ragged and any(access.mode == "lanes" for access in accesses))
    extents = (n, -(-c // block), *space)
    loops, strides = collapse(extents, [access.strides for access in accesses], 1 if counted else None)
    to, *reads = (replace(access, strides=own) for access, own in zip(accesses, strides, strict=True))
    block_loop = (1 if n > 1 else 0) if counted else 0
    formula = replace(formula, accesses=tuple(reads))
    return Elementwise(block, loops, False, formula, to, c if counted else 0, block_loop, masked)


def _whole(access: Access, ragged: bool) -> Access:
    """Channels one after another, all of them there, are read as a vector that may begin anywhere."""
    return replace(access, mode="row") if access.mode == "lanes" and access.lane == 1 and not ragged else access


def _read_rows(graph: Graph, nodes: Sequence[Node], dst: TensorType) -> tuple[Formula, tuple[Operand, ...]]:
    """The formula over plain tensors, its strides by the axes of the result."""

    def read(value: Value, per_channel: bool) -> tuple[Operand, Access]:
        constant = value.name in graph.constants
        stored = TensorType.plain(value.type.shape) if constant else value.type
        strides = [0 if extent == 1 else step for extent, step in zip(stored.shape, stored.strides, strict=True)]
        before = 1 if per_channel else dst.rank - len(strides)
        aligned = (0,) * before + tuple(strides)
        elements = value.type.elements
        operand = Packed(value, VectorPacking(elements, elements)) if constant else value
        return operand, Access("row", aligned + (0,) * (dst.rank - len(aligned)))

    return build_formula(nodes, read)


def _by_rows(dst: TensorType, lanes: int, formula: Formula) -> Elementwise:
    """Loops over the axes of the result, those joined that can be; the last is taken `lanes` elements at a time."""
    loops, strides = collapse(dst.shape, [dst.strides, *(access.strides for access in formula.accesses)], None)
    short = loops[-1] < lanes
    to = _in_row(strides[0], short)
    to = replace(to, mode="lanes") if to.mode == "splat" else to  # a single element
    reads = tuple(_in_row(own, short) for own in strides[1:])
    return Elementwise(lanes, loops, True, replace(formula, accesses=reads), to)


def _in_row(strides: tuple[int, ...], short: bool) -> Access:
    """How elements along the last loop are read: one for all, side by side, or apart."""
    if strides[-1] == 0:
        return Access("splat", strides)
    return Access("row" if strides[-1] == 1 and not short else "lanes", strides, strides[-1])


def collapse(extents: Sequence[int], tensors: Sequence[tuple[int, ...]], apart: int | None) -> Loops:
    """The loops of a walk over `extents`, outermost first.

    Those of one iteration are left out, two are joined where every tensor steps past the end of the inner one as in the
    outer one. The axis `apart` stays a loop of its own, and not the last.
    """
    loops: list[tuple[int, tuple[int, ...]]] = []
    alone = False
    for axis, extent in enumerate(extents):
        steps = tuple(strides[axis] for strides in tensors)
        joined = not alone and axis != apart and loops and loops[-1][1] == tuple(step * extent for step in steps)
        if axis == apart:
            loops.append((extent, steps))
        elif extent == 1:
            continue
        elif joined:
            loops[-1] = (loops[-1][0] * extent, steps)
        else:
            loops.append((extent, steps))
        alone = axis == apart
    if not loops or alone:
        loops.append((1, (0,) * len(tensors)))
    return tuple(extent for extent, _ in loops), [tuple(steps[i] for _, steps in loops) for i in range(len(tensors))]
