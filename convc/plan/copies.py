"""Calls that copy: movements, concatenations that are not in place, reorders."""

from __future__ import annotations

from convc.ir.graph import Node, Value
from convc.ops.movement import Movement
from convc.ops.pad import Pad
from convc.ops.shape import Concat
from convc.options import Target
from convc.plan.call import Call
from convc.plan.moves import Move, choose
from convc.plan.positions import identity, positions


def movement_calls(node: Node, target: Target) -> tuple[Call, ...]:
    """A copy for every result of a movement."""
    assert isinstance(node.op, Movement)
    value = node.op.value if isinstance(node.op, Pad) else 0.0
    src = node.inputs[0]
    moves = [
        Move(node.op.name, src.type, result.type, positions(node, number), value=value)
        for number, result in enumerate(node.outputs)
    ]
    return tuple(
        _call(move, node, src, result, "copied", target) for move, result in zip(moves, node.outputs, strict=True)
    )


def concat_calls(node: Node, target: Target) -> tuple[Call, ...]:
    """A copy per operand, into its slice of the result."""
    assert isinstance(node.op, Concat)
    calls, start = [], 0
    for number, value in enumerate(node.inputs):
        last = number == len(node.inputs) - 1
        at = (node.op.axis, start)
        fill = last or node.op.axis != 1
        move = Move("concat", value.type, node.output.type, identity(value.type.shape), at, fill=fill)
        calls.append(_call(move, node, value, node.output, "could not be written in place", target))
        start += value.type.shape[node.op.axis]
    return tuple(calls)


def copy_call(node: Node, value: Value, into: Value, reason: str, target: Target) -> Call:
    """A copy of `value` into `into`, which has the same shape and any layout."""
    what = "reorder" if value.type.block != into.type.block else "copy"
    return _call(Move(what, value.type, into.type, identity(value.type.shape)), node, value, into, reason, target)


def _call(move: Move, node: Node, src: Value, dst: Value, reason: str, target: Target) -> Call:
    kernel = choose(move, target.lanes)
    return Call(kernel, (src, dst), kernel.items, node, f"{reason}: {kernel.how}")
