"""A wheel carries the grammar, the templates, the runtime and the zoo, and finds them when installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.parametrize("folder", ["grammar", "templates", "runtime", "examples/forms"])
def test_it_holds_every_data_file(wheel: Path, folder: str) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"convc/_data/{p.relative_to(ROOT)}" for p in (ROOT / folder).rglob("*") if p.is_file()}
    assert wanted
    assert wanted <= names


def test_it_holds_the_zoo_with_its_weights_and_the_standard_blocks(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"convc/zoo/resnet50.conv", "convc/zoo/lenet5.safetensors", "convc/std/convolutions.conv"} <= names


def test_it_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top.split("-")[0] for top in tops} == {"convc"}


def test_unpacked_it_translates_a_network(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        f"import convc, convc.driver as d, convc.zoo as z; assert convc.__file__.startswith({str(tmp_path)!r}); "
        "from convc.forms import forms; assert len([convc.load(f.path) for f in forms()]) > 9; "
        "n = convc.load(z.find('lenet5').path); print(len(d.translate(n.graph, d.make_options()).emitted.units))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 1
