"""`convc fmt`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from convc.diagnostics import ConvcError


@click.command("fmt", short_help="Format a source file.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; status 1 if a file is not formatted.")
def command(files: tuple[Path, ...], check: bool) -> None:
    """Format source files in place; comments stay where they are.

    \b
    convc fmt net.conv blocks.conv
    convc fmt --check *.conv
    """
    from convc.frontend import format_source

    changed = []
    for path in files:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConvcError(f"cannot read {path}: {error}") from None
        formatted = format_source(text, path.name)
        if formatted == text:
            continue
        changed.append(path)
        if not check:
            part = path.with_name(f".{path.name}.part")
            part.write_text(formatted)
            part.replace(path)
        click.echo(f"{'not formatted' if check else 'formatted'}: {path}")
    if check and changed:
        sys.exit(1)
