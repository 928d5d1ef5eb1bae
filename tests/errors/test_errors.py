"""The mistakes a newcomer makes most: `<case>.conv` gives exactly the messages in `<case>.err`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from convc.diagnostics import CompileError
from convc.diagnostics.codes import CATALOGUE, explain
from convc.frontend import load_graph

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*.conv"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_messages(case: Path, golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(CompileError) as caught:
        load_graph(case)
    golden(case.with_suffix(".err"), f"{caught.value}\n")


def test_every_case_has_its_file_and_every_file_its_case() -> None:
    assert {case.stem for case in CASES} == {file.stem for file in HERE.glob("*.err")}
    assert len(CASES) >= 30


def test_every_code_in_the_sources_has_a_page() -> None:
    package = HERE.parent.parent / "convc"
    used = {code for file in package.rglob("*.py") for code in re.findall(r'"(E0\d{3})"', file.read_text("utf-8"))}
    assert used == set(CATALOGUE)


def test_explain() -> None:
    assert explain("e0302").startswith("E0302: kernel does not fit its input\n")
    with pytest.raises(KeyError, match="did you mean E0302"):
        explain("E-0302")
