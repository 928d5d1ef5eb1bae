"""The graph IR: immutable, typed, in topological order.

A `Graph` is a list of `Node`s over `Value`s. Names are dotted paths (`layer1.0.conv1`): all but the last part is the
scope the source's blocks left behind, so the tree of scopes lives in the names and nowhere else. Every value is
defined once, in one of three ways: an input of the network, a parameter (a weight, bound by name when the library is
packed), or the result of a node.

A *constant* is a value that depends on parameters only. Passes rewrite weights by adding constant nodes (folding batch
norm adds a `mul` and a `sub`, say); they are evaluated in float64 when weights are packed, never at run time. So the
IR holds no weight data, a dump is complete, and the same library can be packed with other weights.

Fusion is structure: a node whose op is `Fused` holds the nodes it replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from convc.diagnostics.source import Span
from convc.ir.types import TensorType

if TYPE_CHECKING:
    from convc.ir.op import Op


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor with a name that is unique in its graph."""

    name: str
    type: TensorType

    @property
    def scope(self) -> str:
        """The dotted path of blocks around this value; empty at the top."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Node:
    """One application of an op. `span` is where the source wrote it; it takes no part in equality.

    `fuse` is the source's `@fuse` or `@nofuse` (false): whether it is to be computed together with others, None where
    passes decide. A region has none of its own; what is in it has.
    """

    op: Op
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span | None = field(default=None, compare=False)
    fuse: bool | None = None

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value

    @property
    def name(self) -> str:
        return self.outputs[0].name


@dataclass(frozen=True, slots=True)
class Output:
    """What the network returns under a name of its own, which passes never change."""

    name: str
    value: Value


@dataclass(frozen=True)
class Graph:
    """A network: `nodes` in topological order; see the module docstring. Checked by `ir.verify`.

    `ignored` are scopes of tensors that a weights file may hold although no node reads them, such as the classifiers
    that some networks have for training only.
    """

    name: str
    inputs: tuple[Value, ...]
    parameters: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    ignored: tuple[str, ...] = ()

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that makes each computed value, by value name."""
        return {value.name: node for node in self.nodes for value in node.outputs}

    @cached_property
    def users(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each value, by value name (absent: none). Outputs of the network are not users."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value.name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def output_names(self) -> frozenset[str]:
        """Names of the values that leave the network."""
        return frozenset(output.value.name for output in self.outputs)

    @cached_property
    def constants(self) -> frozenset[str]:
        """Names of the values that depend on parameters only, the parameters among them."""
        known = {value.name for value in self.parameters}
        for node in self.nodes:
            if all(value.name in known for value in node.inputs):
                known.update(value.name for value in node.outputs)
        return frozenset(known)

    @cached_property
    def sums_in_a_row(self) -> int:
        """Nodes that multiply and accumulate on the longest path: each rounds what others rounded."""
        longest: dict[str, int] = {}
        for node in self.runtime_nodes():
            macs = node.op.cost([v.type for v in node.inputs], [v.type for v in node.outputs]).macs
            before = max((longest.get(value.name, 0) for value in node.inputs), default=0)
            longest.update(dict.fromkeys((v.name for v in node.outputs), before + (macs > 0)))
        return max(longest.values(), default=0)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every value name in use, those inside fused regions included."""
        values = [*self.inputs, *self.parameters, *(value for node in walk(self.nodes) for value in node.outputs)]
        return frozenset(value.name for value in values)

    def runtime_nodes(self) -> Iterator[Node]:
        """The nodes that run at inference: all but the constant ones."""
        return (node for node in self.nodes if node.name not in self.constants)

    def only(self, names: Collection[str]) -> Graph:
        """The part of the network that computes the outputs called `names`; its inputs stay."""
        outputs = tuple(output for output in self.outputs if output.name in names)
        wanted = {output.value.name for output in outputs}
        nodes: list[Node] = []
        for node in reversed(self.nodes):
            if any(value.name in wanted for value in node.outputs):
                nodes.append(node)
                wanted.update(value.name for value in node.inputs)
        parameters = tuple(value for value in self.parameters if value.name in wanted)
        return replace(self, nodes=tuple(reversed(nodes)), parameters=parameters, outputs=outputs)

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """The same network computed by other nodes; the same object where nothing changed."""
        nodes = tuple(nodes)
        return self if nodes == self.nodes else replace(self, nodes=nodes)


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """All nodes, those inside fused regions before the region's own node."""
    from convc.ir.op import Fused

    for node in nodes:
        if isinstance(node.op, Fused):
            yield from walk(node.op.nodes)
        yield node


def fresh_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or `wanted_2`, `wanted_3`, ... : the first that is not taken."""
    taken = taken if isinstance(taken, (set, frozenset, dict)) else set(taken)
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
