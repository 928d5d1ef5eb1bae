"""A graph as JSON: everything the text says, for programs."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Fused


def to_json(graph: Graph) -> str:
    """The graph as JSON text; keys and nodes are in the order of the graph.

    A value that is read stands as its name, one that is defined with its type; `constant` says that it is computed
    when weights are packed, `source` where it was written.
    """
    found = {
        "name": graph.name,
        "inputs": [_value(value) for value in graph.inputs],
        "parameters": [_value(value) for value in graph.parameters],
        "nodes": [_node(node) | {"constant": node.name in graph.constants} for node in graph.nodes],
        "outputs": [{"name": output.name, "value": output.value.name} for output in graph.outputs],
    }
    return json.dumps(found, indent=1) + "\n"


def _value(value: Value) -> dict[str, Any]:
    layout = value.type.layout
    return {
        "name": value.name,
        "dtype": value.type.dtype.value,
        "shape": list(value.type.shape),
        "layout": {"name": layout.name(), "block": layout.block, "strides": list(layout.strides)},
    }


def _node(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "op": node.op.name,
        "inputs": [value.name for value in node.inputs],
        "outputs": [_value(value) for value in node.outputs],
    }
    if isinstance(node.op, Fused):
        found["nodes"] = [_node(member) for member in node.op.nodes]
    else:
        found["attributes"] = _attributes(node.op)
    if node.span:
        found["source"] = str(node.span)
    return found


def _attributes(op: Any) -> dict[str, Any]:
    return {field.name: getattr(op, field.name) for field in fields(op)}
