"""`convc memory`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convc.cli.common import (
    NetworkName,
    echo_json,
    find_network,
    json_option,
    parameter_option,
    print_table,
    size,
    target_options,
    write_text,
)

if TYPE_CHECKING:
    from convc.driver import Compiled


@click.command()
@click.argument("network", type=NetworkName())
@parameter_option
@target_options
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="Also draw the live ranges.")
@json_option
def command(
    network: str, parameters: dict[str, object], target: str, threads: int | None, level: int, winograd: bool,
    without: tuple[str, ...], portion: int | None, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show where each value lies in memory, and from which step to which.

    The lower bound is the largest sum of bytes alive at one step; no arena can be smaller. A result that is written
    over an operand has no line of its own: it has the operand's. Of a batch that is run in portions, values that only
    one segment needs have room for one portion.

    \b
    Example:
        convc memory net.conv
        convc memory resnet50 --plot memory.svg
        convc memory net.conv --json
    """
    from convc.driver import make_options, translate
    from convc.frontend import load_graph
    from convc.inspect.decisions import segment_lines
    from convc.inspect.memory_plot import draw_memory

    path, _ = find_network(network)
    compiled = translate(load_graph(path, parameters), make_options(target, threads, level, winograd, without, portion))
    program = compiled.program
    if plot is not None:
        write_text(plot, str(draw_memory(program, f"{program.name}: memory between kernels")))
    if as_json:
        echo_json(_record(compiled))
        return
    rows = [
        (p.name, size(p.bytes), f"{p.offset:,}", str(p.first), str(p.last), program.steps[p.first].name)
        for p in program.memory
    ]  # fmt: skip
    titles = ("value", "size", "offset", "from step", "to step", "written by")
    print_table(titles, rows, right=titles[1:-1])
    click.echo()
    for line in segment_lines(program):
        click.echo(line)
    bound = program.lower_bound_bytes
    over = program.arena_bytes / bound - 1 if bound else 0.0
    click.echo(f"arena {program.arena_bytes:,} bytes, lower bound {bound:,} bytes ({over:+.1%})")
    click.echo(f"scratch {program.scratch_bytes:,} bytes a thread, weights {program.weights_bytes:,} bytes")


def _record(compiled: Compiled) -> dict[str, object]:
    program = compiled.program
    return {
        "arena_bytes": program.arena_bytes, "lower_bound_bytes": program.lower_bound_bytes,
        "scratch_bytes": program.scratch_bytes, "weights_bytes": program.weights_bytes,
        "segments": [asdict(segment) for segment in program.segments],
        "steps": [step.name for step in program.steps], "values": [asdict(place) for place in program.memory],
    }  # fmt: skip
