"""`convc check`."""

from __future__ import annotations

import click

from convc.cli.common import find_network, network_argument, param_option, parse_parameters


@click.command("check", short_help="Check a network and say what is wrong with it.")
@network_argument
@param_option
def command(network: str, parameters: tuple[str, ...]) -> None:
    """Check a network and say what is wrong with it: all of it, in one run.

    \b
    convc check net.conv
    convc check net.conv --param classes=10
    """
    from convc.frontend import load_graph

    graph = load_graph(find_network(network), parse_parameters(parameters))
    ends = ", ".join(f"{o.name}: {o.value.type}" for o in graph.outputs)
    starts = ", ".join(f"{value.name}: {value.type}" for value in graph.inputs)
    click.echo(f"{graph.name} is right: {starts} -> {ends}, {len(graph.nodes)} nodes")
