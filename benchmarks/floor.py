"""How near networks come to the direct float32 floor: one image, one thread unless told otherwise.

    python benchmarks/floor.py [FOLDER] [--threads 1] [--only resnet50,vgg16] [--rounds 5] [--slice 0.4] [--write]

    floor = 2 * macs / peak + bytes of linear layers' weights / memory

Peak and memory's rate are measured in the same run, by the programs that `convc bench --layers` uses, before and
between the rounds; a network's time is the median over rounds of a round's fastest run. Below 1 is Winograd's. FOLDER
holds ONNX files; without it the zoo's networks are measured. --write puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import convc
from convc import zoo
from convc.bench.report import describe_machine, put_between
from convc.bench.timing import fastest_run
from convc.driver import make_options
from convc.inspect.cost import network_cost
from convc.native.peak import limits
from convc.ops.linear import Linear

ROOT = Path(__file__).parents[1]

#: Networks whose share of the floor is a goal of the project, and the goals.
GOALS = {
    "vgg16": 0.36, "resnet50": 0.84, "fcn_resnet50": 0.70, "mobilenet_v1": 1.06, "mobilenet_v2": 1.15,
    "xception": 1.03, "seresnet50": 0.87, "wavenet": 1.2,
}  # fmt: skip

BEGIN, END = "<!-- floor: written by benchmarks/floor.py -->", "<!-- end of floor -->"


@dataclass(frozen=True)
class Share:
    """A network's time, and the floor of its arithmetic, in seconds."""

    network: str
    seconds: float
    floor: float
    flops: float  # the peak, per second
    memory: float  # bytes per second

    @property
    def row(self) -> str:
        goal = f"{GOALS[self.network]:.2f}" if self.network in GOALS else ""
        cells = [f"{self.seconds * 1e3:.3g}", f"{self.floor * 1e3:.3g}", f"{self.seconds / self.floor:.2f}", goal]
        return f"| {self.network} | {' | '.join(cells)} | {self.flops / 1e9:.0f} | {self.memory / 1e9:.0f} |"


HEAD = """\
| network | ms | floor, ms | share | goal | peak, GFLOP/s | memory, GB/s |
|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default=",".join(GOALS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slice", type=float, default=0.4, help="seconds a network gets each round")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    given = parser.parse_args()
    print(HEAD, flush=True)
    rows = []
    for name in given.only.split(","):
        rows.append(measure(name, load(name, given.folder), given.threads, given.rounds, given.slice).row)
        print(rows[-1], flush=True)
    if given.write:
        write(rows, given.threads)


def load(name: str, folder: Path | None) -> convc.Network:
    return convc.from_onnx(folder / f"{name}.onnx") if folder else convc.load(zoo.find(name).path)


def measure(name: str, network: convc.Network, threads: int, rounds: int, slice_: float) -> Share:
    kernel, target = convc.compile(network, threads=threads), make_options(threads=threads).target
    random = np.random.default_rng(0)
    inputs = [random.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs]
    kernel(*inputs)
    fastest, machine = [], [limits(target, threads)]
    for _ in range(rounds):
        fastest.append(fastest_run(lambda: kernel(*inputs), slice_))
        machine.append(limits(target, threads))
    flops = statistics.median(m.flops for m in machine)
    memory = statistics.median(m.memory for m in machine)
    floor = 2 * network_cost(network.graph).macs / flops + linear_bytes(network) / memory
    return Share(name, statistics.median(fastest), floor, flops, memory)


def linear_bytes(network: convc.Network) -> int:
    """Bytes of the weights that linear layers read, each once."""
    nodes = [node for node in network.graph.runtime_nodes() if isinstance(node.op, Linear)]
    return sum(node.inputs[1].type.bytes for node in nodes)


def write(rows: list[str], threads: int) -> None:
    where = f"{describe_machine()} {threads} thread{'s' if threads > 1 else ''}."
    text = "\n".join((where, "", HEAD, *rows))
    put_between(ROOT / "docs" / "performance.md", BEGIN, END, f"\n\n{text}\n\n")


if __name__ == "__main__":
    main()
