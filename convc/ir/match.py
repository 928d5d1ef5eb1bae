"""Whether two graphs are the same network, whatever their values and weights are called."""

from __future__ import annotations

from convc.ir.graph import Graph, Node, Value


def match(left: Graph, right: Graph) -> dict[str, str] | None:
    """The weight of `left` for each weight of `right`, or None where the graphs compute different things.

    The outputs are matched by name and the inputs by place; from the outputs back, ops with their attributes, operands
    and types must be equal. Weights of one graph stand for one weight of the other.
    """
    if [o.name for o in left.outputs] != [o.name for o in right.outputs]:
        return None
    if [v.type for v in left.inputs] != [v.type for v in right.inputs]:
        return None
    inputs = {b.name: a.name for a, b in zip(left.inputs, right.inputs, strict=True)}
    pairs: dict[str, str] = {}
    weights: dict[str, str] = {}
    waiting = [(a.value, b.value) for a, b in zip(left.outputs, right.outputs, strict=True)]
    while waiting:
        a, b = waiting.pop()
        if pairs.setdefault(b.name, a.name) != a.name and not _both_constant(left, right, a, b):
            return None
        nodes = left.producers.get(a.name), right.producers.get(b.name)
        if nodes == (None, None):
            if a.type != b.type or inputs.get(b.name, a.name) != a.name or (b.name in inputs) != (a in left.inputs):
                return None
            if b.name not in inputs:
                weights[b.name] = a.name
            continue
        below = _operands(*nodes, a, b)
        if below is None:
            return None
        waiting.extend(pair for pair in below if pairs.get(pair[1].name) != pair[0].name)
    return weights if len(set(weights.values())) == len(weights) else None


def _operands(left: Node | None, right: Node | None, a: Value, b: Value) -> list[tuple[Value, Value]] | None:
    if left is None or right is None or left.op != right.op or a.type != b.type:
        return None
    places = [v.name for v in left.outputs].index(a.name), [v.name for v in right.outputs].index(b.name)
    if places[0] != places[1] or len(left.inputs) != len(right.inputs):
        return None
    return list(zip(left.inputs, right.inputs, strict=True))


def _both_constant(left: Graph, right: Graph, a: Value, b: Value) -> bool:
    """Equal numbers may be one constant here and several there."""
    nodes = left.producers.get(a.name), right.producers.get(b.name)
    return all(node is not None and not node.inputs for node in nodes)
