"""Movements along the channels of blocked images, alone or composed: where each channel of a result comes from."""

from __future__ import annotations

from dataclasses import replace

from convc.ir.graph import Node, Value
from convc.ir.op import Fused, members
from convc.kernels.channels import ZERO, Channels, is_mixable
from convc.ops.channel_moves import Origin, moves_channels, origins
from convc.plan.call import Call


def channel_calls(node: Node) -> tuple[Call, ...] | None:
    """A call for each result of a node or region that moves channels; None where vectors cannot be mixed for it."""
    if not all(map(moves_channels, members(node))):
        return None
    known: dict[str, Origin] = {}
    for member in members(node):
        known.update(origins(member, known))
    calls = [_call(_making(node, result), result, known[result.name]) for result in node.outputs]
    found = tuple(call for call in calls if call is not None)
    return found if len(found) == len(calls) else None


def _making(node: Node, result: Value) -> Node:
    """The region as what makes this one of its results."""
    return replace(Fused.of(node.op.nodes, (result,)), span=node.span) if isinstance(node.op, Fused) else node


def _call(node: Node, result: Value, origin: Origin) -> Call | None:
    dst, sources = result.type, list(dict.fromkeys(value for value, _ in origin))
    lanes = dst.block
    if lanes == 1 or any(value.type.block != lanes for value in sources) or not all(map(_is_line, (*sources, result))):
        return None
    lane_of = [(sources.index(value), channel) for value, channel in origin]
    lane_of += [ZERO] * (-len(lane_of) % lanes)
    table = tuple(tuple(lane_of[i : i + lanes]) for i in range(0, len(lane_of), lanes))
    if not is_mixable(table, lanes) or len(sources) > 255:
        return None
    what = "_".join(member.op.name for member in members(node))
    pixels = dst.elements // (dst.shape[0] * dst.shape[1])
    strides = tuple((value.type.strides[0], value.type.strides[1]) for value in sources)
    kernel = Channels(what, lanes, dst.shape[0], pixels, strides, (dst.strides[0], dst.strides[1]), table)
    return Call(kernel, (*sources, result), kernel.items, node, kernel.how)


def _is_line(value: Value) -> bool:
    """Whether the pixels of a block of channels lie one after another."""
    type, step = value.type, value.type.block
    for axis in range(type.rank - 1, 1, -1):
        if type.shape[axis] > 1 and type.strides[axis] != step:
            return False
        step *= type.shape[axis]
    return True

