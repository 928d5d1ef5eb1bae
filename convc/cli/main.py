"""The command line: one file per command, loaded when it is called, so that `convc check` waits for nothing it does
not need. A user's mistake ends with a message and status 1, a fault of convc's own with status 70."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from convc import __version__
from convc.diagnostics import CompileError, ConvcError, InternalError

_COMMANDS: Final = {
    "check": "Check a network and say what is wrong with it.",
    "fmt": "Format a source file.",
    "ir": "Show the graph at any stage.",
    "build": "Build a native library.",
    "run": "Run a network on arrays.",
    "bench": "Time a network, whole and step by step.",
    "explain": "Explain an error code, or what the compiler did with a network.",
    "zoo": "The networks that come with convc.",
    "cache": "Show or clear what was built.",
}


class _Lazy(click.Group):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"convc.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, 1)
            if near:
                error.message += f" Did you mean `{near[0]}`?"
            raise


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convc")
def cli() -> None:
    """A compiler for convolutional networks.

    \b
    convc check net.conv                 is it right?
    convc build net.conv -o build/       libnet.so and net.h
    convc ir net.conv --after fuse-epilogue
    convc build resnet50 -o build/       a network of the zoo, by name

    \b
    Shell completion: eval "$(_CONVC_COMPLETE=bash_source convc)"   (or zsh_source, fish_source)
    """


def main() -> None:
    """Entry point of the `convc` script."""
    try:
        cli(prog_name="convc", standalone_mode=True)
    except CompileError as error:
        from convc.diagnostics.render import render_all

        click.echo(render_all(error.diagnostics, colour=sys.stderr.isatty()), err=True)
        sys.exit(1)
    except ConvcError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except InternalError as error:
        click.echo(f"internal error: {error}\n  this is a fault of convc {__version__}: please report it", err=True)
        sys.exit(70)


if __name__ == "__main__":
    main()
