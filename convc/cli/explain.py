"""`convc explain`"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from convc.cli.common import NetworkName, echo_json, find_network, json_option, parameter_option
from convc.diagnostics import ConvcError

if TYPE_CHECKING:
    from convc.driver import Compiled


@click.command()
@click.argument("what", metavar="CODE|NETWORK", type=NetworkName())
@parameter_option
@click.option("--target", type=click.Choice(["native", "generic"]), default="native", show_default=True)
@click.option("--layer", metavar="NAME", help="Only what concerns layers whose name begins so.")
@json_option
def command(what: str, parameters: dict[str, object], target: str, layer: str | None, as_json: bool) -> None:
    """Explain an error code; or, for a network, what every pass did and declined, and why each kernel was chosen.

    \b
    Example:
        convc explain E0302
        convc explain net.conv --layer layer1.0
    """
    if re.fullmatch(r"[EeWw]\d{3,4}", what):
        click.echo(_page(what), nl=False)
        return
    from convc.driver import make_options, translate
    from convc.frontend import load_graph

    path, _ = find_network(what)
    compiled = translate(load_graph(path, parameters), make_options(target, 1))
    records = [record for record in _records(compiled) if not layer or str(record["layer"]).startswith(layer)]
    if as_json:
        echo_json(records)
        return
    for record in records:
        mark = "did " if record["applied"] else "left"
        click.echo("{source}  {by} {mark} {layer}: {text}".format(mark=mark, **record))


def _records(compiled: Compiled) -> list[dict[str, object]]:
    decisions = [
        {"source": str(d.span or "-"), "by": d.pass_name, "applied": d.applied, "layer": d.node, "text": d.text}
        for d in compiled.stages.decisions
    ]
    steps = [
        {"source": str(step.node.span or "-"), "by": "kernels", "applied": True, "layer": step.name,
         "text": f"{step.kernel.stem}, {step.reason}"}
        for step in compiled.program.steps
    ]  # fmt: skip
    return decisions + steps


def _page(code: str) -> str:
    from convc.diagnostics.codes import explain

    try:
        return explain(code)
    except KeyError as error:
        raise ConvcError(str(error.args[0])) from None
