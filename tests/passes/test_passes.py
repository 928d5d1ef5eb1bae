"""Every pass on graphs written as text: `<pass>.ir` holds cases, `pytest --update` rewrites what they should give.

    # ----- what the case shows
    network before(...) { ... }
    # =>
    network before(...) { ... }          or: # unchanged
    # did conv: what the pass reports    (or `left`)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from convc import interpreter
from convc.frontend import parse_graph
from convc.ir.graph import Graph
from convc.ir.printer import print_graph
from convc.ir.verify import verify
from convc.passes.assign_layouts import AssignLayouts
from convc.passes.base import Pass, Report
from convc.passes.fold_batch_norm import FoldBatchNorm
from convc.passes.fold_movement import FoldMovement
from convc.passes.fold_resize import FoldResize
from convc.passes.fuse_depthwise import FuseDepthwise
from convc.passes.fuse_epilogue import FuseEpilogue
from convc.passes.fuse_expansion import FuseExpansion
from convc.passes.fuse_movement import FuseMovement
from convc.passes.fuse_pool import FusePool
from convc.passes.fuse_prologue import FusePrologue
from convc.passes.merge_branches import MergeBranches
from convc.passes.place_concat import PlaceConcat
from convc.passes.place_slices import PlaceSlices
from convc.passes.recognise_activations import RecogniseActivations
from convc.passes.recognise_norms import RecogniseNorms
from convc.passes.remove_dead import RemoveDead
from convc.passes.remove_identities import RemoveIdentities
from convc.passes.unstack import Unstack
from convc.weights.store import Weights

HERE = Path(__file__).parent
PASSES: dict[str, Pass] = {
    item.name: item
    for item in (
        RemoveIdentities(), RecogniseActivations(), RecogniseNorms(), Unstack(), FoldMovement(), RemoveDead(),
        FoldBatchNorm(), MergeBranches(), FoldResize(), FuseEpilogue(), AssignLayouts(lanes=8), PlaceConcat(),
        FuseMovement(), PlaceSlices(), FuseDepthwise(), FuseExpansion(), FusePrologue(), FusePool(),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    title: str
    source: str


def cases(name: str) -> list[Case]:
    text = (HERE / f"{name}.ir").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in re.split(r"^# ----- ", text, flags=re.MULTILINE)[1:]]
    return [Case(title.strip(), re.split(r"^# =>$", body, flags=re.MULTILINE)[0].strip()) for title, _, body in parts]


ALL = [pytest.param(name, case, id=f"{name}: {case.title}") for name in PASSES for case in cases(name)]


def apply(name: str, case: Case) -> tuple[Graph, Graph, Report]:
    before, report = parse_graph(case.source, "case"), Report(name)
    after = PASSES[name].run(before, report)
    verify(after, name)
    return before, after, report


def show(name: str, case: Case) -> str:
    """The case as its file has it."""
    before, after, report = apply(name, case)
    text = re.sub(r"  # \S+:\d+:\d+$", "", print_graph(after), flags=re.MULTILINE)
    told = [f"# {'did' if d.applied else 'left'} {d.node}: {d.text}\n" for d in report.decisions]
    expected = "# unchanged" if after is before else text.strip()
    return f"# ----- {case.title}\n{case.source}\n# =>\n{expected}\n{''.join(told)}"


@pytest.mark.parametrize("name", PASSES)
def test_text(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / f"{name}.ir", "\n".join(show(name, case) for case in cases(name)))


@pytest.mark.parametrize(("name", "case"), ALL)
def test_meaning(name: str, case: Case) -> None:
    """The float64 interpreter gives the same numbers before and after."""
    before, after, _ = apply(name, case)
    random = np.random.default_rng(3)
    inputs = {value.name: random.standard_normal(value.type.shape) for value in before.inputs}
    weights = Weights.random(before, seed=1)
    expected, got = (interpreter.run(graph, inputs, weights) for graph in (before, after))
    assert list(expected) == list(got)
    for output, array in expected.items():
        np.testing.assert_allclose(got[output], array, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "case"), ALL)
def test_again(name: str, case: Case) -> None:
    """What a pass made can be printed and parsed, and there is nothing left to do in it."""
    _, after, _ = apply(name, case)
    assert parse_graph(print_graph(after)) == after
    assert PASSES[name].run(after, Report(name)) is after
