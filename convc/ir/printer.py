"""A graph as text: the flat subset of the language.

    network lenet5(x: f32[1, 1, 28, 28]) {
        conv1.weight: f32[6, 1, 5, 5] = parameter()
        conv1: f32[1, 6, 28, 28] = conv(x, weight = conv1.weight, pad = 2, bias = false)  # lenet5.conv:4:9
        return output = conv1
    }

Parsing it gives the same graph again, at every stage: types are written with their layouts, attributes resolved, fused
regions spelled out. Attributes equal to the op's default in the language are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from convc.ir.graph import Graph, Node, Output, Value
from convc.ir.op import Fused

_INDENT = "    "


def print_graph(graph: Graph) -> str:
    """The whole network, as a source that can be compiled."""
    header = ", ".join(f"{value.name}: {value.type}" for value in graph.inputs)
    lines = [f"network {graph.name}({header}) {{"]
    if graph.ignored:
        lines.append(f"{_INDENT}ignore {', '.join(map(attribute, graph.ignored))}")
    waiting = list(graph.parameters)
    position = {value.name: place for place, value in enumerate(graph.parameters)}
    shown = 0
    for node in graph.nodes:
        # Parameters stand before their first use, but always in the graph's order, which is part of it.
        needed = max((position[value.name] + 1 for value in node.inputs if value.name in position), default=0)
        lines.extend(f"{_INDENT}{_parameter(value)}" for value in waiting[shown:needed])
        shown = max(shown, needed)
        lines.extend(_INDENT + line for line in print_node(node).split("\n"))
    lines.extend(f"{_INDENT}{_parameter(value)}" for value in waiting[shown:])
    lines.append(f"{_INDENT}return {', '.join(map(_output, graph.outputs))}")
    return "\n".join(lines) + "\n}\n"


def print_node(node: Node) -> str:
    """One node, on one line unless it is a fused region; its source position follows as a comment."""
    mark = "" if node.fuse is None else "@fuse " if node.fuse else "@nofuse "
    targets = mark + ", ".join(f"{value.name}: {value.type}" for value in node.outputs)
    comment = f"  # {node.span}" if node.span is not None else ""
    if isinstance(node.op, Fused):
        inner = [line for part in node.op.nodes for line in print_node(part).split("\n")]
        results = ", ".join(value.name for value in node.op.results)
        body = "\n".join(_INDENT + line for line in (*inner, f"return {results}"))
        return f"{targets} = fused {{{comment}\n{body}\n}}"
    return f"{targets} = {node.op.name}({', '.join(_arguments(node))}){comment}"


def _parameter(value: Value) -> str:
    return f"{value.name}: {value.type} = parameter()"


def _output(output: Output) -> str:
    """The name is written where the language would choose another."""
    own = output.value.name.rpartition(".")[2]
    return output.value.name if output.name == own else f"{output.name} = {output.value.name}"


def _arguments(node: Node) -> Iterator[str]:
    names = node.op.operands(len(node.inputs))
    for place, (name, value) in enumerate(zip(names, node.inputs, strict=True)):
        yield value.name if place == 0 or name == "*" else f"{name} = {value.name}"
    params = {param.name: param for param in getattr(node.op, "params", ())}
    for place, field in enumerate(fields(_dataclass(node.op))):
        value = getattr(node.op, field.name)
        if field.name in names:
            continue  # a flag that says the operand is there (`bias`): the operand says it
        if place == 0 and not names:
            yield attribute(value)
        elif field.name not in params or not _is_default(value, params[field.name].default):
            # `[4, 4]` is a shape, but as a stride it is `4`
            whole = field.name in params and params[field.name].kind.value == "shape"
            yield f"{field.name} = {attribute(value if whole else _collapse(value))}"


def _dataclass(op: object) -> Any:
    return op


def _is_default(value: object, default: object) -> bool:
    collapsed = _collapse(value)
    return type(collapsed) is type(default) and collapsed == default


def _collapse(value: object) -> object:
    """A tuple of equal numbers is one number, as the language reads it, except where the tuple is a shape."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def attribute(value: object) -> str:
    """An attribute's value as the language writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"[{', '.join(map(attribute, value))}]"
        case float():
            return repr(value)
        case str():
            return f'"{value}"'
        case _:
            return str(value)
