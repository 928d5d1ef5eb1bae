"""The pipeline as a whole: on the zoo, on random networks, from any stage again, and when a pass is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from fuzz.networks import networks
from hypothesis import HealthCheck, given, settings

import convc
from convc.diagnostics import ConvcError, InternalError
from convc.frontend import load_graph, parse_graph
from convc.ir.graph import Graph
from convc.ir.op import Fused
from convc.ir.printer import print_graph
from convc.ops.conv import Conv
from convc.ops.shape import Flatten, Reorder
from convc.options import Options, Target
from convc.passes.base import Pass, Report, Stages, run_passes
from convc.passes.pipeline import pipeline, run_pipeline
from convc.trust.passes import check_passes
from convc.weights.store import Weights

WIDE = Options(Target("wide", 16, 32))
NARROW = Options(Target("narrow", 4, 16))
ZOO = sorted((Path(convc.__file__).parent / "zoo").glob("*.conv"))
KEPT = sorted((Path(__file__).parents[1] / "fuzz").glob("*.conv"))
QUICK = ("alexnet", "inception_v1", "lenet5", "nin", "resnet18", "shufflenet_v2", "vgg16")
SOME = [pytest.param(path, id=path.stem, marks=[] if path.stem in QUICK else [pytest.mark.sweep]) for path in ZOO]


def check_meaning(stages: Stages) -> None:
    wrong = [v for v in check_passes(stages, Weights.random(stages.all[0].graph)) if not v.agrees]
    assert not wrong, wrong


def test_levels() -> None:
    assert pipeline(replace(WIDE, level=0)) == ()
    names = [item.name for item in pipeline(WIDE)]
    assert names[: len(names) - 8] == [item.name for item in pipeline(replace(WIDE, level=1))]
    assert names[-8:] == [
        "assign-layouts", "place-concat", "fuse-movement", "place-slices", "fuse-depthwise", "fuse-expansion",
        "fuse-prologue", "fuse-pool",
    ]  # fmt: skip


@pytest.mark.parametrize("path", SOME)
def test_zoo(path: Path) -> None:
    """Every stage prints and parses, and nothing is reordered between convolutions, only at the ends."""
    stages = run_pipeline(load_graph(path), WIDE)
    for stage in stages.all:
        assert parse_graph(print_graph(stage.graph)) == stage.graph
    running = list(stages.graph.runtime_nodes())
    ends = {value.name for value in stages.graph.inputs}
    for node in reversed(running):
        read_by = [other for other in running if node.outputs[0] in other.inputs]
        if all(other.name in ends and isinstance(other.op, (Flatten, Reorder)) for other in read_by):
            ends.add(node.name)  # nothing but a flattening or a reorder stands between it and the caller
    reordered = [node for node in running if isinstance(node.op, Reorder)]
    assert all(node.name in ends or node.inputs[0].name in ends for node in reordered)
    anchors = [node.op.nodes[0] if isinstance(node.op, Fused) else node for node in running]
    assert all(node.output.type.block == 16 for node in anchors if isinstance(node.op, Conv))


def test_lenet5_keeps_its_meaning() -> None:
    check_meaning(run_pipeline(load_graph(next(path for path in ZOO if path.stem == "lenet5")), WIDE))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept(path: Path) -> None:
    check_stages(path.read_text())


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_random(source: str) -> None:
    check_stages(source)


def check_stages(source: str) -> None:
    """Same numbers at every stage; each stage's text, compiled again, ends in the same graph; other lanes take it."""
    stages = run_pipeline(parse_graph(source), WIDE)
    check_meaning(stages)
    for stage in stages.all:
        again = parse_graph(print_graph(stage.graph))
        assert again == stage.graph
        assert run_pipeline(again, WIDE).graph == stages.graph
    check_meaning(run_pipeline(stages.graph, NARROW))


@dataclass(frozen=True)
class _Broken(Pass):
    """Takes the first node away."""

    name: ClassVar[str] = "break-graph"
    level: ClassVar[int] = 0

    def run(self, graph: Graph, report: Report) -> Graph:
        return graph.with_nodes(graph.nodes[1:])


@dataclass(frozen=True)
class _Raising(Pass):
    name: ClassVar[str] = "raise-error"
    level: ClassVar[int] = 0

    def run(self, graph: Graph, report: Report) -> Graph:
        raise KeyError("lost")


def test_faults_name_the_pass() -> None:
    graph = parse_graph("network n(x: f32[1, 4]) { return x |> relu |> tanh }")
    with pytest.raises(InternalError, match="after break-graph: tanh reads `relu"):
        run_passes(graph, [_Broken()])
    with pytest.raises(InternalError, match=r"pass raise-error failed on `n`.*KeyError"):
        run_passes(graph, [_Raising()])


def test_an_edited_dump_that_cannot_be() -> None:
    graph = parse_graph("network n(x: f32[1, 8, 2, 2]) { a: f32[1, 8, 2, 2; nChw8c(32, 32, 8, 8)] = relu(x) return a }")
    with pytest.raises(ConvcError, match=r"network `n`: a is .*share a place"):
        run_pipeline(graph, WIDE)


def test_decisions_are_kept_in_order() -> None:
    stages = run_pipeline(parse_graph("network n(x: f32[1, 4, 3, 3]) { a = conv(x, 4, 1) |> batchnorm |> relu\n"
                                      "b = conv(a, 4, 1) |> batchnorm |> relu return b }"), WIDE)  # fmt: skip
    assert [d.node for d in stages["fold-batch-norm"].decisions] == ["batchnorm", "batchnorm_2"]
    assert [d.node for d in stages["fuse-epilogue"].decisions] == ["batchnorm", "batchnorm_2"]
    assert all(d.span is not None and d.applied for d in stages["fuse-epilogue"].decisions)
