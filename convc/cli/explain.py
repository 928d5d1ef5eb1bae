"""`convc explain`"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from convc.cli.common import NetworkName, echo_json, find_network, json_option, parameter_option
from convc.diagnostics import ConvcError

if TYPE_CHECKING:
    from convc.passes.base import Decision


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
    from convc.inspect.decisions import explain, kernel_decisions

    path, _ = find_network(what)
    compiled = translate(load_graph(path, parameters), make_options(target, 1))
    everything = (*compiled.stages.decisions, *kernel_decisions(compiled.program))
    decisions = [decision for decision in everything if decision.node.startswith(layer or "")]
    if as_json:
        echo_json([_record(decision) for decision in decisions])
    else:
        click.echo(explain(decisions))


def _record(d: Decision) -> dict[str, object]:
    return {"source": str(d.span or "-"), "by": d.pass_name, "applied": d.applied, "layer": d.node, "text": d.text}


def _page(code: str) -> str:
    from convc.diagnostics.codes import explain

    try:
        return explain(code)
    except KeyError as error:
        raise ConvcError(str(error.args[0])) from None
