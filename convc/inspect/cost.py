"""What a network takes: parameters, multiply-accumulates, and how much of its input each value sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod
from typing import Final

from convc.ir.graph import Graph, Node, Value, walk
from convc.ir.op import Cost, Fused
from convc.ops.normalization import BatchNorm

Numbers = tuple[int, ...]
Steps = tuple[int | Fraction, ...]

#: Operands that say where others are read; a field is that of the regular grid, where all offsets are zero.
_STEERING: Final = ("offset", "mask")

#: Operands that training measures and does not learn; papers and frameworks do not count them.
_MEASURED: Final = ("running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node that runs at inference.

    `field` is the receptive field of one element of its result along each spatial axis, in pixels of the network's
    input (it may reach into the padding, so it can exceed the image); `jump` the distance between neighbours, a
    fraction where maps are enlarged. Of several operands the widest counts. What was pooled over the whole map and
    tells every pixel the same (the gate of squeeze-and-excitation) does not count, nor do the offsets and the mask of
    a deformable convolution: how far it reaches depends on the data, so its field is that of its regular grid.
    """

    node: Node
    cost: Cost
    field: Numbers
    jump: Steps


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """All nodes in order, and their sums. A weight that several nodes share counts once."""

    nodes: tuple[NodeCost, ...]
    parameters: int
    macs: int
    flops: int

    @property
    def field(self) -> Numbers:
        """The receptive field of the last map: of the last result with more than one pixel, and so before the head."""
        shown = [(row.field, row.node.outputs[0]) for row in self.nodes]
        maps = [field for field, value in shown if value.type.is_image and _places(value) > 1]
        return maps[-1] if maps else ()


def network_cost(graph: Graph) -> NetworkCost:
    """The cost of `graph`, of any stage. Nodes in fused regions count one by one, constant ones not at all."""
    reach: dict[str, tuple[Numbers, Steps]] = {}
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


def _reach(node: Node, cost: Cost, reach: dict[str, tuple[Numbers, Steps]]) -> tuple[Numbers, Steps]:
    """Receptive field and jump of the node's result, from the widest of its operands."""
    taps = cost.taps
    if node.inputs and node.inputs[0].type.is_image and not node.outputs[0].type.is_image:
        taps = node.inputs[0].type.shape[2:]  # whoever reads the flat vector sees the whole map
    roles = zip(node.op.operands(len(node.inputs)), node.inputs, strict=True)
    told = [value for role, value in roles if role not in _STEERING and not _is_gate(value, node)]
    seen = [reach.get(value.name, ((), ())) for value in told]
    rank = max(len(taps), node.outputs[0].type.rank - 2, 0, *(len(field) for field, _ in seen))
    before = _largest([field for field, _ in seen], rank)
    jump = _largest([step for _, step in seen], rank)
    spread = zip(before, _ones(taps, rank), jump, strict=True)
    steps = zip(jump, _ones(cost.strides, rank), strict=True)
    return tuple(ceil(size + (tap - 1) * step) for size, tap, step in spread), tuple(j * s for j, s in steps)


def _places(value: Value) -> int:
    """Pixels of a map."""
    return prod(value.type.shape[2:])


def _is_gate(value: Value, node: Node) -> bool:
    """Whether an operand is one pixel that the node spreads over a map."""
    types = value.type, node.outputs[0].type
    return len(node.inputs) > 1 and all(t.is_image for t in types) and _places(value) == 1 < _places(node.outputs[0])


def _largest(numbers: Sequence[Steps], rank: int) -> Steps:
    """The largest along each of `rank` axes; ones where there are none."""
    return tuple(max(steps) for steps in zip(*(_ones(found, rank) for found in numbers or [()]), strict=True))


def _ones(numbers: Steps, rank: int) -> Steps:
    """`numbers` as those of the last axes of `rank`, ones before them."""
    return (1,) * (rank - len(numbers)) + numbers


def _learnt(graph: Graph) -> Iterable[Value]:
    measured = {
        value.name
        for node in walk(graph.nodes)
        if isinstance(node.op, BatchNorm)
        for role, value in zip(node.op.operands(len(node.inputs)), node.inputs, strict=True)
        if role in _MEASURED
    }
    return (value for value in graph.parameters if value.name not in measured)
