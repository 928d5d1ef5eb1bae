"""unstack: what is stacked along an axis only to be added up over it is computed part by part.

    before:  a1: f32[1, 1, 8, 9, 9] = unsqueeze(a, axes = [1])                   a, b: f32[1, 8, 9, 9]
             b1: f32[1, 1, 8, 9, 9] = unsqueeze(b, axes = [1])
             s: f32[1, 2, 8, 9, 9] = concat(a1, b1)
             t: f32[1, 2, 8, 9, 9] = mul(s, w)                                   w: f32[1, 2, 8, 1, 1]
             y: f32[1, 8, 9, 9] = reduce_sum(t, axes = [1], keepdims = false)
    after:   t.0: f32[1, 8, 9, 9] = mul(a, w.0)                                  w.0, w.1: f32[1, 8, 1, 1], cut from w
             t.1: f32[1, 8, 9, 9] = mul(b, w.1)
             y: f32[1, 8, 9, 9] = add(t.0, t.1)

Networks that weigh their branches are written so: selective kernels (Li et al. 2019, arXiv 1903.06586, section 3.1)
with a stack, split attention (Zhang et al. 2020, arXiv 2004.08955, section 3.2) with a reshape that takes groups of
channels apart, which here become slices. Between stack and reduction (sum, maximum, minimum) may stand functions of
elements. The stack has an axis more than images have, and would have to be brought out of blocks of channels and back.
Requires: nothing. Ensures: what is no longer read is left for `remove-dead`. Declines: where the stack is read
elsewhere too, or meets another large tensor that is none; stacks of more than eight; where the source says `@nofuse`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.op import Op
from convc.ir.types import Shape
from convc.ops.common import Binary, Unary
from convc.ops.elementwise import Add, Maximum, Minimum
from convc.ops.movement import Slice
from convc.ops.reduce import Reduce, ReduceMax, ReduceMin, ReduceSum
from convc.ops.reshaping import Unsqueeze
from convc.ops.shape import Concat, Reshape
from convc.passes.base import Pass, Report, unwanted, users_text

#: What joins two parts of a reduction.
_JOINS: Final[dict[type[Op], Op]] = {ReduceSum: Add(), ReduceMax: Maximum(), ReduceMin: Minimum()}

#: Parts that are worth a node each, and by how much smaller than the stack a tensor is that can be cut in parts.
_MOST, _SMALL = 8, 8


@dataclass(frozen=True)
class Unstack(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "unstack"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        stacks = {stack.sink.name: stack for stack in _stacks(graph)}
        while refused := {name: reason for name, stack in stacks.items() if (reason := stack.refusal(graph, stacks))}:
            for name, reason in refused.items():
                report.declined(stacks.pop(name).sink, f"not computed part by part: {reason}")
        parts = _Parts(set(graph.names))
        for node in graph.nodes:
            if node.name in stacks:
                report.applied(node, f"computed of {stacks[node.name].count} parts, which are not stacked")
                parts.join(stacks[node.name])
            else:
                parts.keep(node)
        return graph.with_nodes(parts.nodes)


@dataclass(frozen=True)
class _Stack:
    """What a reduction over one axis reads, as far up as it consists of parts along that axis."""

    sink: Node
    axis: int
    opened: dict[str, Node]  # made of parts, so that their results need not be; in the order of the graph
    others: tuple[Value, ...]  # what meets them

    @property
    def shape(self) -> Shape:
        return self.sink.inputs[0].type.shape

    @property
    def count(self) -> int:
        return self.shape[self.axis]

    def place(self, value: Value) -> tuple[str, int, int]:
        """What the parts of an operand depend on: axes are aligned at the last, one of extent 1 is repeated."""
        return value.name, self.axis - len(self.shape), self.count

    def refusal(self, graph: Graph, stacks: Mapping[str, _Stack]) -> str:
        """Why it is to be stacked all the same; empty where nothing is in the way."""
        if reason := unwanted(self.sink, *self.opened.values()):
            return reason
        if self.count > _MOST:
            return f"it has {self.count} parts, more than {_MOST}"
        for other in self.others:
            if other.type.elements * _SMALL > self.sink.inputs[0].type.elements:
                return f"{other.name}, which it meets, is no stack of parts"
        apart = {name for s in stacks.values() if s.axis == self.axis for name in (s.sink.name, *s.opened)}
        for name, node in self.opened.items():
            if name in graph.output_names:
                return f"{name} is an output of the network"
            if any(user.name not in apart for user in graph.users.get(name, ())):
                return users_text(graph, node.output)
        return ""


def _stacks(graph: Graph) -> Iterator[_Stack]:
    """Every reduction of a stack over the axis it was stacked along."""
    made = {value.name: node for node in graph.nodes for value in node.outputs}
    axes: dict[str, set[int]] = {}  # along which a value is made of parts, if it is
    for node in graph.nodes:
        match node.op:
            case Concat(axis):
                if all(_under(made.get(x.name), axis) is not None for x in node.inputs):
                    axes[node.name] = {axis}
            case Reshape(shape):
                source = node.inputs[0].type.shape
                axes[node.name] = {axis for axis in range(len(shape) - 1) if _together(shape, axis) == source}
            case Unary() | Binary():
                alike = [x.name for x in node.inputs if x.type.shape == node.output.type.shape]
                axes[node.name] = {axis for name in alike for axis in axes.get(name, ())}
        if type(node.op) in _JOINS and node.name not in graph.constants:
            assert isinstance(node.op, Reduce)
            x = node.inputs[0]
            for axis in axes.get(x.name, ()):
                if node.op.axes == (axis,) and x.type.shape[axis] > 1:
                    yield _open(node, axis, made, axes)


def _open(sink: Node, axis: int, made: Mapping[str, Node], axes: Mapping[str, set[int]]) -> _Stack:
    shape = sink.inputs[0].type.shape
    opened: set[str] = set()
    others: dict[str, Value] = {}
    left = [sink.inputs[0]]
    while left:
        value = left.pop()
        if value.name in opened:
            continue
        if axis not in axes.get(value.name, ()) or value.type.shape != shape:
            others[value.name] = value
            continue
        opened.add(value.name)
        if isinstance(made[value.name].op, (Unary, Binary)):
            left += made[value.name].inputs
    ordered = {name: node for name, node in made.items() if name in opened}
    return _Stack(sink, axis, ordered, tuple(others.values()))


def _under(node: Node | None, axis: int) -> Value | None:
    """The tensor that `node` puts an axis of extent 1 into."""
    if node is None or not isinstance(node.op, (Reshape, Unsqueeze)) or node.output.type.rank <= axis:
        return None
    source, shape = node.inputs[0], node.output.type.shape
    return source if shape[axis] == 1 and source.type.shape == _without(shape, axis) else None


@dataclass
class _Parts:
    """The nodes so far, and the parts of what was opened."""

    names: set[str]
    nodes: list[Node] = field(default_factory=list)
    made: dict[str, Node] = field(default_factory=dict)
    parts: dict[tuple[str, int, int], list[Value]] = field(default_factory=dict)  # by `_Stack.place`

    def keep(self, node: Node) -> None:
        self.nodes.append(node)
        self.made.update((value.name, node) for value in node.outputs)

    def join(self, stack: _Stack) -> None:
        """Add the nodes that compute a reduction of its parts, and those of the parts where they are missing."""
        parts, count = self.parts, range(stack.count)
        for value in stack.others:
            if stack.place(value) not in parts:
                parts[stack.place(value)] = [self._cut(value, stack, i) for i in count]
        for node in stack.opened.values():
            if stack.place(node.output) not in parts:
                parts[stack.place(node.output)] = [self._part(node, stack, i) for i in count]
        op, result = stack.sink.op, stack.sink.output
        assert isinstance(op, Reduce)
        total, *rest = parts[stack.place(stack.sink.inputs[0])]
        for i, part in enumerate(rest, 1):
            whole = result if i == len(rest) and not op.keepdims else None
            total = self._add(f"{result.name}.{i}", stack, _JOINS[type(op)], (total, part), whole)
        if op.keepdims:
            self._add(result.name, stack, Unsqueeze((stack.axis,)), (total,), result)

    def _part(self, node: Node, stack: _Stack, i: int) -> Value:
        """Part `i` of what was opened."""
        name = f"{node.name}.{i}"
        match node.op:
            case Concat():
                under = _under(self.made[node.inputs[i].name], stack.axis)
                assert under is not None
                return under
            case Reshape(shape):
                size = shape[stack.axis + 1]
                return self._add(name, stack, Slice(stack.axis, i * size, (i + 1) * size), node.inputs)
        return self._add(name, stack, node.op, tuple(self.parts[stack.place(x)][i] for x in node.inputs))

    def _cut(self, value: Value, stack: _Stack, i: int) -> Value:
        """Part `i` of a small tensor, which may be repeated along the axis or not have it."""
        axis = stack.axis - (len(stack.shape) - value.type.rank)
        if axis < 0:
            return value
        shape, name = value.type.shape, f"{value.name}.{i}"
        if shape[axis] > 1:
            value = self._add(f"{name}.cut", stack, Slice(axis, i, i + 1), (value,))
        return self._add(name, stack, Reshape(_without(shape, axis)), (value,))

    def _add(self, name: str, stack: _Stack, op: Op, inputs: tuple[Value, ...], whole: Value | None = None) -> Value:
        """The value of a new node: `whole`, or one of that name."""
        if whole is None:
            (type,) = op.infer(*(value.type for value in inputs))
            whole = Value(fresh_name(name, self.names), type)
            self.names.add(whole.name)
        self.keep(Node(op, inputs, (whole,), stack.sink.span))
        return whole


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _together(shape: Shape, axis: int) -> Shape:
    """The shape with an axis taken into the one after it."""
    return (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])
