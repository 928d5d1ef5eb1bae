"""What takes whole channels of its operands, in any order, and nothing else: where each channel comes from."""

from __future__ import annotations

from collections.abc import Mapping

from convc.ir.graph import Node, Value
from convc.ops.movement import Gather, Slice, Split
from convc.ops.shape import Concat
from convc.ops.shuffle import ChannelShuffle

#: For each channel of a value: the value it comes from, and the channel there.
Origin = tuple[tuple[Value, int], ...]


def moves_channels(node: Node) -> bool:
    """Whether a node is such a movement; in place nothing is moved."""
    match node.op:
        case ChannelShuffle():
            return True
        case Concat(axis=1):
            return not node.op.in_place
        case Slice(axis=1):
            return not node.op.in_place
        case Split(axis=1) | Gather(axis=1):
            return True
    return False


def origins(node: Node, known: Mapping[str, Origin]) -> dict[str, Origin]:
    """Those of each result of a movement, given those of the operands that are themselves moved."""
    sources = [known.get(v.name) or tuple((v, c) for c in range(v.type.shape[1])) for v in node.inputs]
    first = sources[0]
    match node.op:
        case Concat():
            return {node.name: tuple(channel for source in sources for channel in source)}
        case ChannelShuffle():
            return {node.name: tuple(first[node.op.source(c, len(first))] for c in range(len(first)))}
        case Slice():
            return {node.name: tuple(first[c] for c in node.op.indices(len(first)))}
        case Gather():
            return {node.name: tuple(first[c] for c in node.op.indices)}
        case Split():
            parts = zip(node.outputs, node.op.starts, node.op.sizes, strict=True)
            return {value.name: first[start : start + size] for value, start, size in parts}
    raise TypeError(node.op.name)
