"""The table of a build: a row per step, with what it takes and how it is computed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a table that was kept is read back without them
    from convc.ir.graph import Graph, Node
    from convc.plan.program import Program, Step


@dataclass(frozen=True, slots=True)
class Row:
    """One step: shapes, parameters, multiply-accumulates, bytes moved (activations and weights), algorithm.

    Shapes are those of one call; the counts are of a whole run, which calls it for each portion of the batch. Steps of
    one node, as the phases of a transposed convolution, have equal shares of what it takes.
    `name` is that of the heaviest op in a fused region: a convolution with its activation is shown as the convolution.
    """

    name: str
    source: str
    input: str
    output: str
    parameters: int
    macs: int
    bytes: int
    kernel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a build says of a network: its rows and its sums, as a record that can be kept beside the library."""

    parameters: int  # as papers count them, of the source
    macs: int
    weights_bytes: int
    arena_bytes: int
    arena_lower_bound: int
    layers: tuple[Row, ...]

    @staticmethod
    def of(source: Graph, program: Program) -> Summary:
        from convc.inspect.cost import network_cost

        cost = network_cost(source)
        return Summary(
            cost.parameters, cost.macs, program.weights_bytes, program.arena_bytes, program.lower_bound_bytes,
            tuple(rows(program)),
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """The summary in JSON's types."""
        return asdict(self)

    @staticmethod
    def from_record(record: dict[str, Any]) -> Summary:
        return Summary(**{**record, "layers": tuple(Row(**row) for row in record["layers"])})


def rows(program: Program) -> list[Row]:
    """A row for every step of the program."""
    return [_row(step, calls) for step, calls in zip(program.steps, calls_of_nodes(program), strict=True)]


def calls_of_nodes(program: Program) -> list[int]:
    """For every step, by how many its node is shared: a copy for each operand, a phase of a transposed convolution."""
    calls = Counter(step.node.name for step in program.steps)
    return [calls[step.node.name] for step in program.steps]


def _row(step: Step, calls: int) -> Row:
    node = step.node
    cost = node.op.cost([v.type for v in node.inputs], [v.type for v in node.outputs])
    moved = sum(value.type.bytes for value in (*node.inputs, *node.outputs))
    return Row(
        _heaviest(node).name, str(node.span or ""),
        _shape(node.inputs[0].type.shape), _shape(node.outputs[0].type.shape),
        cost.parameters // calls, cost.macs * step.portions // calls, moved * step.portions // calls, step.kernel.stem,
        step.reason,
    )  # fmt: skip


def _heaviest(node: Node) -> Node:
    from convc.ir.op import Fused

    if not isinstance(node.op, Fused):
        return node
    return max(node.op.nodes, key=lambda n: n.op.cost([v.type for v in n.inputs], [v.type for v in n.outputs]).macs)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if shape else "1"
