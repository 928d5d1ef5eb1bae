"""`convc bench`."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import click

from convc.cli.common import build_options, find_network, network_argument, parse_parameters


@click.command("bench", short_help="Time a network, whole and step by step.")
@network_argument
@build_options
@click.option("--seconds", type=float, default=2.0, show_default=True, help="How long to measure.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def command(
    network: str, weights: Path | None, parameters: tuple[str, ...], target: str, threads: int | None, level: int,
    seed: int, seconds: float, as_json: bool,
) -> None:  # fmt: skip
    """Time a network, whole and step by step: medians over repeated runs.

    \b
    convc bench resnet50 --threads 1
    convc bench net.conv -w net.safetensors --json
    """
    import numpy as np

    from convc import driver
    from convc.inspect.table import rows
    from convc.native.kernel import Kernel

    loaded = driver.load(find_network(network), weights, seed, **parse_parameters(parameters))
    options = driver.make_options(target, threads, level)
    compiled = driver.translate(loaded.graph, options)
    kernel = Kernel(driver.build_library(loaded, compiled, options), options.threads)
    generator = np.random.default_rng(0)
    arrays = [generator.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs]
    kernel(*arrays)
    times, steps = [], []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        kernel(*arrays)
        times.append(time.perf_counter() - start)
        steps.append([taken for _, taken in kernel.profile(*arrays)])
    medians = [statistics.median(column) for column in zip(*steps, strict=True)]
    table = [
        {"step": row.name, "kernel": row.kernel, "us": taken * 1e6, "gflops": 2 * row.macs / taken / 1e9 if taken else 0,
         "gbytes_per_s": row.bytes / taken / 1e9 if taken else 0}
        for row, taken in zip(rows(compiled.program), medians, strict=True)
    ]  # fmt: skip
    whole = {"network": kernel.name, "threads": options.threads, "runs": len(times),
             "ms": statistics.median(times) * 1e3, "ms_fastest": min(times) * 1e3, "steps": table}  # fmt: skip
    if as_json:
        click.echo(json.dumps(whole, indent=1))
        return
    for row in table:
        click.echo(f"{row['us']:10.1f} us {row['gflops']:8.1f} GFLOP/s {row['gbytes_per_s']:7.1f} GB/s  {row['step']}  ({row['kernel']})")
    click.echo(f"{whole['ms']:.3f} ms median of {len(times)} runs ({whole['ms_fastest']:.3f} fastest), {options.threads} thread(s)")
