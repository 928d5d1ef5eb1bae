"""`convc build`"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convc.cli.common import (
    count,
    echo_json,
    json_option,
    load_network,
    network_options,
    print_table,
    seconds,
    size,
    target_options,
)

if TYPE_CHECKING:
    from convc.driver import Compiled
    from convc.network import Network
    from convc.options import Options


@click.command()
@network_options
@target_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@click.option("--ir", "with_ir", is_flag=True, help="Also write the IR after every pass, to ir/.")
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, output: Path, with_ir: bool, as_json: bool,
) -> None:  # fmt: skip
    """Build a native library: libNAME.so, NAME.h and the C it was made of, in src/.

    \b
    Example:
        convc build net.conv -w net.safetensors -o build/
        convc build vgg16 -p classes=10 --ir
    """
    from convc.driver import make_options, translate
    from convc.inspect.dump import write_stages
    from convc.native.kernel import Kernel

    start = time.perf_counter()
    loaded, origin = load_network(network, weights, seed, parameters)
    options = make_options(target, threads, level)
    compiled = translate(loaded.graph, options)
    if not as_json:
        _print_table(loaded, compiled)
    library = _build(loaded, compiled, options, not as_json)
    saved = Kernel(library).save(output)
    if with_ir:
        write_stages(compiled.stages, output / "ir")
    took = time.perf_counter() - start
    if as_json:
        echo_json(_record(loaded, compiled, saved, origin, took))
        return
    click.echo(f"{saved}  {size(saved.stat().st_size)}, weights: {origin}, {seconds(took)}")
    click.echo(f"{saved.with_name(compiled.emitted.header_name)}, C in {output / 'src'}"
               + (f", IR in {output / 'ir'}" if with_ir else ""))  # fmt: skip


def _build(loaded: Network, compiled: Compiled, options: Options, shown: bool) -> Path:
    """The library, with a bar on standard error while units compile."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from convc.driver import build_library

    columns = (TextColumn("compiling"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("compiling", total=None)
        return build_library(loaded, compiled, options, lambda done, all: bar.update(task, completed=done, total=all))


def _print_table(loaded: Network, compiled: Compiled) -> None:
    from convc.inspect.cost import network_cost
    from convc.inspect.table import rows

    titles = ("layer", "in", "out", "parameters", "MACs", "bytes", "algorithm")
    lines = [
        (row.name, row.input, row.output, f"{row.parameters:,}" if row.parameters else "",
         count(row.macs) if row.macs else "", size(row.bytes), f"{row.kernel}: {row.reason}")
        for row in rows(compiled.program)
    ]  # fmt: skip
    print_table(titles, lines, right=("parameters", "MACs", "bytes"))
    cost, program = network_cost(loaded.graph), compiled.program
    click.echo(f"\n{cost.parameters:,} parameters, {count(cost.macs)} MACs, weights {size(program.weights_bytes)}")
    click.echo(f"arena {size(program.arena_bytes)} ({program.arena_bytes:,} bytes), "
               f"lower bound {size(program.lower_bound_bytes)} ({program.lower_bound_bytes:,} bytes)")  # fmt: skip


def _record(loaded: Network, compiled: Compiled, library: Path, origin: str, took: float) -> dict[str, object]:
    from convc.inspect.cost import network_cost
    from convc.inspect.table import rows

    cost, program = network_cost(loaded.graph), compiled.program
    return {
        "library": str(library), "header": str(library.with_name(compiled.emitted.header_name)), "weights": origin,
        "seconds": took, "parameters": cost.parameters, "macs": cost.macs, "weights_bytes": program.weights_bytes,
        "arena_bytes": program.arena_bytes, "arena_lower_bound": program.lower_bound_bytes,
        "layers": [asdict(row) for row in rows(program)],
    }  # fmt: skip
