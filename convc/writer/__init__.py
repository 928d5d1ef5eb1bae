"""A graph as a source that a person could have written: blocks where parts are alike, pipes, shapes once at the inputs.

    items    what a source says on one stage of a pipe     blocks   parts that are alike, and what varies in them
    recover  finds these parts, by scopes or repetition    text     bodies: which chain is a statement, under which name
    calls    what stands between the brackets              statements  lines and loops
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convc.diagnostics import InternalError
from convc.frontend import format_source, parse_graph
from convc.ir.graph import Graph
from convc.ir.match import match
from convc.writer.recover import recover
from convc.writer.text import Body, block_lines


@dataclass(frozen=True, slots=True)
class Written:
    """The source of a network. `weights` says which weight of the graph each weight of the source is."""

    text: str
    weights: Mapping[str, str]
    graph: Graph


def write_source(graph: Graph, comment: str = "") -> Written:
    """The network as source; what it means is the very same graph, names of values aside.

    Raises:
        InternalError: It is not: a fault of this writer.
    """
    items, blocks = recover(graph)
    inputs = {value.name: value.name for value in graph.inputs}
    reserved = [block.name for block in blocks]
    body = Body(items, inputs, "", reserved)
    lines = body.write([o.value.name for o in graph.outputs], [o.name for o in graph.outputs])
    header = ", ".join(f"{value.name}: {value.type}" for value in graph.inputs)
    texts = ["\n".join(block_lines(block)) for block in blocks]
    texts.append("\n".join([f"network {graph.name}({header}) {{", *(f"    {line}" for line in lines), "}"]))
    if comment:
        texts.insert(0, "\n".join(f"# {line}".rstrip() for line in comment.splitlines()))
    text = format_source("\n\n".join(texts) + "\n")
    read = parse_graph(text)
    weights = match(graph, read)
    if weights is None:
        raise InternalError(f"the source written for `{graph.name}` means another network:\n{text}")
    return Written(text, weights, read)
