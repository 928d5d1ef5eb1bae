"""A convolution of joined channels, some of which a resize has enlarged, as the sum of convolutions of the operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.op import Op
from convc.ops.conv import Conv
from convc.ops.elementwise import Add
from convc.ops.movement import Slice
from convc.ops.shape import Concat
from convc.passes.base import Report, unwanted, users_text
from convc.passes.constants import Constants
from convc.passes.enlarged import is_asked_for, is_by_pixel, pixels, resize_of, stays

#: Channels of an operand of a concatenation, and for kernels beyond 1x1 pixels of the result, from which on it pays to
#: convolve it by itself: the sum is stored and read once more. With 256 and 512 channels and 28 x 28 results it takes
#: 1.1 to 1.2 times as long, with 32 to 128 and 56 x 56 or more 0.8 to 0.9; 1x1, with 64 to 512 channels, 0.5 to 0.63.
_MANY: Final = 32
_LARGER: Final = 2048

#: Operands of a concatenation, each with its place among the channels.
_Operands = list[tuple[Value, slice]]


def concat_before(node: Node, nodes: Mapping[str, Node], constants: Constants) -> Node | None:
    """The concatenation of channels, enlarged ones among them, that a convolution with constant weights reads."""
    if not isinstance(node.op, Conv) or not constants.all_known(node.inputs[1:]):
        return None
    concat = nodes.get(node.inputs[0].name)
    if concat is None or not isinstance(concat.op, Concat) or concat.op.axis != 1:
        return None
    return concat if any(resize_of(value, nodes) for value in concat.inputs) else None


def pieces_of(
    graph: Graph, concat: Node, node: Node, nodes: Mapping[str, Node], constants: Constants, report: Report
) -> list[Node]:
    """A convolution for each enlarged operand that pays, one for the others, and their sum; or the node as it is."""
    alone: _Operands = []
    others: _Operands = []
    reasons, start = [], 0
    for value in concat.inputs:
        place = slice(start, start := start + value.type.shape[1])
        resize = resize_of(value, nodes)
        reason = _stays_joined(graph, concat, resize, node) if resize else ""
        (others if reason or not resize else alone).append((value, place))
        reasons += [reason] if reason else []
    if alone and len(others) > 1 and len(graph.users[concat.name]) > 1:
        reasons, alone = [f"the others would be joined again: {users_text(graph, concat.output)}"], []
    for reason in reasons:
        report.declined(node, f"computed of {concat.name} whole: {reason}")
    if not alone:
        return [node]
    names = ", ".join(value.name for value, _ in alone)
    report.applied(node, f"a sum, computed of {names} apart from what else {concat.name} joins")
    return _sum(node, alone, others, constants)


def _sum(node: Node, alone: _Operands, others: _Operands, constants: Constants) -> list[Node]:
    """The nodes that make a convolution of `alone`, one by one, and of `others` together; the last has the bias."""
    conv, (_, weight, *bias) = node.op, node.inputs
    assert isinstance(conv, Conv)
    nodes: list[Node] = []

    def part(channels: slice) -> Value:
        return constants.make(nodes, node, f"{node.name}.weight.part", Slice(1, channels.start, channels.stop), weight)

    def add(name: str, op: Op, *inputs: Value) -> Value:
        (type,) = op.infer(*(value.type for value in inputs))
        value = Value(fresh_name(f"{node.name}.{name}", constants.names), type)
        constants.names.add(value.name)
        nodes.append(Node(op, inputs, (value,), node.span, node.fuse))
        return value

    terms = [(value, part(channels)) for value, channels in alone]
    if len(others) == 1:
        terms += [(value, part(channels)) for value, channels in others]
    elif others:
        weights = [part(channels) for _, channels in others]
        rest = add("joined", Concat(1), *(value for value, _ in others))
        terms.append((rest, constants.make(nodes, node, f"{node.name}.weight.rest", Concat(1), *weights)))
    sums = [add("part", replace(conv, bias=False), *term) for term in terms[:-1]]
    sums.append(add("rest", conv, *terms[-1], *bias))
    total = sums[0]
    for one in sums[1:]:
        total = add("sum", Add(), total, one)
    return [*nodes[:-1], replace(nodes[-1], outputs=node.outputs)]


def _stays_joined(graph: Graph, concat: Node, resize: Node, node: Node) -> str:
    """Why an enlarged operand of a concatenation is not convolved by itself; empty if it is."""
    conv, channels = node.op, resize.output.type.shape[1]
    assert isinstance(conv, Conv)
    if conv.groups > 1:
        return "in groups, channels of several operands may meet"
    weight = node.inputs[1].type
    part = Value(node.inputs[1].name, replace(weight, shape=(weight.shape[0], channels, *weight.shape[2:])))
    alone = Node(conv, (resize.output, part, *node.inputs[2:]), node.outputs, node.span, node.fuse)
    if reason := unwanted(resize, concat, node) or stays(resize, alone):
        return reason
    if concat.name in graph.output_names:
        return "it is an output of the network"
    if not all(isinstance(user.op, Conv) for user in graph.users[concat.name]):
        return f"others read it: {users_text(graph, concat.output)}"
    if is_asked_for(resize, node):
        return ""
    if channels < _MANY:
        return f"{channels} channels are too few for a sum of their own"
    if not is_by_pixel(node) and pixels(node) < _LARGER:
        return f"{pixels(node)} pixels are too few for a sum of their own"
    return ""
