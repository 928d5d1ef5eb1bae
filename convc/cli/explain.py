"""`convc explain`."""

from __future__ import annotations

import re

import click

from convc.cli.common import find_network, param_option, parse_parameters


@click.command("explain", short_help="Explain an error code, or what the compiler did with a network.")
@click.argument("what", metavar="CODE|NETWORK")
@param_option
@click.option("--target", default="native", show_default=True, help="native or generic.")
def command(what: str, parameters: tuple[str, ...], target: str) -> None:
    """Explain an error code; or, for a network, what each pass did and declined, and why.

    \b
    convc explain E0302
    convc explain net.conv
    """
    if re.fullmatch(r"[Ee]\d{4}", what):
        from convc.diagnostics.codes import explain

        click.echo(explain(what.upper()))
        return
    from convc.driver import make_options, translate
    from convc.frontend import load_graph

    graph = load_graph(find_network(what), parse_parameters(parameters))
    compiled = translate(graph, make_options(target, 1))
    for decision in compiled.stages.decisions:
        mark = "did " if decision.applied else "left"
        click.echo(f"{decision.span or '-'}: {decision.pass_name} {mark} {decision.node}: {decision.text}")
    for step in compiled.program.steps:
        click.echo(f"{step.node.span or '-'}: {step.name} is computed by {step.kernel.template}: {step.reason}")
