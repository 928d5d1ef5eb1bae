"""Time for one image as the batch grows: the batches of a network in turn, in one run.

    python benchmarks/batches.py [--only resnet50,vgg16] [--threads 1,2] [--batches 1,2,4,8] [--out batches.json]
    python benchmarks/batches.py --out batches.json --write

Every batch is compiled as it is by default, in portions, and also for all images at once. Each runs for the same time
in every round, so that drift of the machine meets all alike; the figure is the median over rounds of that time, over
the images that were done. Results go into the file of --out, networks that it holds already are left out; --write puts
its table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import convc
from convc import zoo
from convc.bench.report import describe_machine, put_between

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- batches: written by benchmarks/batches.py -->", "<!-- end of batches -->"

#: Networks, and the largest batch of each that is measured.
NETWORKS = {"mobilenet_v2": 64, "shufflenet_v2": 64, "resnet50": 64, "alexnet": 64, "vgg16": 16}

#: Seconds that a kernel runs in a round, at least once.
SLICE = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(NETWORKS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,2,4,8,16,32,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("batches.json"))
    parser.add_argument("--build", action="store_true", help="only build what is to be measured")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md from --out")
    given = parser.parse_args()
    found: dict[str, Any] = {"machine": describe_machine(), "networks": []}
    if given.out.exists():
        found = json.loads(given.out.read_text())
    if given.write:
        write(found)
        return
    batches = [int(number) for number in given.batches.split(",")]
    for name in given.only.split(","):
        for threads in map(int, given.threads.split(",")):
            if any(one["network"] == name and one["threads"] == threads for one in found["networks"]):
                continue
            runs = runs_of(name, threads, [n for n in batches if n <= NETWORKS.get(name, 64)])
            if given.build:
                continue
            found["networks"].append({"network": name, "threads": threads, **measured(runs, given.rounds)})
            print(row(found["networks"][-1], "portions"), row(found["networks"][-1], "at_once"), sep="\n", flush=True)
            given.out.write_text(json.dumps(found, indent=1))


def runs_of(name: str, threads: int, batches: list[int]) -> dict[tuple[str, int], Callable[[], object]]:
    """What to run, by how (in portions, all images at once) and batch."""
    runs: dict[tuple[str, int], Callable[[], object]] = {}
    for batch in batches:
        network = convc.load(zoo.find(name).path, batch=batch)
        inputs = [np.random.default_rng(0).standard_normal(v.type.shape, np.float32) for v in network.graph.inputs]
        for how, portion in (("portions", None), ("at_once", batch)):
            if how == "portions" or batch > 1:
                kernel = convc.compile(network, threads=threads, portion=portion)
                runs[how, batch] = partial(kernel, *inputs)
    return runs


def measured(runs: dict[tuple[str, int], Callable[[], object]], rounds: int) -> dict[str, dict[int, float]]:
    """Seconds for an image, by how and batch."""
    times: dict[tuple[str, int], list[float]] = {key: [] for key in runs}
    for number in range(rounds + 1):  # the first one warms up
        for key, run in runs.items():
            start, images, taken = time.perf_counter(), 0, 0.0
            while not images or (number and taken < SLICE):
                run()
                images, taken = images + key[1], time.perf_counter() - start
            times[key] += [taken / images] if number else []
    result: dict[str, dict[int, float]] = {"portions": {}, "at_once": {}}
    for (how, batch), found in times.items():
        result[how][batch] = statistics.median(found)
    return result


def row(one: dict[str, Any], how: str, columns: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)) -> str:
    times = {int(batch): seconds for batch, seconds in one[how].items()}
    cells = [f"{1e3 * times[batch]:.3g}" if batch in times else "" for batch in columns]
    return " | ".join(["", one["network"], str(one["threads"]), how.replace("_", " "), *cells, ""]).strip()


def write(found: dict[str, Any]) -> None:
    head = "| network | threads | images | 1 | 2 | 4 | 8 | 16 | 32 | 64 |\n|---|---|---|---|---|---|---|---|---|---|"
    rows = [row(one, how) for one in found["networks"] for how in ("portions", "at_once")]
    text = "\n".join((found["machine"], "", head, *rows))
    put_between(ROOT / "docs" / "performance.md", BEGIN, END, f"\n\n{text}\n\n")


if __name__ == "__main__":
    main()
