"""Constant nodes that passes make: new weights, computed from parameters when the library is packed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.op import Op


@dataclass
class Constants:
    """Makes constant nodes, their types inferred and their names unique."""

    names: set[str]
    known: set[str]

    @staticmethod
    def of(graph: Graph) -> Constants:
        return Constants(set(graph.names), set(graph.constants))

    def make(self, nodes: list[Node], like: Node, name: str, op: Op, *inputs: Value) -> Value:
        """The value of a new node, which is added to `nodes`."""
        (type,) = op.infer(*(value.type for value in inputs))
        value = Value(fresh_name(name, self.names), type)
        nodes.append(Node(op, inputs, (value,), like.span))
        self.names.add(value.name)
        self.known.add(value.name)
        return value

    def all_known(self, values: Iterable[Value]) -> bool:
        """Whether all of these are constants."""
        return all(value.name in self.known for value in values)


def is_per_channel(number: Value, value: Value) -> bool:
    """Whether a tensor is one number for each channel of `value`, aligned as NumPy broadcasts."""
    channels, space = value.type.shape[1], value.type.shape[2:]
    return number.type.shape in ((channels, *(1,) * len(space)), (1, channels, *(1,) * len(space)))
