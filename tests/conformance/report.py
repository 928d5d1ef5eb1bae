"""Runs every test of the ONNX project on convc, and writes the table of docs/onnx.md: `make conformance`.

    python tests/conformance/report.py [--only PART] [--jobs N] [--no-table]

The exit code is 1 where a test failed; unsupported is no failure, and every reason is listed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conformance import suite  # noqa: E402 (the path is set above)
from conformance.suite import Verdict  # noqa: E402
from convc.bench.report import put_between  # noqa: E402

PAGE = ROOT / "docs" / "onnx.md"
BEGIN, END = "<!-- conformance: written by `make conformance` -->", "<!-- end of conformance -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="tests whose name has this in it")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-table", action="store_true", help="leave docs/onnx.md alone")
    given = parser.parse_args()
    start = time.perf_counter()
    names = [name for name in suite.cases() if given.only in name]
    verdicts = run_all(names, given.jobs)
    print(summary(verdicts))
    print(f"{time.perf_counter() - start:.0f} s")
    if not given.no_table and not given.only:
        write_table(verdicts)
    return int(any(verdict.status == "failed" for verdict in verdicts))


def run_all(names: Sequence[str], jobs: int) -> list[Verdict]:
    """Every test in a few processes, which share what they compile."""
    os.environ.setdefault("CONVC_CFLAGS", "-O1")  # the time goes into compiling
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ONNX_MODELS"] = folder
        context = multiprocessing.get_context("fork")  # the suite's data, made once, is there in all of them
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            return list(pool.map(suite.run, names, chunksize=4))


def summary(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.status for verdict in verdicts)
    lines = [f"FAILED {v.case}\n{v.reason}" for v in verdicts if v.status == "failed"]
    lines += [f"{count:5d}  {reason}" for reason, count in reasons(verdicts)]
    lines.append(f"passed {counts['passed']}, unsupported {counts['unsupported']}, failed {counts['failed']} "
                 f"of {len(verdicts)}")  # fmt: skip
    return "\n".join(lines)


def reasons(verdicts: Iterable[Verdict]) -> list[tuple[str, int]]:
    found = Counter(reason(verdict) for verdict in verdicts if verdict.status == "unsupported")
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def reason(verdict: Verdict) -> str:
    """Why a test is unsupported, without the names of its nodes."""
    line = verdict.reason.splitlines()[0]
    head, colon, rest = line.partition("): ")
    text = f"{head.rpartition('(')[2]}: {rest}" if colon and head.startswith("`") else line
    return text if len(text) < 110 else f"{text[:107]}..."


def write_table(verdicts: Sequence[Verdict]) -> None:
    put_between(PAGE, BEGIN, END, f"\n{table(verdicts)}")


def table(verdicts: Sequence[Verdict]) -> str:
    """Per op the tests of single nodes, then the groups of larger models, then the reasons."""
    counts = Counter(verdict.status for verdict in verdicts)
    by_op: dict[str, list[Verdict]] = defaultdict(list)
    by_group: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        alone = verdict.group == "Node" and len(verdict.ops) == 1
        (by_op[verdict.ops[0]] if alone else by_group[_group(verdict)]).append(verdict)
    lines = [f"{counts['passed']} of {len(verdicts)} tests pass, {counts['unsupported']} are unsupported, "
             f"{counts['failed']} fail.", "",
             "| tests of one op | operator set | passed | unsupported | why |", "|---|---|---|---|---|"]  # fmt: skip
    lines += [_row(op, found) for op, found in sorted(by_op.items())]
    lines += ["", "| models | operator set | passed | unsupported | why |", "|---|---|---|---|---|"]
    lines += [_row(group, found) for group, found in sorted(by_group.items())]
    return "\n".join(lines) + "\n"


def _group(verdict: Verdict) -> str:
    return "functions expanded into nodes" if verdict.group == "Node" else verdict.group


def _row(name: str, verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.status for verdict in verdicts)
    sets = sorted({verdict.opset for verdict in verdicts if verdict.opset})
    span = f"{sets[0]}" if len(sets) == 1 else f"{sets[0]} to {sets[-1]}" if sets else ""
    why = "; ".join(text.removeprefix(f"{name}: ").replace("|", "\\|") for text, _ in reasons(verdicts)[:2])
    cells = (name, span, counts["passed"] or "", counts["unsupported"] or "", why)
    return f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |")


if __name__ == "__main__":
    sys.exit(main())
