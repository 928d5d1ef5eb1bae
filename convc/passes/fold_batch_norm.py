"""fold-batch-norm: a batch norm after a convolution or linear layer becomes part of its weights.

    before:  c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = false)
             y: f32[1, 8, 9, 9] = batchnorm(c, weight = g, bias = b, running_mean = m, running_var = v)
    after:   c.weight.folded: f32[8, 3, 1, 1] = mul(w, reshape(s))       s = g / sqrt(v + eps)
             c.bias.folded: f32[8] = sub(b, mul(m, s))
             y: f32[1, 8, 9, 9] = conv(x, weight = c.weight.folded, bias = c.bias.folded)

The new weights are constant nodes, evaluated in float64 when weights are packed; no data is touched here.
Requires: nothing. Ensures: a folded batch norm is gone, its name now the convolution's. Declines: where somebody else
reads the convolution, or it does not come from one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Op
from convc.ops.conv import Conv
from convc.ops.elementwise import Add, Constant, Div, Mul, Sqrt, Sub
from convc.ops.linear import Linear
from convc.ops.normalization import BatchNorm
from convc.ops.shape import Reshape
from convc.passes.base import Pass, Report, where


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fold-batch-norm"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        folded: dict[str, Node] = {}
        for node in graph.nodes:
            if not isinstance(node.op, BatchNorm):
                continue
            producer = graph.producers.get(node.inputs[0].name)
            reason = _refusal(graph, node, producer)
            if reason:
                report.declined(node, reason)
                continue
            assert producer is not None
            folded[producer.name] = node
            report.applied(node, f"folded into the weights of {producer.name}")
        if not folded:
            return graph
        gone = {node.name for node in folded.values()}
        nodes: list[Node] = []
        for node in graph.nodes:
            if node.name in folded:
                continue  # comes back at the batch norm's place, where all its statistics are defined
            nodes += _fold(graph.producers[node.inputs[0].name], node) if node.name in gone else [node]
        return graph.with_nodes(nodes)


def _refusal(graph: Graph, norm: Node, producer: Node | None) -> str:
    if producer is None or not isinstance(producer.op, (Conv, Linear)):
        return "not folded: its input does not come from a convolution or linear layer"
    users = graph.users[producer.name]
    if len(users) > 1:
        others = ", ".join(where(user) for user in users if user is not norm)
        return f"not folded: {producer.name} has {len(users)} users, also {others}"
    if producer.name in graph.output_names:
        return f"not folded: {producer.name} is an output of the network"
    if not all(value.name in graph.constants for value in norm.inputs[1:]):
        return "not folded: its statistics are computed while running"
    return ""


def _fold(conv: Node, norm: Node) -> list[Node]:
    """The constant nodes of the new weights, and the convolution that uses them under the batch norm's name."""
    assert isinstance(norm.op, BatchNorm) and isinstance(conv.op, (Conv, Linear))
    scale, shift, mean, variance = norm.inputs[1:]
    weight = conv.inputs[1]
    nodes: list[Node] = []

    def constant(name: str, op: Op, *inputs: Value) -> Value:
        (type,) = op.infer(*(value.type for value in inputs))
        value = Value(f"{norm.name}.{name}", type)
        nodes.append(Node(op, inputs, (value,), norm.span))
        return value

    eps = constant("eps", Constant(norm.op.eps))
    deviation = constant("deviation", Sqrt(), constant("variance", Add(), variance, eps))
    factor = constant("factor", Div(), scale, deviation)
    per_filter = constant("factor.filters", Reshape((factor.type.shape[0], *(1,) * (weight.type.rank - 1))), factor)
    new_weight = constant("weight.folded", Mul(), weight, per_filter)
    offset = constant("offset", Sub(), conv.inputs[2], mean) if conv.op.bias else None
    moved = constant("mean.scaled", Mul(), offset or mean, factor)
    new_bias = constant("bias.folded", Add() if offset else Sub(), shift, moved)
    op = replace(conv.op, bias=True)
    return [*nodes, Node(op, (conv.inputs[0], new_weight, new_bias), norm.outputs, conv.span)]
