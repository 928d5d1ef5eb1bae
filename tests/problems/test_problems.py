"""Many convolutions, each against the reference: what breaks prints the command that shows it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ops.helpers import refused, told

from problems.check import Setting, failures
from problems.generate import FACTORS, problems
from problems.problem import Problem, lines_of

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.txt"))

#: Problems in one build, and builds, of the default tests and of the sweep.
EACH, BUILDS, SWEEPS = 50, 10, 350
SETTINGS = (
    Setting("native", 2, 1), Setting("generic", 2, 2), Setting("native", 2, 2), Setting("generic", 0, 1),
    Setting("native", 1, 2),
)  # fmt: skip

#: The sweep's; registers of 64 bytes that are not there take the compiler long.
MORE = (*SETTINGS, Setting("wide", 2, 1), Setting("native", 0, 2), Setting("generic", 1, 1), Setting("wide", 2, 2))


def check(chosen: list[Problem], setting: Setting) -> None:
    wrong = failures(chosen, setting)
    assert not wrong, f"{len(wrong)} wrong\n" + "\n".join(wrong)


@pytest.mark.parametrize("setting", SETTINGS[:2], ids=str)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_written_problems(path: Path, setting: Setting) -> None:
    check([Problem.of(line) for line in lines_of(path)], setting)


@pytest.mark.parametrize("part", range(BUILDS))
def test_generated_problems(part: int) -> None:
    check(problems(EACH * BUILDS)[part::BUILDS], SETTINGS[part % len(SETTINGS)])


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(1, SWEEPS + 1))
def test_sweep(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    check(problems(100, seed), MORE[seed % len(MORE)])


def test_wide_registers() -> None:
    """A target of 16 lanes and 32 registers, on any machine."""
    check([Problem.of(line) for line in lines_of(HERE / "degenerate.txt")[::3]], Setting("wide", 2, 2))


def test_problems_are_read_as_they_are_written() -> None:
    for problem in problems(200, seed=1):
        assert Problem.of(str(problem)) == problem


def test_every_pair_of_levels_meets() -> None:
    """Of two factors alone: the others are fitted to what can be."""
    found = {(len(p.size), p.transposed, "bias" in p.words, p.n) for p in problems(EACH * BUILDS)}
    wanted = {(r, t, b, n) for r in (1, 2, 3) for t in (False, True) for b in (False, True) for n in (1, 2, 3)}
    assert found == wanted
    assert len(FACTORS) == 13


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ic4 oc4 ih2 iw9 kh3 kw3", "height: the kernel needs 3, the padded input has 2 + 0 + 0 = 2"),
        ("ic4 oc4 iw4 kw3 dw2", "dilation 2 spreads 3 taps over 5"),
        ("ic4 oc4 id1 ih9 iw9 kd2 kh3 kw3", "depth: the kernel needs 2"),
        ("ic4 oc4 ih2 iw2 kh3 kw3 ph2 pw2 transposed", "height: the result has 4 - 2 - 2 + 0 = 0"),
        ("g3 ic4 oc6 ih2 iw2", "4 = 1 x 3 + 1"),
    ],
)
def test_empty_results_are_refused_with_the_arithmetic(line: str, words: str) -> None:
    problem = Problem.of(line)
    assert words in told(refused(problem.call("x"), x=problem.shape))
