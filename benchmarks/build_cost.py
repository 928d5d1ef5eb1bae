"""What it takes to build each network of the zoo, from nothing.

    python benchmarks/build_cost.py [NAME ...] [--json] [--write]

Each network is built in a process of its own, with a cache of its own that is empty, on all cores this process may use.
`--write` puts the rows into docs/build-cost.md; rows of networks that were not measured stay as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from convc import zoo
from convc.bench.report import put_between
from convc.driver import build_library, make_options, translate
from convc.frontend import load_graph
from convc.native.compiler import find_compiler
from convc.native.cores import available_threads
from convc.network import Network
from convc.weights.store import Weights

PAGE = Path(__file__).parents[1] / "docs" / "build-cost.md"
BEGIN, END = "<!-- build cost: written by benchmarks/build_cost.py -->\n", "<!-- end of build cost -->\n"
MIB = 2**20


@dataclass(frozen=True)
class Row:
    """Seconds and bytes. Memory is the most that was resident: of convc, and of the largest run of the C compiler."""

    network: str
    nodes: int
    files: int
    elaboration: float
    passes: float
    c: float
    build: float
    c_bytes: int
    library_bytes: int
    weights_bytes: int
    memory: int
    compiler_memory: int

    def cells(self) -> tuple[str, ...]:
        beyond = self.library_bytes - self.weights_bytes
        return (
            self.network, str(self.nodes), str(self.files), f"{self.elaboration:.2f}", f"{self.passes:.2f}",
            f"{self.c:.2f}", f"{self.build:.1f}", *(f"{size / MIB:.2f}" for size in (self.c_bytes, beyond)),
            *(f"{size / MIB:.0f}" for size in (self.weights_bytes, self.memory, self.compiler_memory)),
        )  # fmt: skip


TITLES = ("network", "nodes", "C files", "elaboration, s", "passes, s", "C, s", "build, s", "C, MiB",
          "library beyond weights, MiB", "weights, MiB", "memory of convc, MiB", "of the C compiler, MiB")  # fmt: skip


def build(name: str) -> Row:
    """Build the network in this process, which has built none before."""
    options = make_options()
    start = time.perf_counter()
    graph = load_graph(zoo.find(name).path)
    elaborated = time.perf_counter()
    network = Network(graph, Weights.random(graph, 0))
    before = time.perf_counter()
    compiled = translate(graph, options)
    translated = time.perf_counter()
    library = build_library(network, compiled, options)
    built = time.perf_counter()
    passes = sum(stage.seconds for stage in compiled.stages.all)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    texts = [unit.text for unit in (*compiled.emitted.units, *compiled.emitted.internal)]
    return Row(
        name, len(graph.nodes), len(texts), elaborated - start, passes, translated - before - passes, built - start,
        sum(map(len, texts)), library.stat().st_size, compiled.program.weights_bytes, memory, 0,
    )  # fmt: skip


def measure(name: str) -> Row:
    """`build` in a fresh process."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--here", name]
        environment = {**os.environ, "CONVC_CACHE": cache}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            largest = 0
            while process.poll() is None:
                largest = max(largest, compilers(cache))
                time.sleep(0.02)
            assert process.stdout is not None
            answer = process.stdout.read()
    if process.returncode:
        sys.exit(f"{name} was not built")
    return replace(Row(**json.loads(answer)), compiler_memory=largest)


def compilers(folder: str) -> int:
    """The most that one of the compilers at work in `folder` has had resident so far; 0 where /proc is missing.

    What the system says of children that have ended is no use: it counts what convc had resident when it forked.
    """
    found = [0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(folder):
                status = (process / "status").read_text()
                if re.search(r"^Name:\s+(cc1|clang)", status, re.MULTILINE):
                    found += [int(kib) * 1024 for kib in re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)]
        except OSError:  # it has ended, or is another user's
            continue
    return max(found)


def table(rows: dict[str, str]) -> str:
    head = f"| {' | '.join(TITLES)} |\n|---|{'---:|' * (len(TITLES) - 1)}\n"
    return head + "".join(rows[name] for name in zoo.names() if name in rows)


def write(rows: list[Row]) -> None:
    """Put the rows into the page, and what they were measured with."""
    old = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    known = {name: line for line, name in re.findall(r"^(\| (\w+) \|.*\n)", old, re.MULTILINE) if name in zoo.names()}
    known |= {row.network: f"| {' | '.join(row.cells())} |\n" for row in rows}
    target = make_options().target
    machine = f"{available_threads()} cores, vectors of {target.lanes} floats, {find_compiler().version}"
    put_between(PAGE, BEGIN, END, f"Measured on {machine}.\n\n{table(known)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the zoo; else all of it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="the rows into docs/build-cost.md")
    parser.add_argument("--here", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(asdict(build(given.here))))
        return
    rows = []
    if not given.json:
        print("  ".join(TITLES))
    for name in given.names or zoo.names():
        rows.append(measure(name))
        if not given.json:
            print("  ".join(rows[-1].cells()), flush=True)
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    if given.write:
        write(rows)


if __name__ == "__main__":
    main()
