"""What the cost model chooses beside what measuring chooses: each network built both ways, in turn, in one run.

    python benchmarks/tuned.py [FOLDER] [--threads 1] [--only resnet50,vgg16] [--rounds 7] [--slice 0.3] [--write]

FOLDER holds ONNX files; without it the zoo's networks are measured. A figure is the median over rounds of a round's
fastest run. --write puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import convc
from convc import zoo
from convc.bench.report import describe_machine, put_between
from convc.bench.timing import fastest_run

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- tuned: written by benchmarks/tuned.py -->", "<!-- end of tuned -->"
HEAD = "| network | by the model, ms | measured, ms | model / measured |\n|---|---|---|---|"


@dataclass(frozen=True)
class Pair:
    """A network's seconds by the model's choice and by the measured one."""

    network: str
    modelled: float
    tuned: float

    @property
    def ratio(self) -> float:
        return self.modelled / self.tuned

    @property
    def row(self) -> str:
        return f"| {self.network} | {self.modelled * 1e3:.3g} | {self.tuned * 1e3:.3g} | {self.ratio:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="names with commas between; all that there are unless given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slice", type=float, default=0.3, help="seconds a build gets each round")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    given = parser.parse_args()
    there = sorted(path.stem for path in given.folder.glob("*.onnx")) if given.folder else list(zoo.names())
    print(HEAD, flush=True)
    pairs = []
    for name in given.only.split(",") if given.only else there:
        network = convc.from_onnx(given.folder / f"{name}.onnx") if given.folder else convc.load(zoo.find(name).path)
        pairs.append(measure(name, network, given.threads, given.rounds, given.slice))
        print(pairs[-1].row, flush=True)
    mean = f"| geometric mean |  |  | **{prod(pair.ratio for pair in pairs) ** (1 / len(pairs)):.3f}** |"
    print(mean)
    if given.write:
        where = f"{describe_machine()} {given.threads} thread{'s' if given.threads > 1 else ''}."
        text = "\n".join((where, "", HEAD, *(pair.row for pair in pairs), mean))
        put_between(ROOT / "docs" / "performance.md", BEGIN, END, f"\n\n{text}\n\n")


def measure(name: str, network: convc.Network, threads: int, rounds: int, slice_: float) -> Pair:
    kernels = [convc.compile(network, threads=threads, tune=tune) for tune in (False, True)]
    random = np.random.default_rng(0)
    inputs = [random.standard_normal(port.type.shape, np.float32) for port in kernels[0].inputs]
    fastest: list[list[float]] = [[], []]
    for number in range(rounds + 1):  # the first one warms up
        for kernel, times in zip(kernels, fastest, strict=True):
            best = fastest_run(partial(kernel, *inputs), slice_)
            times += [best] if number else []
    return Pair(name, *(statistics.median(times) for times in fastest))


if __name__ == "__main__":
    main()
