"""`convc build`"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convc.cli.common import (
    check_passes_option,
    count,
    echo_json,
    find_network,
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
    from convc.inspect.table import Summary
    from convc.network import Network
    from convc.options import Options


@click.command()
@network_options
@target_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@click.option("--tune", is_flag=True, help="Measure the likeliest algorithms of each convolution first.")
@click.option("--ir", "with_ir", is_flag=True, help="Also write the IR after every pass, to ir/.")
@check_passes_option
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, winograd: bool, without: tuple[str, ...], portion: int | None,
    output: Path, tune: bool,
    with_ir: bool, checked: bool, as_json: bool,
) -> None:  # fmt: skip
    """Build a native library: libNAME.so, NAME.h and the C it was made of, in src/.

    \b
    Example:
        convc build net.conv -w net.safetensors -o build/
        convc build vgg16 -p classes=10 --ir
    """
    from convc.driver import make_options
    from convc.native.build import save
    from convc.recall import Origin, recall, remember

    start = time.perf_counter()
    path, trained = find_network(network)
    origin = Origin(path, weights or trained, seed, parameters)
    options = make_options(target, threads, level, winograd, without, portion)
    ir = output / "ir" if with_ir else None
    known = None if tune or ir or checked else recall(origin)
    if known and (found := _find(known.digest, options)):
        library, summary, weights_from = *found, known.weights_from
        if not as_json:
            _print_table(summary)
    else:
        loaded, weights_from = load_network(network, weights, seed, parameters)
        if checked:
            _check(loaded, options, not as_json)
        if tune:
            options = _tuned(loaded, options, not as_json)
        library, summary = _build_or_find(loaded, options, ir, not as_json)
        remember(origin, loaded, weights_from)
    saved = save(library, output)
    took = time.perf_counter() - start
    header = saved.with_name(f"{saved.stem.removeprefix('lib')}.h")
    if as_json:
        named = {"library": str(saved), "header": str(header), "weights": weights_from, "seconds": took}
        echo_json(named | summary.record())
        return
    click.echo(f"{saved}  {size(saved.stat().st_size)}, weights: {weights_from}, {seconds(took)}")
    click.echo(f"{header}, C in {output / 'src'}" + (f", IR in {output / 'ir'}" if with_ir else ""))


def _find(digest: str, options: Options) -> tuple[Path, Summary] | None:
    """The library of a network that was built before by this command, and its table."""
    from convc.driver import find_library
    from convc.inspect.table import Summary

    built = find_library(digest, options)
    return (built.library, Summary.from_record(json.loads(built.note))) if built and built.note else None


def _build_or_find(loaded: Network, options: Options, ir: Path | None, shown: bool) -> tuple[Path, Summary]:
    """The library, its table printed before its units compile."""
    from convc.driver import translate
    from convc.inspect.dump import write_stages
    from convc.inspect.table import Summary

    if ir is None and (found := _find(loaded.digest, options)):
        if shown:
            _print_table(found[1])
        return found
    compiled = translate(loaded.graph, options)
    summary = Summary.of(loaded.graph, compiled.program)
    if shown:
        _print_table(summary)
    library = _build(loaded, compiled, options, json.dumps(summary.record()), shown)
    if ir:
        write_stages(compiled.stages, ir)
    return library, summary


def _check(loaded: Network, options: Options, shown: bool) -> None:
    """What the passes did to the results, in the interpreter; an error if one of them is wrong."""
    from convc.driver import verify_passes

    found = [verdict.difference for verdict in verify_passes(loaded, options) if verdict.difference]
    if shown:
        error, bound = (max((getattr(d, what) for d in found), default=0.0) for what in ("error", "bound"))
        click.echo(f"{len(found)} passes changed the graph, none the results: {error:.2g} off, bound {bound:.2g}\n")


def _tuned(loaded: Network, options: Options, shown: bool) -> Options:
    """The options with measured choices, with a bar on standard error meanwhile."""
    from convc.driver import tune_options

    with _bar("tuning", shown) as progress:
        return tune_options(loaded, options, progress)


@contextmanager
def _bar(title: str, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; what it yields is called with (done, all)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, all: bar.update(task, completed=done, total=all)


def _build(loaded: Network, compiled: Compiled, options: Options, note: str, shown: bool) -> Path:
    """The library, with a bar on standard error while units compile."""
    from convc.driver import build_library

    with _bar("compiling", shown) as progress:
        return build_library(loaded, compiled, options, progress, note)


def _print_table(summary: Summary) -> None:
    titles = ("layer", "in", "out", "parameters", "MACs", "bytes", "algorithm")
    lines = [
        (row.name, row.input, row.output, f"{row.parameters:,}" if row.parameters else "",
         count(row.macs) if row.macs else "", size(row.bytes), f"{row.kernel}: {row.reason}")
        for row in summary.layers
    ]  # fmt: skip
    print_table(titles, lines, right=("parameters", "MACs", "bytes"))
    click.echo(f"\n{summary.parameters:,} parameters, {count(summary.macs)} MACs, "
               f"weights {size(summary.weights_bytes)}")  # fmt: skip
    click.echo(f"arena {size(summary.arena_bytes)} ({summary.arena_bytes:,} bytes), "
               f"lower bound {size(summary.arena_lower_bound)} ({summary.arena_lower_bound:,} bytes)")  # fmt: skip
