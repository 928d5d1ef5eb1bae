"""A build that is cached: found without reading the network, and never a stale one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convc
from convc.recall import Origin, recall, remember
from convc.weights import save_safetensors

NET = 'import "blocks.conv"\nnetwork net(x: f32[1, 4], n = 2) { return x |> layer(n) }\n'
BLOCKS = "block layer(x, n) { return x |> linear(n) |> relu }\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.conv").write_text(NET)
    (tmp_path / "blocks.conv").write_text(BLOCKS)
    return tmp_path


def origin(project: Path, weights: Path | None = None, seed: int = 0, **parameters: object) -> Origin:
    return Origin(project / "net.conv", weights, seed, parameters)


def remembered(asked: Origin) -> str:
    network = convc.load(asked.path, asked.weights, asked.seed, **asked.parameters)
    remember(asked, network, "somewhere")
    return network.digest


def test_a_source_leads_to_its_network(project: Path) -> None:
    asked = origin(project)
    assert recall(asked) is None
    digest = remembered(asked)
    found = recall(asked)
    assert found is not None and (found.digest, found.weights_from) == (digest, "somewhere")
    assert recall(origin(project, seed=1)) is None
    assert recall(origin(project, n=3)) is None


@pytest.mark.parametrize("changed", ["net.conv", "blocks.conv"])
def test_a_source_that_changed_leads_nowhere(project: Path, changed: str) -> None:
    remembered(origin(project))
    before = (project / changed).read_text()
    (project / changed).write_text(before.replace("relu", "tanh").replace("n = 2", "n = 5"))
    assert recall(origin(project)) is None
    (project / changed).write_text(before)
    assert recall(origin(project)) is not None
    (project / changed).unlink()
    assert recall(origin(project)) is None


def test_weights_that_changed_lead_nowhere(project: Path) -> None:
    weights = project / "w.safetensors"
    graph = convc.load(project / "net.conv").graph
    save_safetensors(weights, {v.name: np.zeros(v.type.shape, np.float32) for v in graph.parameters})
    asked = origin(project, weights)
    remembered(asked)
    assert recall(asked) is not None
    save_safetensors(weights, {v.name: np.ones(v.type.shape, np.float32) for v in graph.parameters})
    assert recall(asked) is None


def test_a_damaged_record_is_none(project: Path) -> None:
    remembered(origin(project))
    (record,) = (project / "cache" / "sources").iterdir()
    record.write_text('{"sources": 1}')
    assert recall(origin(project)) is None


def test_a_cached_build_imports_neither_numpy_nor_the_parser(project: Path) -> None:
    code = (
        "import sys; from convc.cli.main import run; code = run(['build', 'net.conv', '-o', 'out']); "
        "print(code, *sorted({'numpy', 'lark', 'jinja2', 'cffi'} & set(sys.modules)))"
    )
    path = {**os.environ, "PYTHONPATH": str(Path(convc.__file__).parents[1])}
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=project, env=path, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    first, second = (run.stdout.splitlines() for run in runs)
    assert first[-1].startswith("0 ") and "lark numpy" in first[-1]
    assert second[-1] == "0"
    assert second[:-3] == first[:-3], "the same table"
