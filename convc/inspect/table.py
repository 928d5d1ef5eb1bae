"""The table of a build: a row per step, with what it takes and how it is computed."""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.graph import Node
from convc.ir.op import Fused
from convc.plan.program import Program, Step


@dataclass(frozen=True, slots=True)
class Row:
    """One step: shapes, parameters, multiply-accumulates, bytes moved (activations and weights), algorithm.

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


def rows(program: Program) -> list[Row]:
    """A row for every step of the program."""
    return [_row(step) for step in program.steps]


def _row(step: Step) -> Row:
    node = step.node
    cost = node.op.cost([v.type for v in node.inputs], [v.type for v in node.outputs])
    moved = sum(value.type.bytes for value in (*node.inputs, *node.outputs))
    return Row(
        _heaviest(node).name, str(node.span or ""),
        _shape(node.inputs[0].type.shape), _shape(node.outputs[0].type.shape),
        cost.parameters, cost.macs, moved, step.kernel.stem, step.reason,
    )  # fmt: skip


def _heaviest(node: Node) -> Node:
    if not isinstance(node.op, Fused):
        return node
    return max(node.op.nodes, key=lambda n: n.op.cost([v.type for v in n.inputs], [v.type for v in n.outputs]).macs)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if shape else "1"
