"""Which values share memory: views, and operands written straight into their concatenation."""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.graph import Graph, Value
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
        elif isinstance(node.op, Concat) and node.op.in_place:
            start = 0
            for value in node.inputs:
                offset = start // node.output.type.block * node.output.type.strides[1] * value.type.dtype.size
                shared[value.name] = (node.output, offset)
                start += value.type.shape[1]
    return {name: _resolve(value, shared) for name, value in values.items()}


def _resolve(value: Value, shared: dict[str, tuple[Value, int]]) -> Place:
    offset = 0
    while value.name in shared:
        value, more = shared[value.name]
        offset += more
    return Place(value, offset)


def is_view(op: object) -> bool:
    return isinstance(op, VIEWS) or (isinstance(op, Concat) and op.in_place)


__all__ = ["Place", "is_view", "storage_of"]
