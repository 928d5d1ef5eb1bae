"""convc beside ONNX Runtime: the same networks, in turn, in one run.

    python benchmarks/race.py FOLDER [--threads 1,2] [--only alexnet,vgg16] [--peer-python PYTHON]

FOLDER holds `<network>.onnx` for networks of the zoo. Each side keeps its network loaded in a process of its own and
gets a slice of every round in turn, so that drift of the machine meets both alike; the figure is the median over rounds
of a round's fastest run. convc takes the model's weights where they have the zoo's names (then the results are compared
too), else random ones of the same shapes. PYTHON is the interpreter that has onnxruntime, if another one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("race_worker.py")
SIDES = ("convc", "onnxruntime")


@dataclass
class Runner:
    """A process that holds one network for one side."""

    process: subprocess.Popen[str]
    hello: dict[str, Any] = field(default_factory=dict)
    fastest: list[float] = field(default_factory=list)

    @staticmethod
    def start(python: str, side: str, model: Path, threads: int) -> Runner:
        command = [python, str(WORKER), side, str(model), str(threads)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        runner = Runner(process)
        runner.hello = runner.answer()
        return runner

    def ask(self, seconds: float) -> None:
        """One slice: runs for about so many seconds, and keeps the fastest."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        self.fastest.append(min(self.answer()["times"]))

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(map(str, self.process.args))} ended early")  # type: ignore[arg-type]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def race(model: Path, threads: int, rounds: int, slice_: float, pythons: dict[str, str]) -> dict[str, Any]:
    """Milliseconds by side, and the largest difference of the results where the weights are the same."""
    runners = {side: Runner.start(pythons[side], side, model, threads) for side in SIDES}
    for _ in range(rounds):
        for runner in runners.values():
            runner.ask(slice_)
    ours, theirs = (runners[side].hello for side in SIDES)
    row: dict[str, Any] = {side: statistics.median(runner.fastest) * 1e3 for side, runner in runners.items()}
    if ours["same_weights"]:
        scale = max(map(abs, theirs["result"]))
        row["difference"] = max(abs(a - b) for a, b in zip(ours["result"], theirs["result"], strict=True)) / scale
    for runner in runners.values():
        runner.stop()
    return {"network": model.stem, "threads": threads, **row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="lenet5,alexnet,vgg16,resnet50")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slice", type=float, default=0.5, help="seconds a side gets each round")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    pythons = {"convc": sys.executable, "onnxruntime": given.peer_python}
    rows = []
    for name in given.only.split(","):
        for threads in map(int, given.threads.split(",")):
            rows.append(race(given.folder / f"{name}.onnx", threads, given.rounds, given.slice, pythons))
            if not given.json:
                print(line(rows[-1]), flush=True)
    if given.json:
        print(json.dumps(rows, indent=1))


def line(row: dict[str, Any]) -> str:
    agree = f"results differ by {row['difference']:.1e}" if "difference" in row else "random weights"
    return (
        f"{row['network']:12s} {row['threads']} thread(s)  convc {row['convc']:8.3f} ms  onnxruntime "
        f"{row['onnxruntime']:8.3f} ms  x {row['onnxruntime'] / row['convc']:.2f}  ({agree})"
    )


if __name__ == "__main__":
    main()
