"""`convc build`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from convc.cli.common import build_options, find_network, network_argument, parse_parameters, size


@click.command("build", short_help="Build a native library.")
@network_argument
@build_options
@click.option("--output", "-o", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    network: str, weights: Path | None, parameters: tuple[str, ...], target: str, threads: int | None, level: int,
    seed: int, output: Path, as_json: bool,
) -> None:  # fmt: skip
    """Build a native library: libNAME.so, NAME.h and the C in src/.

    \b
    convc build net.conv --weights net.safetensors -o build/
    convc build vgg16 --param classes=10
    """
    from rich.console import Console
    from rich.progress import Progress

    from convc import driver
    from convc.inspect.table import rows
    from convc.native.kernel import Kernel

    start = time.perf_counter()
    loaded = driver.load(find_network(network), weights, seed, **parse_parameters(parameters))
    options = driver.make_options(target, threads, level)
    compiled = driver.translate(loaded.graph, options)
    program = compiled.program
    if not as_json:
        _print_table(rows(program))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("compiling", total=None)
        library = driver.build_library(
            loaded, compiled, options, lambda done, total: progress.update(task, completed=done, total=total)
        )
    saved = Kernel(library, 1).save(output)
    if as_json:
        figures = {
            "library": str(saved), "steps": [asdict(row) for row in rows(program)], "arena_bytes": program.arena_bytes,
            "arena_lower_bound": program.lower_bound_bytes, "weights_bytes": program.weights_bytes,
        }  # fmt: skip
        click.echo(json.dumps(figures, indent=1))
        return
    table = rows(program)
    click.echo(
        f"total: {sum(r.parameters for r in table):,} parameters, {sum(r.macs for r in table) / 1e6:,.1f} M MACs, "
        f"weights {size(program.weights_bytes)}\n"
        f"arena: {size(program.arena_bytes)}, at least {size(program.lower_bound_bytes)} needed by any plan\n"
        f"{saved} in {time.perf_counter() - start:.2f} s"
    )


def _print_table(table: list) -> None:  # type: ignore[type-arg]
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in (("step", "left"), ("in", "left"), ("out", "left"), ("params", "right"), ("M MACs", "right"),
                           ("KB", "right"), ("kernel", "left")):  # fmt: skip
        drawn.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in table:
        drawn.add_row(
            row.name, row.input, row.output, f"{row.parameters:,}" if row.parameters else "",
            f"{row.macs / 1e6:.2f}" if row.macs else "", f"{row.bytes / 1e3:,.0f}", row.kernel,
        )  # fmt: skip
    console = Console()
    console.print(drawn) if console.is_terminal else Console(width=140).print(drawn)
