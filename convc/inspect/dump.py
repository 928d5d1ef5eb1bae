"""Graphs as text, as Graphviz, as JSON; and what changed between two of them."""

from __future__ import annotations

import difflib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Fused
from convc.ir.printer import print_graph
from convc.passes.base import Stages


def render(graph: Graph, form: str) -> str:
    """`graph` as `text`, `dot` or `json`."""
    return {"text": print_graph, "dot": to_dot, "json": to_json}[form](graph)


def changes(before: Graph, after: Graph) -> str:
    """A unified diff of the two graphs' text."""
    old, new = print_graph(before).splitlines(), print_graph(after).splitlines()
    lines = list(difflib.unified_diff(old, new, "before", "after", lineterm="", n=1))
    return "\n".join(lines[2:]) if lines else "nothing changed"


def write_stages(stages: Stages, folder: Path) -> tuple[Path, ...]:
    """The graph after each pass as a file of its own, `0-source.conv` first; each compiles."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{number}-{stage.name}.conv" for number, stage in enumerate(stages.all))
    for path, stage in zip(paths, stages.all, strict=True):
        path.write_text(print_graph(stage.graph))
    return paths


def to_dot(graph: Graph) -> str:
    """A Graphviz drawing: nodes with op and type, regions as boxes; weights are left out."""
    lines = [f"digraph {json.dumps(graph.name)} {{", '  node [shape=box, fontname="sans-serif"];']
    lines += [f"  {_id(v.name)} [label={json.dumps(f'{v.name}: {v.type}')}, shape=ellipse];" for v in graph.inputs]
    for node in graph.runtime_nodes():
        parts = node.op.nodes if isinstance(node.op, Fused) else (node,)
        label = "\\n".join([" + ".join(part.op.name for part in parts), f"{node.name}: {node.output.type}"])
        lines.append(f'  {_id(node.name)} [label="{label}"];')
        drawn = (v for v in node.inputs if v.name not in graph.constants)
        lines += [f"  {_id(v.name)} -> {_id(node.name)};" for v in drawn]
    return "\n".join([*lines, "}"])


def _id(name: str) -> str:
    return json.dumps(name)


def to_json(graph: Graph) -> str:
    """The graph as JSON: everything the text says, for programs."""
    return json.dumps(
        {
            "name": graph.name,
            "inputs": [_value(value) for value in graph.inputs],
            "parameters": [_value(value) for value in graph.parameters],
            "nodes": [_node(node) for node in graph.nodes],
            "outputs": [{"name": output.name, "value": output.value.name} for output in graph.outputs],
        },
        indent=1,
    )


def _value(value: Value) -> dict[str, Any]:
    layout = value.type.layout
    return {
        "name": value.name, "dtype": value.type.dtype.value, "shape": list(value.type.shape),
        "layout": {"name": layout.name(), "block": layout.block, "strides": list(layout.strides)},
    }  # fmt: skip


def _node(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "op": node.op.name,
        "inputs": [value.name for value in node.inputs],
        "outputs": [_value(value) for value in node.outputs],
    }
    if isinstance(node.op, Fused):
        found["nodes"] = [_node(member) for member in node.op.nodes]
    else:
        found["attributes"] = {field.name: getattr(node.op, field.name) for field in fields(node.op)}  # type: ignore[arg-type]
    if node.span:
        found["source"] = str(node.span)
    return found
