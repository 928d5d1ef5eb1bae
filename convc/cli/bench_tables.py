"""The tables of `convc bench`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from convc.cli.common import count, print_table, seconds


def print_layers(record: dict[str, Any]) -> None:
    """Each layer's time, rates, share of what the machine could do, and time over what was expected."""
    layers, machine = record["layers"], record["machine"]
    total = sum(row["seconds"] for row in layers)
    titles = ("layer", "time", "share", "FLOP/s", "B/s", "of bound", "expected", "algorithm")
    lines = [
        (row["layer"], seconds(row["seconds"]), f"{row['seconds'] / total:.1%}",
         count(row["flops_per_second"]) if row["flops_per_second"] else "", count(row["bytes_per_second"]),
         f"{row['share_of_bound']:.0%}", seconds(row["expected"]) if row["expected"] else "", row["algorithm"])
        for row in layers
    ]  # fmt: skip
    print_table(titles, lines, right=titles[1:-1])
    bound = sum(row["bound"] for row in layers)
    click.echo(
        f"bound: {seconds(bound)}, {bound / total:.0%} of the time; measured here: "
        f"{count(machine['flops_per_second'])}FLOP/s, {count(machine['cache_per_second'])}B/s from the second-level "
        f"cache, {count(machine['memory_per_second'])}B/s from memory"
    )


def print_race(rows: Sequence[dict[str, Any]]) -> None:
    """Each system's time and how much longer it takes than the first."""
    titles = ("system", "version", "time", "times", "difference", "load")
    lines = [
        (row["system"], row["version"], seconds(row["seconds"]), f"{row['seconds'] / rows[0]['seconds']:.2f}",
         f"{row['difference']:.1e}", seconds(row["load"]))
        if not row["error"] else (row["system"], row["version"], row["error"], "", "", "")
        for row in rows
    ]  # fmt: skip
    print_table(titles, lines, right=titles[2:])
