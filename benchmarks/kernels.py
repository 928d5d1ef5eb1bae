"""Single convolutions, by every algorithm that can compute them, beside the machine's multiply-add peak.

    python benchmarks/kernels.py [--set 3x3] [--threads 1] [--target native] [--hot] [--json]
    python benchmarks/kernels.py --layer "64 56 56 conv(64, 3, pad = 1)"

A layer is measured inside a network of several copies of it, each with its own weights, so that weights come from where
they would in a network, not from a cache that the last run has filled (`--hot`: one copy). Figures are GFLOP/s of the
convolution as written, so Winograd can exceed the peak; `*` marks what convc would choose untuned. The peak is measured
in the same run, and again at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.inspect.cost import network_cost
from convc.native.kernel import Kernel
from convc.native.peak import peak_flops
from convc.network import Network
from convc.options import Options
from convc.plan.choose import candidates, choose, cycles
from convc.plan.portions import problems
from convc.plan.problem import Problem
from convc.weights.store import Weights

#: channels, height, width, call: the convolutions of well-known networks.
SETS = {
    "3x3": """
        64 224 224  conv(64, 3, pad = 1)
        64 112 112  conv(128, 3, pad = 1)
        128 112 112 conv(128, 3, pad = 1)
        128 56 56   conv(256, 3, pad = 1)
        256 56 56   conv(256, 3, pad = 1)
        256 28 28   conv(512, 3, pad = 1)
        512 28 28   conv(512, 3, pad = 1)
        512 14 14   conv(512, 3, pad = 1)
        64 56 56    conv(64, 3, pad = 1)
        128 28 28   conv(128, 3, pad = 1)
        256 14 14   conv(256, 3, pad = 1)
        512 7 7     conv(512, 3, pad = 1)
        256 28 28   conv(256, 3, pad = 2, dilation = 2)
        512 28 28   conv(512, 3, pad = 4, dilation = 4)
        96 35 35    conv(96, 3, pad = 1)
        64 35 35    conv(96, 3, pad = 1)
        32 147 147  conv(64, 3, pad = 1)
        384 8 8     conv(384, [1, 3], pad = [0, 1, 0, 1])
        448 8 8     conv(384, 3, pad = 1)
        128 56 56   conv(32, 3, pad = 1)
        128 28 28   conv(32, 3, pad = 1)
        128 14 14   conv(32, 3, pad = 1)
        128 7 7     conv(32, 3, pad = 1)
        32 56 56    conv(32, 3, pad = 1)
        16 112 112  conv(16, 3, pad = 1)
    """,
    "1x1": """
        64 56 56    conv(64, 1)
        64 56 56    conv(256, 1)
        256 56 56   conv(64, 1)
        256 56 56   conv(128, 1)
        256 56 56   conv(512, 1, stride = 2)
        128 28 28   conv(512, 1)
        512 28 28   conv(128, 1)
        512 28 28   conv(256, 1)
        512 28 28   conv(1024, 1, stride = 2)
        256 14 14   conv(1024, 1)
        1024 14 14  conv(256, 1)
        1024 14 14  conv(512, 1)
        1024 14 14  conv(2048, 1, stride = 2)
        512 7 7     conv(2048, 1)
        2048 7 7    conv(512, 1)
    """,
    "other": """
        3 224 224   conv(64, 7, stride = 2, pad = 3)
        3 224 224   conv(64, 3, pad = 1)
        128 56 56   conv(128, 3, stride = 2, pad = 1)
        256 28 28   conv(256, 3, stride = 2, pad = 1)
        512 14 14   conv(512, 3, stride = 2, pad = 1)
        128 17 17   conv(128, [1, 7], pad = [0, 3, 0, 3])
        128 17 17   conv(128, [7, 1], pad = [3, 0, 3, 0])
        192 17 17   conv(192, [1, 7], pad = [0, 3, 0, 3])
        48 35 35    conv(64, 5, pad = 2)
        64 27 27    conv(192, 5, pad = 2)
    """,
}

WARM_BYTES = 48 << 20  # of weights, so that none is left in a cache when its turn comes again

@dataclass(frozen=True)
class Layer:
    """One line of a set."""

    text: str

    def network(self, batch: int, copies: int) -> Network:
        channels, height, width, call = self.text.split(maxsplit=3)
        body = "\n".join(f"y{i} = x{i} |> {call} |> relu" for i in range(copies))
        results = ", ".join(f"y{i}" for i in range(copies))
        inputs = ", ".join(f"x{i}: f32[{batch}, {channels}, {height}, {width}]" for i in range(copies))
        graph = parse_graph(f"network layer({inputs}) {{\n{body}\nreturn {results}\n}}")
        return Network(graph, Weights.random(graph))

    def problem(self, batch: int, options: Options) -> Problem:
        (found,) = problems(translate(self.network(batch, 1).graph, options).graph, options)
        return found


def measure(layer: Layer, batch: int, options: Options, hot: bool, seconds: float) -> float:
    """Seconds of the layer: the median over its copies of each one's fastest run."""
    weights = sum(value.type.bytes for value in layer.network(batch, 1).graph.parameters)
    copies = 1 if hot else max(2, min(6, WARM_BYTES // max(1, weights)))
    network = layer.network(batch, copies)
    kernel = Kernel(build_library(network, translate(network.graph, options), options), options.threads)
    random = np.random.default_rng(0)
    arrays = [np.maximum(random.standard_normal(port.type.shape), 0).astype(np.float32) for port in kernel.inputs]
    best: dict[str, float] = {}
    spent = 0.0
    while spent < seconds:
        for name, took in kernel.profile(*arrays):
            spent += took
            if name in network.graph.output_names:
                best[name] = min(best.get(name, took), took)
    return float(np.median(list(best.values())))


def row(text: str, batch: int, options: Options, hot: bool, seconds: float, every: bool) -> dict[str, Any]:
    """GFLOP/s by candidate; without `every` the best block of each Winograd, as the model has it."""
    layer = Layer(text)
    problem = layer.problem(batch, options)
    flops = 2 * network_cost(layer.network(batch, 1).graph).macs
    chosen = choose(problem, options).candidate
    found = sorted(candidates(problem), key=lambda candidate: cycles(problem, candidate))
    kept = {c.name if every else c.name.partition(",")[0]: c for c in reversed(found)}
    rates = {}
    for candidate in kept.values():
        forced = replace(options, choices=(("*", candidate.name),))
        took = measure(layer, batch, forced, hot, seconds)
        rates[candidate.name] = {"gflops": flops / took * 1e-9, "seconds": took, "cycles": cycles(problem, candidate)}
    return {"layer": text, "flops": flops, "chosen": chosen.name, "rates": rates}


def line(found: dict[str, Any], top: float) -> str:
    rates = found["rates"]
    direct = rates["direct"]["gflops"]
    cells = [f"direct {direct:6.1f} ({100 * direct / top:3.0f} %)" + ("*" if found["chosen"] == "direct" else " ")]
    for name, rate in rates.items():
        if name != "direct":
            short = name.removeprefix("winograd ").replace(" tiles", "").replace(", ", "/")
            cells.append(f"{short} {rate['gflops']:6.1f}{'*' if name == found['chosen'] else ' '}")
    return f"{' '.join(found['layer'].split()):48s} {found['flops'] * 1e-6:8.1f} MFLOP  {'  '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="sets", default="3x3", help=", ".join(SETS))
    parser.add_argument("--layer", action="append", help="channels height width call")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--target", default="native")
    parser.add_argument("--seconds", type=float, default=0.1, help="of each measurement")
    parser.add_argument("--hot", action="store_true")
    parser.add_argument("--every", action="store_true", help="every block of tiles, not only the likeliest")
    parser.add_argument("--build-only", action="store_true", help="fill the cache of builds, measure nothing")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    options = make_options(given.target, given.threads)
    layers = given.layer or [text.strip() for name in given.sets.split(",") for text in SETS[name].strip().splitlines()]
    seconds = 0.0 if given.build_only else given.seconds
    top = peak_flops(options.target) / 1e9
    if not given.json:
        print(f"peak {top:.1f} GFLOP/s in one thread, {given.threads} thread(s)", flush=True)
    rows = []
    for text in layers:
        rows.append(row(text, given.batch, options, given.hot, seconds, given.every))
        if not given.json:
            print(line(rows[-1], top * given.threads), flush=True)
    again = peak_flops(options.target) / 1e9
    print(json.dumps({"peak": [top, again], "rows": rows}, indent=1) if given.json else f"peak {again:.1f} at the end")


if __name__ == "__main__":
    main()
