"""`convc cache`."""

from __future__ import annotations

import json

import click

from convc.cli.common import size


@click.group("cache", short_help="Show or clear what was built.", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what was built, or clear it.

    \b
    convc cache
    convc cache clear
    """
    if context.invoked_subcommand:
        return
    from convc.native import cache

    found = cache.usage()
    if as_json:
        kinds = {kind.kind: {"entries": kind.entries, "bytes": kind.bytes} for kind in found}
        click.echo(json.dumps({"folder": str(cache.root()), "kinds": kinds}, indent=1))
        return
    click.echo(cache.root())
    for kind in found:
        click.echo(f"  {kind.kind:12s} {kind.entries:5d} entries {size(kind.bytes):>10s}")


@command.command("clear")
def clear() -> None:
    """Remove everything that was built."""
    from convc.native import cache

    click.echo(f"freed {size(cache.clear())}")
