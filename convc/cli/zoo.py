"""`convc zoo`."""

from __future__ import annotations

import json

import click


@click.group("zoo", short_help="The networks that come with convc.")
def command() -> None:
    """The networks that come with convc.

    \b
    convc zoo list
    convc zoo show resnet50
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_networks(as_json: bool) -> None:
    """Names, parameters and multiply-accumulates."""
    from convc import zoo

    entries = zoo.entries()
    if as_json:
        click.echo(json.dumps([entry.__dict__ for entry in entries], indent=1))
        return
    for entry in entries:
        click.echo(f"{entry.name:20s} {entry.parameters / 1e6:8.2f} M parameters {entry.macs / 1e6:10.1f} M MACs  {entry.title}")


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a network's source."""
    from convc import zoo

    click.echo(zoo.path(name).read_text(), nl=False)
