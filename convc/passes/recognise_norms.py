"""recognise-norms: a group norm written as an instance norm between reshapes becomes the op it is.

    before:  a: f32[1, 2, 128] = reshape(x, shape = [1, 2, 128])                          x: f32[1, 8, 4, 8]
             b: f32[1, 2, 128] = instance_norm(a, weight = w, bias = v)                   w, v: f32[2]
             c: f32[1, 8, 4, 8] = reshape(b, shape = [1, 8, 4, 8])
             d: f32[1, 8, 4, 8] = mul(c, g)                                               g, h: f32[8, 1, 1]
             y: f32[1, 8, 4, 8] = add(d, h)
    after:   y: f32[1, 8, 4, 8] = group_norm(x, groups = 2, weight = w * g, bias = v * g + h)

PyTorch exports its GroupNorm so to ONNX, whose own came with operator set 18. A reshaped image is no image, and would
have to be brought out of blocks of channels and back. Factors and shifts of channels after any instance or group norm
go into its weights; those are constant nodes, evaluated in float64 when weights are packed.
Requires: nothing. Ensures: the norm has the name of the last node. Declines: where somebody else reads what would be
replaced, and where the source says `@nofuse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ops.elementwise import Add, Mul
from convc.ops.movement import Tile
from convc.ops.shape import Reshape
from convc.ops.statistics import GroupNorm, InstanceNorm
from convc.passes.base import Pass, Report, unwanted, users_text
from convc.passes.constants import Constants, is_per_channel


@dataclass(frozen=True)
class RecogniseNorms(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "recognise-norms"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by name, in order
        constants = Constants.of(graph)
        for node in graph.nodes:
            parts = _between_reshapes(node, nodes, constants) or _with_affine(node, nodes, constants)
            reason = _refusal(graph, parts, node) if parts else ""
            if reason:
                report.declined(node, f"not made one norm: {reason}")
            if not parts or reason:
                nodes[node.name] = node
                continue
            found = _group_norm(node, parts, constants) if len(parts) == 2 else _affine(node, parts[0], constants)
            for part in parts:
                del nodes[part.name]
            report.applied(node, f"is {found[-1].op.name} of {found[-1].inputs[0].name}")
            nodes.update((new.name, new) for new in found)
        return graph.with_nodes(nodes.values())


def _between_reshapes(node: Node, nodes: Mapping[str, Node], constants: Constants) -> tuple[Node, Node] | None:
    """The reshape and the instance norm of groups of channels that `node`, a reshape back, follows."""
    norm = nodes.get(node.inputs[0].name) if isinstance(node.op, Reshape) else None
    if norm is None or not isinstance(norm.op, InstanceNorm) or not constants.all_known(norm.inputs[1:]):
        return None
    first = nodes.get(norm.inputs[0].name)
    if first is None or not isinstance(first.op, Reshape):
        return None
    shape, groups = first.inputs[0].type.shape, norm.output.type.shape[:2]
    apart = len(shape) > 2 and shape == node.output.type.shape and shape[0] == groups[0] and shape[1] % groups[1] == 0
    return (first, norm) if apart else None


def _with_affine(node: Node, nodes: Mapping[str, Node], constants: Constants) -> tuple[Node] | None:
    """The norm whose channels `node` only scales or shifts by constants."""
    if not isinstance(node.op, (Mul, Add)) or len(node.inputs) != 2:
        return None
    for x, number in (node.inputs, node.inputs[::-1]):
        norm = nodes.get(x.name)
        is_norm = norm is not None and isinstance(norm.op, (InstanceNorm, GroupNorm))
        if norm and is_norm and constants.all_known((number, *norm.inputs[1:])) and is_per_channel(number, x):
            return (norm,)
    return None


def _refusal(graph: Graph, parts: tuple[Node, ...], node: Node) -> str:
    """Why what stands before `node` cannot go."""
    for part in parts:
        if part.name in graph.output_names:
            return f"{part.name} is an output of the network"
        if len(graph.users.get(part.name, ())) > 1:
            return users_text(graph, part.output)
    return unwanted(*parts, node)


def _group_norm(node: Node, parts: tuple[Node, ...], constants: Constants) -> list[Node]:
    """The group norm under the name of `node`, after the nodes that repeat weights of groups for their channels."""
    first, norm = parts
    assert isinstance(norm.op, InstanceNorm)
    x, nodes = first.inputs[0], list[Node]()
    channels, groups = x.type.shape[1], norm.output.type.shape[1]

    def repeated(value: Value) -> Value:
        column = constants.make(nodes, node, f"{value.name}.column", Reshape((groups, 1)), value)
        rows = constants.make(nodes, node, f"{value.name}.repeated", Tile((1, channels // groups)), column)
        return constants.make(nodes, node, f"{value.name}.channels", Reshape((channels,)), rows)

    weights = [repeated(value) for value in norm.inputs[1:]]
    op = GroupNorm(groups, norm.op.eps, norm.op.weight, norm.op.bias)
    return [*nodes, replace(node, op=op, inputs=(x, *weights))]


def _affine(node: Node, norm: Node, constants: Constants) -> list[Node]:
    """The norm with another weight and bias, under the name of `node`."""
    op, nodes = norm.op, list[Node]()
    assert isinstance(op, (InstanceNorm, GroupNorm))
    x, *weights = norm.inputs
    number = next(value for value in node.inputs if value != norm.output)
    number = constants.make(nodes, node, f"{number.name}.flat", Reshape((x.type.shape[1],)), number)
    weight, bias = weights[0] if op.weight else None, weights[-1] if op.bias else None
    if isinstance(node.op, Mul):
        weight = constants.make(nodes, node, f"{node.name}.weight", Mul(), weight, number) if weight else number
        bias = constants.make(nodes, node, f"{node.name}.bias", Mul(), bias, number) if bias else None
    else:
        bias = constants.make(nodes, node, f"{node.name}.bias", Add(), bias, number) if bias else number
    op = replace(op, weight=weight is not None, bias=bias is not None)
    return [*nodes, replace(node, op=op, inputs=(x, *(value for value in (weight, bias) if value)))]
