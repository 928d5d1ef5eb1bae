"""`convc bench`"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convc.cli.ablate import ablate as measure_ablation
from convc.cli.ablate import print_ablation
from convc.cli.bench_tables import print_layers, print_race
from convc.cli.common import (
    count,
    echo_json,
    json_option,
    load_network,
    network_options,
    seconds,
    target_options,
)

if TYPE_CHECKING:
    from convc.driver import Compiled
    from convc.native.kernel import Kernel
    from convc.network import Network
    from convc.options import Options


@click.command()
@network_options
@target_options
@click.option("--time", "budget", type=float, default=2.0, show_default=True, help="Seconds to measure.")
@click.option("--layers", is_flag=True, help="Also time every layer, beside what this machine could do at best.")
@click.option("--against", metavar="NAMES", default="", help="Also time other systems: ort, openvino, torch, inductor.")
@click.option("--ablate", is_flag=True, help="Also time the network without each pass, all interleaved.")
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, winograd: bool, without: tuple[str, ...], portion: int | None,
    budget: float,
    layers: bool, against: str, ablate: bool, as_json: bool,
) -> None:  # fmt: skip
    """Time a network, and each of its layers.

    \b
    Example:
        convc bench resnet50 --threads 1 --layers
        convc bench mobilenet_v2 --ablate
        convc bench resnet50 --against ort,openvino,torch
        convc bench net.conv --json
    """
    from convc.bench.race import check_systems
    from convc.driver import build_library, make_options, translate
    from convc.inspect.table import rows
    from convc.native.kernel import Kernel

    systems = [name for name in against.split(",") if name]
    check_systems(systems)
    loaded, _ = load_network(network, weights, seed, parameters)
    options = make_options(target, threads, level, winograd, without, portion)
    compiled = translate(loaded.graph, options)
    kernel = Kernel(build_library(loaded, compiled, options), options.threads)
    arrays = _inputs(kernel)
    times = _times(lambda: kernel(*arrays), budget)
    macs = sum(row.macs for row in rows(compiled.program))
    record: dict[str, Any] = {
        "network": kernel.name, "threads": options.threads, "runs": len(times), "median": statistics.median(times),
        "fastest": min(times), "flops_per_second": 2 * macs / min(times),
    }  # fmt: skip
    if layers:
        record |= _layers(kernel, arrays, compiled, options, len(times))
    if systems:
        record["against"] = _against(loaded, kernel, arrays, systems, options, budget)
    if ablate:
        record["ablation"] = measure_ablation(loaded, options, _inputs, budget)
    if as_json:
        echo_json(record)
    else:
        _print(record)


def _inputs(kernel: Kernel) -> list[Any]:
    import numpy as np

    generator = np.random.default_rng(0)
    return [generator.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs]


def _times(call: Any, budget: float) -> list[float]:
    """At least five runs after one that warms up, and as many as fit into the budget."""
    call()
    times: list[float] = []
    end = time.perf_counter() + budget
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def _layers(kernel: Kernel, arrays: list[Any], compiled: Compiled, options: Options, runs: int) -> dict[str, Any]:
    """The machine's limits, and each layer's median time over as many runs, at most 50."""
    from convc.bench.roofline import bounds
    from convc.inspect.table import rows
    from convc.native.peak import limits

    found = limits(options.target, options.threads)
    columns = zip(*([taken for _, taken in kernel.profile(*arrays)] for _ in range(min(runs, 50))), strict=True)
    layers = []
    for row, bound, times in zip(
        rows(compiled.program), bounds(compiled.program, found, options), columns, strict=True
    ):
        taken = max(statistics.median(times), 1e-9)  # the clock may see nothing of a very small layer
        layers.append({
            "layer": row.name, "algorithm": row.kernel, "seconds": taken, "flops_per_second": 2 * row.macs / taken,
            "bytes_per_second": row.bytes / taken, "bound": bound.seconds, "share_of_bound": bound.seconds / taken,
            "expected": bound.expected,
        })  # fmt: skip
    machine = {"flops_per_second": found.flops, "cache_per_second": found.cache, "memory_per_second": found.memory}
    return {"machine": machine, "layers": layers}


def _against(
    network: Network, kernel: Kernel, arrays: list[Any], systems: list[str], options: Options, budget: float
) -> list[dict[str, Any]]:
    """convc and the other systems in turn, each in a process of its own."""
    import tempfile
    from dataclasses import asdict

    from convc.bench.race import race
    from convc.exporters.onnx import export_model, write_model

    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "network.onnx"
        weights = {value.name: network.weights[value.name] for value in network.graph.parameters}
        write_model(export_model(network.graph, weights), path)
        models = {"convc": kernel.path, **dict.fromkeys(systems, path)}
        timed = race(models, arrays, options.threads, rounds=5, slice_=max(0.0, budget / 5))
    return [asdict(item) for item in timed]


def _print(record: dict[str, Any]) -> None:
    if "ablation" in record:
        print_ablation(record["ablation"])
    if "layers" in record:
        print_layers(record)
    if "against" in record:
        print_race(record["against"])
    click.echo(
        f"{record['network']}: {seconds(record['median'])} median, {seconds(record['fastest'])} fastest of "
        f"{record['runs']} runs, {count(record['flops_per_second'])}FLOP/s, {record['threads']} thread(s)"
    )
