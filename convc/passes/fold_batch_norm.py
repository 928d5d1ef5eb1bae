"""fold-batch-norm: a batch norm after a convolution or linear layer becomes part of its weights.

    before:  c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = false)
             y: f32[1, 8, 9, 9] = batchnorm(c, weight = g, bias = b, running_mean = m, running_var = v)
    after:   c.weight.folded: f32[8, 3, 1, 1] = mul(w, reshape(s))       s = g / sqrt(v + eps)
             c.bias.folded: f32[8] = sub(b, mul(m, s))
             y: f32[1, 8, 9, 9] = conv(x, weight = c.weight.folded, bias = c.bias.folded)

One that cannot go there, as it comes before the convolution or somebody else reads that, becomes two operations:

    after:   y.scaled: f32[1, 8, 9, 9] = mul(x, reshape(s))
             y: f32[1, 8, 9, 9] = add(y.scaled, reshape(b - m * s))

The new weights are constant nodes, evaluated in float64 when weights are packed; no data is touched here, and the
parameters keep their names.
Requires: nothing. Ensures: no batch norm with constant statistics is left; the name of one that was folded is now the
convolution's; of two in a row both go. Declines: where the statistics are computed while running.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.op import Op
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.elementwise import Add, Constant, Div, Mul, Sub
from convc.ops.linear import Linear
from convc.ops.normalization import BatchNorm
from convc.ops.shape import Reshape
from convc.ops.unary import Sqrt
from convc.passes.base import Pass, Report, users_text
from convc.passes.constants import Constants


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fold-batch-norm"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by name, in order
        constants = Constants.of(graph)
        for node in graph.nodes:
            if not isinstance(node.op, BatchNorm):
                nodes[node.name] = node
                continue
            producer = nodes.get(node.inputs[0].name)
            reason = _refusal(graph, producer, constants.known)
            if not all(value.name in constants.known for value in node.inputs[1:]):
                report.declined(node, "not folded: the statistics are computed while running")
                nodes[node.name] = node
                continue
            if reason or producer is None:
                report.applied(node, f"a factor and a shift: {reason}")
                nodes.update((new.name, new) for new in _two_operations(node, constants))
                continue
            report.applied(node, f"folded into the weights of {producer.name}")
            del nodes[producer.name]  # it moves to the batch norm's place, where all its operands are defined
            nodes.update((new.name, new) for new in _fold(producer, node, constants))
        return graph.with_nodes(nodes.values())


def _refusal(graph: Graph, producer: Node | None, constants: set[str]) -> str:
    if producer is None or not isinstance(producer.op, (Conv, ConvTranspose, DeformConv, Linear)):
        return "its input does not come from a convolution or linear layer"
    if isinstance(producer.op, Linear) and producer.output.type.rank != 2:
        return f"the outputs of {producer.name} are its last axis, the channels are axis 1"
    if len(graph.users[producer.name]) > 1:
        return users_text(graph, producer.output)
    if producer.name in graph.output_names:
        return f"{producer.name} is an output of the network"
    if not all(value.name in constants for value in producer.inputs[1 : 2 + producer.op.bias]):
        return f"the weights of {producer.name} are computed while running"
    return ""


def _two_operations(norm: Node, constants: Constants) -> list[Node]:
    """The batch norm as `x * factor + rest`."""
    x, _, shift, mean, _ = norm.inputs
    nodes: list[Node] = []
    factor = _factor(nodes, norm, constants)
    channels = Reshape((factor.type.shape[0], *(1,) * (x.type.rank - 2)))

    def make(name: str, op: Op, *inputs: Value) -> Value:
        return constants.make(nodes, norm, f"{norm.name}.{name}", op, *inputs)

    rest = make("rest", Sub(), shift, make("moved", Mul(), mean, factor))
    by_channel = make("factor.channels", channels, factor), make("rest.channels", channels, rest)
    scaled = Value(fresh_name(f"{norm.name}.scaled", constants.names), norm.output.type)
    constants.names.add(scaled.name)
    product = Node(Mul(), (x, by_channel[0]), (scaled,), norm.span, norm.fuse)
    return [*nodes, product, Node(Add(), (scaled, by_channel[1]), norm.outputs, norm.span, norm.fuse)]


def _factor(nodes: list[Node], norm: Node, constants: Constants) -> Value:
    """weight / sqrt(var + eps), one number for each channel."""
    assert isinstance(norm.op, BatchNorm)
    _, scale, _, _, variance = norm.inputs
    eps = constants.make(nodes, norm, f"{norm.name}.eps", Constant(norm.op.eps))
    padded = constants.make(nodes, norm, f"{norm.name}.variance", Add(), variance, eps)
    deviation = constants.make(nodes, norm, f"{norm.name}.deviation", Sqrt(), padded)
    return constants.make(nodes, norm, f"{norm.name}.factor", Div(), scale, deviation)


def _fold(conv: Node, norm: Node, constants: Constants) -> list[Node]:
    """The constant nodes of the new weights, and the convolution that uses them under the batch norm's name."""
    assert isinstance(conv.op, (Conv, ConvTranspose, DeformConv, Linear))
    _, _, shift, mean, _ = norm.inputs
    weight = conv.inputs[1]
    nodes: list[Node] = []

    def make(name: str, op: Op, *inputs: Value) -> Value:
        return constants.make(nodes, norm, name, op, *inputs)

    factor = _factor(nodes, norm, constants)
    shape = weight.type.shape
    by_group, filters = shape, (factor.type.shape[0], *(1,) * (weight.type.rank - 1))
    if isinstance(conv.op, ConvTranspose):  # [ic, oc / groups, ...]: the output channels of a group are its second axis
        groups = conv.op.groups
        by_group = (groups, shape[0] // groups, *shape[1:])
        filters = (groups, 1, shape[1], *(1,) * (weight.type.rank - 2))
        weight = make(f"{conv.name}.weight.groups", Reshape(by_group), weight)
    scale_of_filters = make(f"{norm.name}.factor.filters", Reshape(filters), factor)
    new_weight = make(f"{conv.name}.weight.folded", Mul(), weight, scale_of_filters)
    if by_group != shape:
        new_weight = make(f"{conv.name}.weight.whole", Reshape(shape), new_weight)
    if conv.op.bias:
        offset = make(f"{norm.name}.offset", Sub(), conv.inputs[2], mean)
        new_bias = make(f"{conv.name}.bias.folded", Add(), shift, make(f"{norm.name}.moved", Mul(), offset, factor))
    else:
        new_bias = make(f"{conv.name}.bias.folded", Sub(), shift, make(f"{norm.name}.moved", Mul(), mean, factor))
    op = replace(conv.op, bias=True)
    rest = conv.inputs[2 + conv.op.bias :]  # the offsets and the mask of a deformable one
    fuse = conv.fuse if norm.fuse is None else norm.fuse  # the last to be marked speaks for both
    return [*nodes, Node(op, (conv.inputs[0], new_weight, new_bias, *rest), norm.outputs, conv.span, fuse)]
