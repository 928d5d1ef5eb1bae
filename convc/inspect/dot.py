"""A graph as a drawing for Graphviz."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import members

_STYLE = (
    'node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];',
    'edge [fontname="sans-serif", fontsize=10];',
    'graph [fontname="sans-serif", style=rounded, color=gray60];',
)


def to_dot(graph: Graph) -> str:
    """What runs at inference, as Graphviz text: scopes are boxes, edges carry types, regions list their ops.

    Weights and what is computed from them alone are left out.
    """
    tree = _Scope()
    for node in graph.runtime_nodes():
        tree.child(node.outputs[0].scope).nodes.append(node)
    lines = [f"digraph {_quote(graph.name)} {{", *(f"    {line}" for line in _STYLE)]
    lines += [f"    {_quote(v.name)} [label={_quote(v.name)}, shape=ellipse];" for v in graph.inputs]
    lines += _draw(tree, "", "    ")
    lines += _edges(graph)
    return "\n".join([*lines, "}"]) + "\n"


@dataclass
class _Scope:
    """The nodes of one scope, and the scopes inside it by the last part of their path."""

    nodes: list[Node] = field(default_factory=list)
    inner: dict[str, _Scope] = field(default_factory=dict)

    def child(self, path: str) -> _Scope:
        scope = self
        for part in path.split(".") if path else ():
            scope = scope.inner.setdefault(part, _Scope())
        return scope


def _draw(scope: _Scope, path: str, indent: str) -> list[str]:
    lines = [f"{indent}{_quote(node.name)} [label={_quote(_label(node))}];" for node in scope.nodes]
    for part, inner in scope.inner.items():
        whole = f"{path}.{part}" if path else part
        lines.append(f"{indent}subgraph {_quote(f'cluster_{whole}')} {{")
        lines.append(f"{indent}    label={_quote(part)};")
        lines += _draw(inner, whole, indent + "    ")
        lines.append(f"{indent}}}")
    return lines


def _label(node: Node) -> str:
    parts = members(node)
    return f"{node.name.rpartition('.')[2]}\n{' + '.join(part.op.name for part in parts)}"


def _edges(graph: Graph) -> list[str]:
    source = {value.name: node.name for node in graph.nodes for value in node.outputs}

    def edge(value: Value, target: str) -> str:
        start = source.get(value.name, value.name)
        return f"    {_quote(start)} -> {_quote(target)} [label={_quote(str(value.type))}];"

    lines = [
        edge(value, node.name)
        for node in graph.runtime_nodes()
        for value in node.inputs
        if value.name not in graph.constants
    ]
    for output in graph.outputs:
        drawn = f"output {output.name}"
        lines.append(f"    {_quote(drawn)} [label={_quote(output.name)}, shape=ellipse];")
        lines.append(edge(output.value, drawn))
    return lines


def _quote(text: str) -> str:
    """A string of the DOT language; JSON's escapes are its own, as names hold letters only."""
    return json.dumps(text, ensure_ascii=False)
