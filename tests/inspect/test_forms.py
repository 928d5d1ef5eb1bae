"""Drawings, JSON, diffs, and decisions beside their source lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from convc.frontend import parse_graph
from convc.inspect.decisions import explain, kernel_decisions
from convc.inspect.diff import changes
from convc.inspect.dot import to_dot
from convc.inspect.dump import render, write_stages
from convc.inspect.json_dump import to_json
from convc.ir.printer import print_graph
from convc.options import Options, Target
from convc.passes.base import Stages
from convc.passes.pipeline import run_pipeline
from convc.plan.lower import lower

HERE = Path(__file__).parent
OPTIONS = Options(Target("test", 8, 16))

SOURCE = """
block branch(x, channels) {
    y = conv(x, channels, 3, pad = same, bias = false) |> batchnorm
    return relu(y)
}
network two(image: f32[1, 3, 8, 8]) {
    left = branch(image, 8)
    right = branch(image, 12)
    joined = concat(left, right)
    return scores = joined |> flatten |> linear(4), joined
}
"""


@pytest.fixture(scope="module")
def stages() -> Stages:
    return run_pipeline(parse_graph(SOURCE, "two.conv"), OPTIONS)


def test_dot(stages: Stages, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "two.dot", to_dot(stages.graph))


def test_json_says_what_the_text_says(stages: Stages) -> None:
    found = json.loads(to_json(stages.graph))
    graph = stages.graph
    assert [value["name"] for value in found["parameters"]] == [value.name for value in graph.parameters]
    assert [node["outputs"][0]["name"] for node in found["nodes"]] == [node.name for node in graph.nodes]
    assert found["outputs"] == [{"name": o.name, "value": o.value.name} for o in graph.outputs]
    region = next(node for node in found["nodes"] if node["op"] == "fused")
    assert region["nodes"][0]["op"] == "conv"
    assert region["nodes"][0]["attributes"]["pad"] == [1, 1, 1, 1]
    assert region["outputs"][0]["layout"] == {"name": "nChw8c", "block": 8, "strides": [1536, 512, 64, 8]}
    assert region["source"] == "two.conv:3:9"
    assert {node["constant"] for node in found["nodes"]} == {True, False}


def test_diff(stages: Stages, golden: Callable[[Path, str], None]) -> None:
    names = [stage.name for stage in stages.all]
    parts = []
    for before, after in pairwise(names):
        parts.append(f"# {after}\n{changes(stages[before].graph, stages[after].graph)}\n")
    golden(HERE / "two.diff", "\n".join(parts))


def test_decisions(stages: Stages, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "two.decisions", explain(stages.decisions) + "\n")


def test_decisions_about_kernels(stages: Stages) -> None:
    decisions = kernel_decisions(lower(stages.graph, OPTIONS))
    assert decisions and all(decision.pass_name == "choose-kernels" and decision.text for decision in decisions)


def test_render(stages: Stages) -> None:
    assert render(stages.graph, "text") == print_graph(stages.graph)
    assert render(stages.graph, "dot") == to_dot(stages.graph)
    assert render(stages.graph, "json") == to_json(stages.graph)


def test_stages_are_written_as_sources(stages: Stages, tmp_path: Path) -> None:
    paths = write_stages(stages, tmp_path / "ir")
    assert [path.name for path in paths][:2] == ["0-source.conv", "1-remove-identities.conv"]
    for path, stage in zip(paths, stages.all, strict=True):
        assert parse_graph(path.read_text(encoding="utf-8")) == stage.graph
