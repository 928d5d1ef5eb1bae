"""`convc bisect`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convc.cli.common import (
    echo_json,
    json_option,
    load_network,
    network_options,
    print_table,
    read_arrays,
    target_options,
    verdict_cells,
)

if TYPE_CHECKING:
    from convc.network import Network
    from convc.trust.bisect import Findings, Guilty


@click.command()
@network_options
@target_options
@click.option("-i", "--input", "inputs", multiple=True, type=click.Path(path_type=Path),
              help="A .npy per input for which it is wrong; otherwise random ones.")
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, winograd: bool, without: tuple[str, ...], portion: int | None,
    inputs: tuple[Path, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Find the pass, or the kernel, that makes a network wrong, and the node where it shows.

    Every pass is held against the source in the interpreter; then the library against the interpreter, node by node,
    each on the operands that it had. How far they may differ is worked out from the data. The exit code is 1 where
    something is wrong. The interpreter takes seconds for each billion multiplications.

    \b
    Example:
        convc bisect net.conv -w net.safetensors
        convc bisect net.conv -i x.npy --target generic
        convc bisect lenet5 --json
    """
    from convc.driver import bisect, make_options

    loaded, origin = load_network(network, weights, seed, parameters)
    options = make_options(target, threads, level, winograd, without, portion)
    findings = bisect(loaded, options, _inputs(loaded, inputs))
    if as_json:
        echo_json(_record(findings))
    else:
        _print(findings, origin)
    if findings.guilty:
        raise click.exceptions.Exit(1)


def _inputs(loaded: Network, paths: tuple[Path, ...]) -> dict[str, Any] | None:
    if not paths:
        return None
    arrays = read_arrays(paths, loaded.graph.name, [(value.name, value.type) for value in loaded.graph.inputs])
    return {value.name: array for value, array in zip(loaded.graph.inputs, arrays, strict=True)}


def _print(findings: Findings, origin: str) -> None:
    titles = ("pass or output", "verdict", "difference", "bound")
    lines = [(verdict.name, *verdict_cells(verdict.difference)) for verdict in findings.passes]
    lines += [(f"library: {name}", *verdict_cells(difference)) for name, difference in findings.outputs.items()]
    print_table(titles, lines, right=titles[2:])
    if findings.nodes:
        agree = sum(verdict.difference.agrees for verdict in findings.nodes)
        click.echo(f"kernels, each on what it read: {agree} of {len(findings.nodes)} agree")
    click.echo(f"weights: {origin}")
    for guilty in findings.guilty:
        click.echo("\n" + "\n".join(_lines(guilty)))


def _lines(guilty: Guilty) -> list[str]:
    node = guilty.node
    where = f" at {node.name}" + (f" ({node.span})" if node.span else "") if node else ""
    lines = [f"guilty: {guilty.what}{where}", f"    {guilty.text}"]
    lines += [f"    {line}" for line in guilty.ir]
    return lines + [f"    {'did' if decision.applied else 'left'}: {decision.text}" for decision in guilty.decisions]


def _record(findings: Findings) -> dict[str, object]:
    return {
        "passes": [verdict.record() for verdict in findings.passes],
        "outputs": {name: difference.record() for name, difference in findings.outputs.items()},
        "kernels": [{"node": verdict.node.name} | verdict.difference.record() for verdict in findings.nodes],
        "guilty": [
            {"what": guilty.what, "node": guilty.node.name if guilty.node else None,
             "source": str(guilty.node.span or "-") if guilty.node else "-", "text": guilty.text}
            for guilty in findings.guilty
        ],
    }  # fmt: skip
