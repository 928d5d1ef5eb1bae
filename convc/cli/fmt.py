"""`convc fmt`"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True, path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Write nothing; show what would change.")
def command(files: tuple[Path, ...], only_check: bool, show_diff: bool) -> int:
    """Format `.conv` files in place; comments and line ends stay. `-` formats standard input.

    \b
    Example:
        convc fmt net.conv blocks.conv
        convc fmt --check *.conv
    """
    from convc.frontend import format_source

    changed = 0
    for path in files:
        name = "<stdin>" if str(path) == "-" else str(path)
        text = sys.stdin.read() if str(path) == "-" else _read(path)
        formatted = format_source(text, name)
        if name == "<stdin>" and not (only_check or show_diff):
            click.echo(formatted, nl=False)
        if formatted == text:
            continue
        changed += 1
        if show_diff:
            lines = difflib.unified_diff(text.splitlines(True), formatted.splitlines(True), name, f"{name} (formatted)")
            click.echo("".join(lines), nl=False)
        elif only_check:
            click.echo(f"{name}: would change")
        elif name != "<stdin>":
            path.write_text(formatted)
            click.echo(f"{name}: formatted")
    return 1 if only_check and changed else 0


def _read(path: Path) -> str:
    from convc.diagnostics import ConvcError

    try:
        return path.read_text()
    except UnicodeDecodeError:
        raise ConvcError(f"{path}: not UTF-8 text") from None
