"""merge-branches: convolutions of one tensor that are added become one convolution with the sum of their weights.

    before:  a: f32[1, 8, 9, 9] = conv(x, weight = u, bias = p, pad = 1)         u: f32[8, 8, 3, 3]
             b: f32[1, 8, 9, 9] = conv(x, weight = v, bias = q)                  v: f32[8, 8, 1, 1]
             c: f32[1, 8, 9, 9] = add(a, b)
             y: f32[1, 8, 9, 9] = add(c, x)
    after:   y.weight.merged: f32[8, 8, 3, 3] = u + pad(v) + identity
             y: f32[1, 8, 9, 9] = conv(x, weight = y.weight.merged, bias = p + q, pad = 1)

RepVGG's training form (Ding et al. 2021, arXiv 2101.03697) and ACNet's cross (arXiv 1908.03930). A branch is a
convolution, the tensor itself, or the tensor times a factor for each channel (a batch norm of it); each may have a bias
added. The smaller kernel lies where its taps fall in the larger. The new weights are constant nodes.
Requires: batch norms folded. Ensures: the merged convolution takes no more multiply-adds than its branches together; it
bears the name of the addition. Declines: where another node reads a branch, where strides, groups or dilations differ,
where the source says `@nofuse`, and where the kernel that covers both would cost more than they do (`@fuse` overrides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value
from convc.ops.conv import Conv
from convc.ops.elementwise import Add, Constant, Mul
from convc.ops.movement import Slice, Tile
from convc.ops.pad import Pad
from convc.ops.shape import Reshape
from convc.passes.base import Pass, Report, unwanted, users_text
from convc.passes.constants import Constants, is_per_channel


@dataclass(frozen=True)
class MergeBranches(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "merge-branches"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by name, in order
        constants = Constants.of(graph)
        for node in graph.nodes:
            pair = _branches(node, nodes, constants)
            if pair is None:
                nodes[node.name] = node
                continue
            reason = _refusal(graph, node, *pair)
            if isinstance(reason, str):
                report.declined(node, f"not merged into one convolution: {reason}")
                nodes[node.name] = node
                continue
            for branch in pair:
                for member in branch.nodes:
                    nodes.pop(member.name, None)
            report.applied(node, f"{pair[0].text} and {pair[1].text} of {pair[0].x.name} are one convolution")
            merged = _merge(node, pair, reason, constants)
            nodes.update((new.name, new) for new in merged)
        return graph.with_nodes(nodes.values())


@dataclass(frozen=True, slots=True)
class _Branch:
    """A linear function of `x`: a convolution, a factor for each channel, or (neither) `x` itself; then a bias."""

    x: Value
    nodes: tuple[Node, ...] = ()  # what computes it
    conv: Node | None = None
    factor: Value | None = None
    biases: tuple[Value, ...] = ()

    @property
    def text(self) -> str:
        return self.conv.name if self.conv else self.nodes[0].name if self.nodes else "the identity"

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.conv.inputs[1].type.shape[2:] if self.conv else (1,) * (self.x.type.rank - 2)

    @property
    def dilation(self) -> tuple[int, ...]:
        return self.conv.op.dilation if self.conv and isinstance(self.conv.op, Conv) else (1,) * len(self.kernel)

    @property
    def pad(self) -> tuple[int, ...]:
        return self.conv.op.pad if self.conv and isinstance(self.conv.op, Conv) else (0,) * (2 * len(self.kernel))


@dataclass(frozen=True, slots=True)
class _Window:
    """The kernel that covers two: its extents, dilation and padding, and where each of the two begins in it."""

    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    pad: tuple[int, ...]
    places: tuple[tuple[int, ...], tuple[int, ...]]


def _branches(node: Node, nodes: Mapping[str, Node], constants: Constants) -> tuple[_Branch, _Branch] | None:
    """The two branches that an addition joins, at least one of them a convolution."""
    if not isinstance(node.op, Add) or len(node.inputs) != 2 or constants.all_known(node.inputs):
        return None
    left, right = node.inputs
    if left.type.shape != right.type.shape or left == right or not left.type.is_image:
        return None
    a, b = _branch(left, nodes, constants), _branch(right, nodes, constants)
    if a.conv and a.x == right:  # what the convolution reads is added to its result
        b = _Branch(right)
    elif b.conv and b.x == left:
        a = _Branch(left)
    return (a, b) if a.x == b.x and (a.conv or b.conv) else None


def _branch(value: Value, nodes: Mapping[str, Node], constants: Constants) -> _Branch:
    """The branch that makes `value`, as far as it is one."""
    node = nodes.get(value.name)
    if node is None:
        return _Branch(value)
    if isinstance(node.op, Conv) and constants.all_known(node.inputs[1:]):
        return _Branch(node.inputs[0], (node,), node, biases=node.inputs[2:])
    if isinstance(node.op, (Add, Mul)) and len(node.inputs) == 2:
        for x, number in (node.inputs, node.inputs[::-1]):
            if number.name not in constants.known or x.name in constants.known or not is_per_channel(number, value):
                continue
            if isinstance(node.op, Mul):
                return _Branch(x, (node,), factor=number)
            inner = _branch(x, nodes, constants)
            if inner.nodes:
                return replace(inner, nodes=(*inner.nodes, node), biases=(*inner.biases, number))
    return _Branch(value)


def _refusal(graph: Graph, node: Node, a: _Branch, b: _Branch) -> str | _Window:
    """Why the two cannot be one convolution; the window of that convolution if they can."""
    conv = a.conv or b.conv
    assert conv is not None and isinstance(conv.op, Conv)
    members = (*a.nodes, *b.nodes)
    if reason := unwanted(*members, node):
        return reason
    for member in members:
        if member.name in graph.output_names:
            return f"{member.name} is an output of the network"
        if len(graph.users.get(member.name, ())) > 1:
            return users_text(graph, member.output)
    for branch in (a, b):
        op = branch.conv.op if branch.conv else replace(conv.op, stride=(1,) * len(a.kernel))
        assert isinstance(op, Conv)
        if op.groups != conv.op.groups:
            return "they have different groups"
        if op.stride != conv.op.stride:
            return f"{branch.text} has another stride"
        if not branch.conv and a.x.type.shape[1] != node.output.type.shape[1]:
            return f"{branch.text} has other channels"
    window = _window(node, conv.op, a, b)
    if isinstance(window, str):
        return window
    costs = sum(prod(branch.kernel) if branch.conv else 0 for branch in (a, b))
    if prod(window.kernel) > costs and not any(member.fuse for member in (*members, node)):
        return f"a {_x(window.kernel)} kernel covers both, {prod(window.kernel)} taps for their {costs}"
    return window


def _window(node: Node, op: Conv, a: _Branch, b: _Branch) -> str | _Window:
    rank = len(a.kernel)
    kernel, dilation, pads, places = [], [], [], []
    for axis in range(rank):
        steps = {branch.dilation[axis] for branch in (a, b) if branch.kernel[axis] > 1} or {1}
        before = max(a.pad[axis], b.pad[axis])
        starts = [before - branch.pad[axis] for branch in (a, b)]
        step = min(steps)
        if len(steps) > 1 or any(start % step for start in starts):
            return "their taps do not fall together"
        extent = max(start // step + branch.kernel[axis] for start, branch in zip(starts, (a, b), strict=True))
        size, out = a.x.type.shape[2 + axis], node.output.type.shape[2 + axis]
        reach = (extent - 1) * step + 1
        after = max(0, (out - 1) * op.stride[axis] + reach - size - before)
        if (size + before + after - reach) // op.stride[axis] + 1 != out:
            return "their maps do not begin together"
        kernel.append(extent)
        dilation.append(step)
        pads.append((before, after))
        places.append(tuple(start // step for start in starts))
    first, second = (tuple(place[i] for place in places) for i in (0, 1))
    pad = tuple(before for before, _ in pads) + tuple(after for _, after in pads)
    return _Window(tuple(kernel), tuple(dilation), pad, (first, second))


def _merge(node: Node, pair: tuple[_Branch, _Branch], window: _Window, constants: Constants) -> list[Node]:
    """The constant nodes of the new weights, and the convolution, under the addition's name."""
    conv = pair[0].conv or pair[1].conv
    assert conv is not None and isinstance(conv.op, Conv)
    nodes: list[Node] = []
    weights = []
    for branch, place in zip(pair, window.places, strict=True):
        weight = branch.conv.inputs[1] if branch.conv else _diagonal(nodes, node, branch, conv.op.groups, constants)
        after = (n - p - k for n, p, k in zip(window.kernel, place, branch.kernel, strict=True))
        pads = (0, 0, *place, 0, 0, *after)
        if any(pads):
            name = f"{branch.conv.name}.weight.padded" if branch.conv else f"{node.name}.identity.padded"
            weight = constants.make(nodes, node, name, Pad(pads), weight)
        weights.append(weight)
    weight = constants.make(nodes, node, f"{node.name}.weight.merged", Add(), *weights)
    bias = _sum_of_biases(nodes, node, pair, constants)
    op = replace(conv.op, pad=window.pad, dilation=window.dilation, bias=bias is not None)
    inputs = (pair[0].x, weight) if bias is None else (pair[0].x, weight, bias)
    return [*nodes, Node(op, inputs, node.outputs, conv.span, node.fuse)]


