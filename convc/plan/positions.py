"""Where each element of a movement's result comes from: the ops' formulas as indices, axis by axis.

For each axis of the result there is a map from axes of the source to indices, one for each index of the result; the
element's place is the sum over all. -1 stands for no element.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from convc.ir.graph import Node
from convc.ir.types import Shape
from convc.ops.movement import Expand, Gather, Movement, Slice, Split, Tile, Transpose
from convc.ops.pad import Pad
from convc.ops.shuffle import ChannelShuffle, DepthToSpace, SpaceToDepth

Indices = Mapping[int, tuple[int, ...]]
Positions = tuple[Indices, ...]


def identity(shape: Shape) -> Positions:
    """Every element from its own place."""
    return tuple({axis: tuple(range(extent))} for axis, extent in enumerate(shape))


def positions(node: Node, result: int) -> Positions:
    """Those of result number `result` of a movement."""
    op, x, y = node.op, node.inputs[0].type.shape, node.outputs[result].type.shape
    match op:
        case Transpose():
            return tuple({axis: tuple(range(x[axis]))} for axis in op.order)
        case Slice():
            return _along(x, op.axis, op.indices(x[op.axis]))
        case Split():
            return _along(x, op.axis, range(op.starts[result], op.starts[result] + op.sizes[result]))
        case Gather():
            return _along(x, op.axis, op.indices)
        case ChannelShuffle():
            return _along(x, 1, (op.source(channel, x[1]) for channel in range(x[1])))
        case Tile():
            return tuple({axis: tuple(i % x[axis] for i in range(extent))} for axis, extent in enumerate(y))
        case Pad():
            return tuple({axis: op.positions(axis, extent)} for axis, extent in enumerate(x))
        case Expand():
            new = len(y) - len(x)
            return tuple(
                {axis - new: tuple(i % x[axis - new] for i in range(extent))} if axis >= new else {0: (0,) * extent}
                for axis, extent in enumerate(y)
            )
        case DepthToSpace():
            return _depth_to_space(op, y)
        case SpaceToDepth():
            return _space_to_depth(op, x, y)
    raise TypeError(op.name)


def _along(x: Shape, axis: int, indices: Iterable[int]) -> Positions:
    """All axes as they are, but for one."""
    return tuple({a: tuple(indices) if a == axis else tuple(range(extent))} for a, extent in enumerate(x))


def _depth_to_space(op: DepthToSpace, y: Shape) -> Positions:
    n, c, h, w = y
    b = op.factor
    row, column, channel = (b * c, c, 1) if op.mode == "dcr" else (b, 1, b * b)
    return (
        {0: tuple(range(n))},
        {1: tuple(channel * i for i in range(c))},
        {2: tuple(i // b for i in range(h)), 1: tuple(i % b * row for i in range(h))},
        {3: tuple(i // b for i in range(w)), 1: tuple(i % b * column for i in range(w))},
    )


def _space_to_depth(op: SpaceToDepth, x: Shape, y: Shape) -> Positions:
    n, depth, h, w = y
    b, c = op.factor, x[1]
    return (
        {0: tuple(range(n))},
        {
            1: tuple(i % c for i in range(depth)),
            2: tuple(i // c // b for i in range(depth)),
            3: tuple(i // c % b for i in range(depth)),
        },
        {2: tuple(i * b for i in range(h))},
        {3: tuple(i * b for i in range(w))},
    )


__all__ = ["Movement", "Positions", "identity", "positions"]
