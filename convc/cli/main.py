"""`convc`: finds the command, and turns what goes wrong into a message and an exit code.

Exit codes: 0 done, 1 something the user can mend, 2 wrong usage, 70 a fault of convc itself, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import Final, NoReturn

import click

from convc import __version__
from convc.diagnostics import CompileError, ConvcError

#: In the order of `convc --help`: the module convc.cli.<name> holds the command.
COMMANDS: Final = (
    "check", "fmt", "ir", "build", "run", "bench", "compare", "explain", "memory", "bisect", "import", "export", "zoo",
    "cache", "completion", "version",
)  # fmt: skip

#: Commands whose name no module can have.
_MODULES: Final = {"import": "import_"}


class _Commands(click.Group):
    """Imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"convc.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="convc")
def cli() -> None:
    """A compiler for convolutional networks: a `.conv` file in, readable C and a native library out.

    \b
    Begin with:
        convc zoo list               the networks that come with convc
        convc build lenet5           LeNet-5 as a library in build/
        convc check net.conv         is my own network right?
    """


def main() -> NoReturn:
    """The console script."""
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        code = cli.main(arguments, prog_name="convc", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except CompileError as error:
        return _complain(_rendered(error))
    except ConvcError as error:
        return _complain(f"{_red('error')}: {error}")
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        return _complain(f"{_red('error')}: {what}{error.strerror or error}")
    except Exception as error:
        traceback.print_exc()
        _complain(f"\n{_red('internal error')}: {error}\nThis is a fault of convc {__version__}, not yours.\n"
                  "Please report it with the text above and, if you can, the network.")  # fmt: skip
        return 70


def _complain(text: str) -> int:
    click.echo(text, err=True)
    return 1


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _red(text: str) -> str:
    return f"\x1b[1;31m{text}\x1b[0m" if _coloured() else text


def _rendered(error: CompileError) -> str:
    from convc.diagnostics import render_all

    return render_all(error.diagnostics, _coloured())
