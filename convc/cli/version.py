"""`convc version`"""

from __future__ import annotations

import platform

import click

from convc.cli.common import echo_json, json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """The version, the compiler and the machine it would build for: what a report needs.

    \b
    Example:
        convc version --json
    """
    from convc import __version__
    from convc.native.cores import available_threads
    from convc.native.target import native

    target = native()
    facts: dict[str, object] = {
        "convc": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "compiler": _compiler(),
        "target": f"{target.lanes} lanes of f32, {target.registers} vector registers",
        "flags": " ".join(target.flags),
        "threads": available_threads(),
    }
    if as_json:
        echo_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name:<9} {value}")


def _compiler() -> str:
    from convc.diagnostics import ConvcError
    from convc.native.compiler import find_compiler

    try:
        compiler = find_compiler()
    except ConvcError:
        return "none found"
    return f"{' '.join(compiler.command)}: {compiler.version}"
