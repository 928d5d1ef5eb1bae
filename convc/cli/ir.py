"""`convc ir`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convc.cli.common import (
    NetworkName,
    check_passes_option,
    echo_json,
    find_network,
    json_option,
    load_network,
    parameter_option,
    print_table,
    verdict_cells,
    without_option,
)

if TYPE_CHECKING:
    from convc.options import Options
    from convc.passes.base import Stage

_LINE = "{name:<22} {nodes:>5} nodes  {ms:>7.2f} ms  {applied:>4} applied  {declined:>4} declined"


@click.command()
@click.argument("network", type=NetworkName())
@parameter_option
@click.option("--after", metavar="PASS", help="Print the graph after this pass (`source`: before the first).")
@click.option("--diff", metavar="PASS", help="Print what this pass changed.")
@click.option("--format", "form", type=click.Choice(["text", "dot", "json"]), default="text", show_default=True)
@click.option("--target", type=click.Choice(["native", "generic"]), default="native", show_default=True)
@click.option("-O", "level", type=click.IntRange(0, 2), default=2, show_default=True, help="0: no pass runs.")
@without_option
@check_passes_option
@json_option
def command(
    network: str, parameters: dict[str, object], after: str | None, diff: str | None, form: str, target: str,
    level: int, without: tuple[str, ...], checked: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the stages of a network, or print the graph at one of them.

    The text is itself a network: save it, edit it, build it.

    \b
    Example:
        convc ir net.conv
        convc ir net.conv --after fuse-epilogue
        convc ir net.conv --diff fold-batch-norm
        convc ir net.conv --check-passes
        convc ir net.conv --after source --format dot | dot -Tsvg > net.svg
    """
    from convc.driver import make_options
    from convc.frontend import load_graph
    from convc.inspect.diff import changes
    from convc.inspect.dump import render
    from convc.passes.pipeline import run_pipeline

    options = make_options(target, 1, level, without=without)
    if checked:
        _check(network, parameters, options, as_json)
        return
    path, _ = find_network(network)
    stages = run_pipeline(load_graph(path, parameters), options).all
    if diff is not None:
        place = _place(stages, diff)
        click.echo(changes(stages[max(0, place - 1)].graph, stages[place].graph))
    elif after is not None or form != "text":
        graph = stages[_place(stages, after) if after else -1].graph
        click.echo(render(graph, form).removesuffix("\n"))
    elif as_json:
        echo_json([_record(stage) for stage in stages])
    else:
        for stage in stages:
            click.echo(_LINE.format_map(_record(stage)))


def _check(network: str, parameters: dict[str, object], options: Options, as_json: bool) -> None:
    """A verdict for every pass; the exit code is 1 if one of them is wrong."""
    from convc.passes.pipeline import run_pipeline
    from convc.trust.passes import check_passes

    loaded, _ = load_network(network, None, 0, parameters)
    verdicts = check_passes(run_pipeline(loaded.graph, options), loaded.weights)
    if as_json:
        echo_json([verdict.record() for verdict in verdicts])
    else:
        titles = ("pass", "verdict", "difference", "bound")
        print_table(titles, [(v.name, *verdict_cells(v.difference)) for v in verdicts], right=titles[2:])
    if not all(verdict.agrees for verdict in verdicts):
        raise click.exceptions.Exit(1)


def _place(stages: tuple[Stage, ...], name: str) -> int:
    names = [stage.name for stage in stages]
    if name not in names:
        raise click.BadParameter(f"no stage {name!r}; there are: {', '.join(names)}")
    return names.index(name)


def _record(stage: Stage) -> dict[str, object]:
    applied = sum(decision.applied for decision in stage.decisions)
    return {
        "name": stage.name, "nodes": len(stage.graph.nodes), "ms": stage.seconds * 1e3,
        "applied": applied, "declined": len(stage.decisions) - applied,
    }  # fmt: skip
