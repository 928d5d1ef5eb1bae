"""`convc zoo`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convc.cli.common import NetworkName, count, echo_json, json_option, print_table

if TYPE_CHECKING:
    from convc.zoo import Entry


@click.command()
@click.argument("network", required=False, type=NetworkName())
@json_option
def command(network: str | None, as_json: bool) -> None:
    """List the networks that come with convc, or print one's source.

    \b
    Example:
        convc zoo
        convc zoo resnet50 > my_resnet.conv
    """
    from convc import zoo

    if network is not None:
        entry = zoo.find(network)
        click.echo(entry.path.read_text(), nl=False)
        return
    rows = [_row(zoo.find(name)) for name in zoo.names()]
    if as_json:
        echo_json(rows)
        return
    lines = [(str(r["name"]), count(int(str(r["parameters"]))), str(r["weights"]), str(r["citation"])) for r in rows]
    print_table(("network", "parameters", "weights", "source"), lines, right=("parameters",))


def _row(entry: Entry) -> dict[str, object]:
    from convc.frontend import load_graph
    from convc.inspect.cost import network_cost

    return {
        "name": entry.name,
        "parameters": network_cost(load_graph(entry.path)).parameters,
        "weights": "trained" if entry.weights else "yours, or random",
        "citation": entry.citation,
        "path": str(entry.path),
    }
