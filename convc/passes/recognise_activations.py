"""recognise-activations: activations written out in other ops become the op they are.

    before:  e: f32[1, 8] = erf(x / 1.41421356)       after:  y: f32[1, 8] = gelu(x)
             y: f32[1, 8] = x * 0.5 * (e + 1)

Products are compared factor by factor, in any order, wherever their numbers stand. `x * sigmoid(x)` is silu;
`x * relu6(x + 3) / 6` and `x * hard_sigmoid(x)` are hard_swish, `relu6(x + 3) / 6` is hard_sigmoid;
`x * tanh(softplus(x))` is mish; `x / 2 * (1 + erf(x / sqrt(2)))` is gelu, and gelu(approximate = true) where the tanh
of `sqrt(2 / pi) * (x + 0.044715 x^3)` stands for erf; `clip(x, 0, 6)` is relu6, `clip(x, 0)` and `maximum(x, 0)` are
relu, `pow(x, 2)` is `x * x`.
Requires: nothing. Ensures: the op found has the name of the last node; those that it replaces are dead. Declines: where
somebody else reads what would be replaced, as it has to be computed anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Op
from convc.ops.activation import Gelu, Mish, Sigmoid, Silu, Softplus, Tanh
from convc.ops.elementwise import Add, Constant, Div, Maximum, Mul, Pow
from convc.ops.piecewise import Clip, HardSigmoid, HardSwish, Relu, Relu6
from convc.ops.unary import Erf
from convc.passes.base import Pass, Report, users_text

#: How far the numbers of a formula may be from ours: files hold them in float32, or with six digits.
_NEAR: Final = 2e-5


@dataclass(frozen=True)
class RecogniseActivations(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "recognise-activations"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by name, in order
        for node in graph.nodes:
            found = None if node.name in graph.constants else _recognise(graph, nodes, node)
            if found is not None and found.refusal:
                report.declined(node, f"not made {found.op.name}: {found.refusal}")
            elif found is not None:
                report.applied(node, f"is {found.op.name} of {found.x.name}")
                node = replace(node, op=found.op, inputs=(found.x,) * found.count)
            nodes[node.name] = node
        return graph.with_nodes(nodes.values())


@dataclass(frozen=True, slots=True)
class _Found:
    op: Op
    x: Value
    refusal: str = ""
    count: int = 1  # how often x is an operand


@dataclass
class _Formula:
    """What is known of the values before a node; collects the names of the nodes that a match replaces."""

    graph: Graph
    nodes: dict[str, Node]
    inner: list[str] = field(default_factory=list)

    def node(self, value: Value, *ops: type[Op]) -> Node | None:
        """The node that makes `value`, if it has one of these ops."""
        found = self.nodes.get(value.name)
        return found if found is not None and isinstance(found.op, ops) else None

    def number(self, value: Value) -> float | None:
        """The number that `value` is."""
        found = self.node(value, Constant)
        return found.op.value if found is not None and isinstance(found.op, Constant) else None

    def factors(self, node: Node) -> tuple[float, list[Value]]:
        """`node` as a number times tensors: products, quotients by numbers and whole powers are taken apart."""
        number = 1.0
        tensors: list[Value] = []
        for value, inverse in self._parts(node):
            known = self.number(value)
            deeper = self.node(value, Mul, Div, Pow)
            if known is not None and (known or not inverse):
                number = number / known if inverse else number * known
            elif deeper is not None and not inverse and self._can_open(deeper):
                self.inner.append(deeper.name)
                more, others = self.factors(deeper)
                number, tensors = number * more, tensors + others
            else:
                tensors.append(value)
        return number, tensors

    def _parts(self, node: Node) -> Iterator[tuple[Value, bool]]:
        a, b = node.inputs
        if isinstance(node.op, Pow):
            yield from ((a, False) for _ in range(round(self.number(b) or 1)))
        else:
            yield from ((a, False), (b, isinstance(node.op, Div)))

    def _can_open(self, node: Node) -> bool:
        exponent = self.number(node.inputs[1])
        if isinstance(node.op, Pow):
            return exponent in (2.0, 3.0)
        return not isinstance(node.op, Div) or exponent not in (None, 0.0)

    def plus(self, value: Value, number: float) -> Value | None:
        """The tensor `t` where `value` is `t + number`."""
        node = self.node(value, Add)
        for a, b in (node.inputs, node.inputs[::-1]) if node is not None else ():
            if _near(self.number(b), number):
                self.inner.append(value.name)
                return a
        return None

    def through(self, value: Value, *ops: type[Op]) -> Value | None:
        """The operand of a function of one tensor."""
        node = self.node(value, *ops)
        if node is None:
            return None
        self.inner.append(value.name)
        return node.inputs[0]

    def is_multiple(self, value: Value, factor: float, x: Value) -> bool:
        """Whether `value` is `factor * x`."""
        node = self.node(value, Mul, Div)
        if node is None or not self._can_open(node):
            return False
        self.inner.append(value.name)
        number, tensors = self.factors(node)
        return tensors == [x] and _near(number, factor)


def _near(a: float | None, b: float) -> bool:
    return a is not None and math.isclose(a, b, rel_tol=_NEAR)


def _recognise(graph: Graph, nodes: dict[str, Node], node: Node) -> _Found | None:
    match node.op:
        case Clip(low=0.0, high=6.0):
            return _Found(Relu6(), node.inputs[0])
        case Clip(low=0.0, high=math.inf):
            return _Found(Relu(), node.inputs[0])
        case Maximum():
            a, b = node.inputs
            numbers = _Formula(graph, nodes)
            x = a if numbers.number(b) == 0 else b if numbers.number(a) == 0 else None
            return _Found(Relu(), x) if x is not None and x.type.same_logical(node.output.type) else None
        case Pow():
            exponent = _Formula(graph, nodes).number(node.inputs[1])
            return _Found(Mul(), node.inputs[0], count=2) if exponent == 2 and _same_shape(node) else None
        case Mul() | Div():
            return _product(graph, nodes, node)
    return None


def _same_shape(node: Node) -> bool:
    return node.inputs[0].type.same_logical(node.output.type)


def _product(graph: Graph, nodes: dict[str, Node], node: Node) -> _Found | None:
    """The activation that a product is."""
    outer = _Formula(graph, nodes)
    if not outer._can_open(node):
        return None
    number, tensors = outer.factors(node)
    pairs = [(tensors[0], tensors[1]), (tensors[1], tensors[0])] if len(tensors) == 2 else []
    if len(tensors) == 1 and _near(number, 1 / 6):
        formula = _Formula(graph, nodes, list(outer.inner))
        x = _ramp(formula, tensors[0])
        return _found(graph, formula, node, HardSigmoid(), x) if x is not None else None
    for x, other in pairs:
        for attempt in (_scaled_by_itself, _gelu):
            formula = _Formula(graph, nodes, list(outer.inner))
            op = attempt(formula, number, x, other)
            if op is not None:
                return _found(graph, formula, node, op, x)
    return None


def _found(graph: Graph, formula: _Formula, node: Node, op: Op, x: Value) -> _Found | None:
    """The match, refused where an inner result is read outside."""
    if not x.type.same_logical(node.output.type):
        return None
    inside = {node.name, *formula.inner}
    for name in formula.inner:
        if name in graph.output_names:
            return _Found(op, x, f"{name} is an output of the network")
        if any(user.name not in inside for user in graph.users.get(name, ())):
            return _Found(op, x, users_text(graph, formula.nodes[name].output))
    return _Found(op, x)


def _ramp(formula: _Formula, value: Value) -> Value | None:
    """The x of `relu6(x + 3)`."""
    inside = formula.through(value, Relu6)
    return formula.plus(inside, 3.0) if inside is not None else None


def _scaled_by_itself(formula: _Formula, number: float, x: Value, other: Value) -> Op | None:
    """x times a function of x that goes from 0 to 1."""
    node = formula.node(other, HardSigmoid)
    if _near(number, 1 / 6) and _ramp(formula, other) == x:
        return HardSwish()
    if not _near(number, 1.0):
        return None
    if node is not None and isinstance(node.op, HardSigmoid):
        usual = _near(node.op.alpha, 1 / 6) and _near(node.op.beta, 0.5)
        return HardSwish() if usual and formula.through(other, HardSigmoid) == x else None
    if formula.through(other, Sigmoid) == x:
        return Silu()
    inside = formula.through(other, Tanh)
    if inside is not None and formula.through(inside, Softplus) == x:
        return Mish()
    return None


def _gelu(formula: _Formula, number: float, x: Value, other: Value) -> Op | None:
    """x / 2 * (1 + erf(x / sqrt(2))), or with the tanh that is nearly that."""
    inside = formula.plus(other, 1.0) if _near(number, 0.5) else None
    if inside is None:
        return None
    angle = formula.through(inside, Erf, Tanh)
    if angle is None:
        return None
    if formula.node(inside, Erf) is not None:
        return Gelu() if formula.is_multiple(angle, math.sqrt(0.5), x) else None
    return Gelu(approximate=True) if _is_cubic(formula, angle, x) else None


def _is_cubic(formula: _Formula, value: Value, x: Value) -> bool:
    """Whether `value` is sqrt(2 / pi) * (x + 0.044715 x^3)."""
    node = formula.node(value, Mul)
    if node is None:
        return False
    formula.inner.append(value.name)
    number, tensors = formula.factors(node)
    total = formula.node(tensors[0], Add) if len(tensors) == 1 and _near(number, math.sqrt(2 / math.pi)) else None
    if total is None or x not in total.inputs:
        return False
    formula.inner.append(total.name)
    cube = total.inputs[1] if total.inputs[0] == x else total.inputs[0]
    power = formula.node(cube, Mul, Div)
    if power is None:
        return False
    formula.inner.append(cube.name)
    number, tensors = formula.factors(power)
    return tensors == [x, x, x] and _near(number, 0.044715)
