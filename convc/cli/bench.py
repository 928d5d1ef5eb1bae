"""`convc bench`"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convc.cli.ablate import ablate as measure_ablation
from convc.cli.ablate import print_ablation
from convc.cli.common import (
    count,
    echo_json,
    json_option,
    load_network,
    network_options,
    print_table,
    seconds,
    target_options,
)

if TYPE_CHECKING:
    from convc.inspect.table import Row
    from convc.native.kernel import Kernel


@click.command()
@network_options
@target_options
@click.option("--time", "budget", type=float, default=2.0, show_default=True, help="Seconds to measure.")
@click.option("--layers", is_flag=True, help="Also time every layer.")
@click.option("--ablate", is_flag=True, help="Also time the network without each pass, all interleaved.")
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, winograd: bool, without: tuple[str, ...], budget: float,
    layers: bool, ablate: bool, as_json: bool,
) -> None:  # fmt: skip
    """Time a network, and each of its layers.

    \b
    Example:
        convc bench resnet50 --threads 1 --layers
        convc bench mobilenet_v2 --ablate
        convc bench net.conv --json
    """
    from convc.driver import build_library, make_options, translate
    from convc.inspect.table import rows
    from convc.native.kernel import Kernel

    loaded, _ = load_network(network, weights, seed, parameters)
    options = make_options(target, threads, level, winograd, without)
    compiled = translate(loaded.graph, options)
    kernel = Kernel(build_library(loaded, compiled, options), options.threads)
    arrays = _inputs(kernel)
    times = _times(lambda: kernel(*arrays), budget)
    table = rows(compiled.program)
    macs = sum(row.macs for row in table)
    record: dict[str, Any] = {
        "network": kernel.name, "threads": options.threads, "runs": len(times), "median": statistics.median(times),
        "fastest": min(times), "flops_per_second": 2 * macs / min(times),
    }  # fmt: skip
    if layers:
        record["layers"] = _layers(kernel, arrays, table, len(times))
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


def _layers(kernel: Kernel, arrays: list[Any], table: list[Row], runs: int) -> list[dict[str, Any]]:
    """Each layer's median time over as many runs, at most 50."""
    columns = zip(*([taken for _, taken in kernel.profile(*arrays)] for _ in range(min(runs, 50))), strict=True)
    return [_layer(row, statistics.median(taken)) for row, taken in zip(table, columns, strict=True)]


def _layer(row: Row, taken: float) -> dict[str, Any]:
    taken = max(taken, 1e-9)  # the clock may see nothing of a very small layer
    return {
        "layer": row.name, "algorithm": row.kernel, "seconds": taken,
        "flops_per_second": 2 * row.macs / taken, "bytes_per_second": row.bytes / taken,
    }  # fmt: skip


def _print(record: dict[str, Any]) -> None:
    if "ablation" in record:
        print_ablation(record["ablation"])
    if "layers" in record:
        total = sum(row["seconds"] for row in record["layers"])
        titles = ("layer", "time", "share", "FLOP/s", "B/s", "algorithm")
        lines = [
            (row["layer"], seconds(row["seconds"]), f"{row['seconds'] / total:.1%}",
             count(row["flops_per_second"]) if row["flops_per_second"] else "", count(row["bytes_per_second"]),
             row["algorithm"])
            for row in record["layers"]
        ]  # fmt: skip
        print_table(titles, lines, right=titles[1:-1])
    click.echo(
        f"{record['network']}: {seconds(record['median'])} median, {seconds(record['fastest'])} fastest of "
        f"{record['runs']} runs, {count(record['flops_per_second'])}FLOP/s, {record['threads']} thread(s)"
    )
