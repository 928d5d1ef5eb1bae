"""Which values share memory: views, slices in place, and operands written straight into their concatenation."""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.graph import Graph, Value
from convc.ir.types import TensorType
from convc.ops.movement import Slice
from convc.ops.reshaping import Squeeze, Unsqueeze
from convc.ops.shape import Concat, Dropout, Flatten, Identity, Reshape

#: Nodes that rename the same bytes.
VIEWS = (Flatten, Reshape, Squeeze, Unsqueeze, Dropout, Identity)


@dataclass(frozen=True, slots=True)
class Place:
    """A value lies in the storage of `root`, `offset` bytes from its start."""

    root: Value
    offset: int


def storage_of(graph: Graph) -> dict[str, Place]:
    """Where each runtime value lies; a value that shares with no other is its own root."""
    shared: dict[str, tuple[Value, int]] = {}
    values = {value.name: value for value in graph.inputs}
    for node in graph.runtime_nodes():
        values.update((value.name, value) for value in node.outputs)
        if isinstance(node.op, VIEWS):
            shared[node.name] = (node.inputs[0], 0)
        elif isinstance(node.op, Slice) and node.op.in_place:
            shared[node.name] = (node.inputs[0], _start(node.inputs[0].type, node.op.axis, node.op.begin))
        elif isinstance(node.op, Concat) and node.op.in_place:
            start = 0
            for value in node.inputs:
                shared[value.name] = (node.output, _start(node.output.type, 1, start))
                start += value.type.shape[1]
    return {name: _resolve(value, shared) for name, value in values.items()}


def _start(type: TensorType, axis: int, index: int) -> int:
    """Bytes from the first element to that index of an axis; of the channels, a whole block."""
    return (index // type.block if axis == 1 else index) * type.strides[axis] * type.dtype.size


def _resolve(value: Value, shared: dict[str, tuple[Value, int]]) -> Place:
    offset = 0
    while value.name in shared:
        value, more = shared[value.name]
        offset += more
    return Place(value, offset)


def is_view(op: object) -> bool:
    return isinstance(op, VIEWS) or (isinstance(op, (Concat, Slice)) and op.in_place)


__all__ = ["Place", "is_view", "storage_of"]