def _sum_of_biases(nodes: list[Node], node: Node, pair: Sequence[_Branch], constants: Constants) -> Value | None:
    channels = node.output.type.shape[1]
    total: Value | None = None
    for value in (value for branch in pair for value in branch.biases):
        if value.type.rank > 1:
            value = constants.make(nodes, node, f"{value.name}.flat", Reshape((channels,)), value)
        total = value if total is None else constants.make(nodes, node, f"{node.name}.bias.merged", Add(), total, value)
    return total


def _diagonal(nodes: list[Node], node: Node, branch: _Branch, groups: int, constants: Constants) -> Value:
    """Weights of a 1x1 convolution that hands on every channel, times the branch's factor.

    The unit matrix of n is a one and n zeros, n times over, without the last n.
    """
    channels, each = branch.x.type.shape[1], branch.x.type.shape[1] // groups
    spatial = (1,) * len(branch.kernel)

    def make(name: str, op: Constant | Reshape | Pad | Tile | Slice | Mul, *inputs: Value) -> Value:
        return constants.make(nodes, node, f"{node.name}.identity{name}", op, *inputs)

    one = make(".one", Reshape((1,)), make(".number", Constant(1.0)))
    row = make(".row", Pad((0, each)), one)
    rows = make(".rows", Slice(0, 0, each * each), make(".tiled", Tile((each,)), row))
    unit = make(".group", Reshape((each, each, *spatial)), rows)
    unit = make("", Tile((groups, 1, *spatial)), unit) if groups > 1 else unit
    if branch.factor is None:
        return unit
    factor = make(".factor", Reshape((channels, 1, *spatial)), branch.factor)
    return make(".scaled", Mul(), unit, factor)


def _x(kernel: tuple[int, ...]) -> str:
    return "x".join(map(str, kernel))
