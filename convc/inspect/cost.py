"""What a network takes: parameters, multiply-accumulates, and how much of its input each value sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from convc.ir.graph import Graph, Node, Value, walk
from convc.ir.op import Cost, Fused
from convc.ops.normalization import BatchNorm

Pair = tuple[int, int]

#: Operands that training measures and does not learn; papers and frameworks do not count them.
_MEASURED: Final = ("running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node that runs at inference.

    `field` is the receptive field of one element of its result, height and width in pixels of the network's input
    (it may reach into the padding, so it can exceed the image); `jump` the distance between neighbouring elements.
    """

    node: Node
    cost: Cost
    field: Pair
    jump: Pair


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """All nodes in order, and their sums. A weight that several nodes share counts once."""

    nodes: tuple[NodeCost, ...]
    parameters: int
    macs: int
    flops: int


def network_cost(graph: Graph) -> NetworkCost:
    """The cost of `graph`, of any stage. Nodes in fused regions count one by one, constant ones not at all."""
    reach: dict[str, tuple[Pair, Pair]] = {}
    rows = []
    for node in walk(graph.runtime_nodes()):
        if isinstance(node.op, Fused):
            continue
        cost = node.op.cost([value.type for value in node.inputs], [value.type for value in node.outputs])
        field, jump = _reach(node, cost, reach)
        reach.update((value.name, (field, jump)) for value in node.outputs)
        rows.append(NodeCost(node, cost, field, jump))
    parameters = sum(value.type.elements for value in _learnt(graph))
    macs, flops = sum(row.cost.macs for row in rows), sum(row.cost.flops for row in rows)
    return NetworkCost(tuple(rows), parameters, macs, flops)


def _reach(node: Node, cost: Cost, reach: dict[str, tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    """Receptive field and jump of the node's result, from the widest of its operands."""
    seen = [reach.get(value.name, ((1, 1), (1, 1))) for value in node.inputs] or [((1, 1), (1, 1))]
    before: Pair = (max(field[0] for field, _ in seen), max(field[1] for field, _ in seen))
    jump: Pair = (max(step[0] for _, step in seen), max(step[1] for _, step in seen))
    taps = cost.taps
    if node.inputs and node.inputs[0].type.rank == 4 and node.output.type.rank != 4:
        taps = node.inputs[0].type.shape[2:]  # whoever reads the flat vector sees the whole map
    field: Pair = (before[0] + (taps[0] - 1) * jump[0], before[1] + (taps[1] - 1) * jump[1])
    return field, (jump[0] * cost.strides[0], jump[1] * cost.strides[1])


def _learnt(graph: Graph) -> Iterable[Value]:
    measured = {
        value.name
        for node in walk(graph.nodes)
        if isinstance(node.op, BatchNorm)
        for role, value in zip(node.op.operands(len(node.inputs)), node.inputs, strict=True)
        if role in _MEASURED
    }
    return (value for value in graph.parameters if value.name not in measured)
