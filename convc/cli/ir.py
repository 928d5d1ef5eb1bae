"""`convc ir`."""

from __future__ import annotations

import click

from convc.cli.common import find_network, network_argument, param_option, parse_parameters
from convc.diagnostics import ConvcError


@click.command("ir", short_help="Show the graph at any stage.")
@network_argument
@param_option
@click.option("--after", metavar="PASS", help="Print the graph after this pass (`source`: before the first).")
@click.option("--diff", metavar="PASS", help="Print what this pass changed.")
@click.option("--format", "form", type=click.Choice(["text", "dot", "json"]), default="text", show_default=True)
@click.option("--target", default="native", show_default=True, help="native or generic: sets the channel block.")
@click.option("-O", "level", type=click.IntRange(0, 2), default=2, show_default=True, help="Passes to run.")
def command(
    network: str, parameters: tuple[str, ...], after: str | None, diff: str | None, form: str, target: str, level: int
) -> None:
    """List the stages of a network, or print the graph at one of them.

    The text is a legal .conv file: edit it, and it compiles.

    \b
    convc ir net.conv
    convc ir net.conv --after fuse-epilogue
    convc ir net.conv --diff fold-batch-norm
    convc ir net.conv --after source --format dot | dot -Tsvg > net.svg
    """
    from convc.driver import make_options
    from convc.frontend import load_graph
    from convc.inspect.dump import changes, render
    from convc.passes.pipeline import run_pipeline

    graph = load_graph(find_network(network), parse_parameters(parameters))
    stages = run_pipeline(graph, make_options(target, 1, level)).all
    names = [stage.name for stage in stages]
    for asked in (after, diff):
        if asked is not None and asked not in names:
            raise ConvcError(f"no stage `{asked}`; there are: {', '.join(names)}")
    if diff is not None:
        number = names.index(diff)
        click.echo(changes(stages[max(0, number - 1)].graph, stages[number].graph))
    elif after is not None or form != "text":
        click.echo(render(stages[names.index(after)].graph if after else stages[-1].graph, form))
    else:
        for stage in stages:
            did = sum(decision.applied for decision in stage.decisions)
            not_done = len(stage.decisions) - did
            click.echo(
                f"{stage.name:20s} {len(stage.graph.nodes):5d} nodes  {stage.seconds * 1e3:7.2f} ms"
                f"  {did} applied, {not_done} declined"
            )
