"""`convc completion`"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes a shell complete convc's commands, options and networks.

    \b
    Example:
        convc completion bash >> ~/.bashrc
        convc completion zsh >> ~/.zshrc
        convc completion fish > ~/.config/fish/completions/convc.fish
    """
    from convc.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # the choice above holds only shells that click knows
    click.echo(kind(cli, {}, "convc", "_CONVC_COMPLETE").source())
