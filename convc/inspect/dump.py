"""Graphs in all the forms they can be had in."""

from __future__ import annotations

from pathlib import Path

from convc.inspect.dot import to_dot
from convc.inspect.json_dump import to_json
from convc.ir.graph import Graph
from convc.ir.printer import print_graph
from convc.passes.base import Stages


def render(graph: Graph, form: str) -> str:
    """`graph` as `text`, `dot` or `json`."""
    return {"text": print_graph, "dot": to_dot, "json": to_json}[form](graph)


def write_stages(stages: Stages, folder: Path) -> tuple[Path, ...]:
    """The graph after each pass as a file of its own, `0-source.conv` first; each compiles."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{number}-{stage.name}.conv" for number, stage in enumerate(stages.all))
    for path, stage in zip(paths, stages.all, strict=True):
        path.write_text(print_graph(stage.graph), encoding="utf-8")
    return paths
