"""`convc cache`"""

from __future__ import annotations

import click

from convc.cli.common import echo_json, json_option, size


@click.command()
@click.option("--clear", is_flag=True, help="Remove all of it.")
@json_option
def command(clear: bool, as_json: bool) -> None:
    """Show what is kept of earlier builds, or clear it.

    Builds are found again by what they were made of, so nothing in the cache is ever out of date. Beyond its limit,
    what was not used for longest goes. CONVC_CACHE names another folder, CONVC_CACHE_LIMIT another limit in GiB.

    \b
    Example:
        convc cache
        convc cache --clear
    """
    from convc.native import cache

    if clear:
        freed = cache.clear()
        if as_json:
            echo_json({"freed": freed})
        else:
            click.echo(f"{size(freed)} freed")
        return
    usage = cache.usage()
    if as_json:
        kinds = [{"kind": kind.kind, "entries": kind.entries, "bytes": kind.bytes} for kind in usage]
        echo_json({"folder": str(cache.root()), "limit": int(cache.limit()), "kinds": kinds})
        return
    click.echo(f"{cache.root()}  (at most {size(int(cache.limit()))})")
    for kind in usage:
        click.echo(f"  {kind.kind:<12} {kind.entries:>5}  {size(kind.bytes)}")
    if not usage:
        click.echo("  empty")
