"""`convc zoo`"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import click

from convc.cli.common import NetworkName, count, echo_json, json_option, print_table

if TYPE_CHECKING:
    from convc.zoo import Entry


class Row(TypedDict):
    """What the list says of one network."""

    name: str
    title: str
    paper: str
    year: int
    form: str
    parameters: int
    macs: int
    field: int
    names: str
    trained: bool
    path: str


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """The networks and forms of convolution that come with convc: list them, or print one's source.

    \b
    Example:
        convc zoo list
        convc zoo forms
        convc zoo show resnet50 > my_resnet.conv
    """
    if context.invoked_subcommand is None:
        context.invoke(list_networks)


@command.command("list")
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
@json_option
def list_networks(form: str = "text", as_json: bool = False) -> None:
    """Every network with its paper, what it takes, and how far its last map sees.

    The receptive field is that of one pixel of the last map before the head, in pixels (samples) of the input.
    """
    from convc import zoo

    rows = [_row(zoo.find(name)) for name in zoo.names()]
    if as_json:
        echo_json(rows)
    elif form == "markdown":
        click.echo(markdown(rows))
    else:
        lines = [
            (
                r["name"],
                str(r["year"]),
                r["form"],
                count(r["parameters"]),
                count(r["macs"]),
                str(r["field"]),
                r["paper"],
            )
            for r in rows
        ]
        titles = ("name", "year", "form", "parameters", "MACs", "field", "paper")
        print_table(titles, lines, right=("parameters", "MACs", "field"))


@command.command("forms")
@json_option
def list_forms(as_json: bool) -> None:
    """Every form of convolution, a small network each; `convc compare` counts and times them side by side.

    \b
    Example:
        convc zoo forms
        convc explain deformable -p channels=128
    """
    from convc.forms import forms

    found = forms()
    if as_json:
        echo_json([{"name": f.name, "title": f.title, "acts_in": f.acts_in, "path": str(f.path)} for f in found])
    else:
        print_table(("name", "acts in", "what it is"), [(form.name, form.acts_in, form.title) for form in found])


@command.command("show")
@click.argument("network", type=NetworkName())
@json_option
def show(network: str, as_json: bool) -> None:
    """Print the source of one network or form.

    \b
    Example:
        convc zoo show resnet50 > my_resnet.conv
        convc zoo show deformable
    """
    from convc import forms, zoo

    about: dict[str, object]
    form = next((form for form in forms.forms() if form.name == network), None)
    if form:
        path, about = form.path, {"name": form.name, "title": form.title, "acts_in": form.acts_in}
    else:
        entry = zoo.find(network)
        path, about = entry.path, {**_row(entry)}
    text = path.read_text()
    if as_json:
        echo_json({**about, "source": text})
    else:
        click.echo(text, nl=False)


def markdown(rows: list[Row]) -> str:
    """The table of `docs/zoo.md`."""
    titles = "| network | paper | form | parameters | MACs | field | weights named as |"
    lines = [titles, "|---|---|---|---:|---:|---:|---|"]
    for r in rows:
        link = f"[{r['name']}](../convc/zoo/{r['name']}.conv)"
        cells = (link, r["paper"], r["form"], count(r["parameters"]), count(r["macs"]), r["field"], r["names"])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _row(entry: Entry) -> Row:
    from convc.frontend import load_graph
    from convc.inspect.cost import network_cost

    cost = network_cost(load_graph(entry.path))
    return {
        "name": entry.name,
        "title": entry.header.title,
        "paper": entry.header.paper,
        "year": entry.header.year,
        "form": ", ".join(entry.header.forms),
        "parameters": cost.parameters,
        "macs": cost.macs,
        "field": cost.field[0],
        "names": entry.header.names,
        "trained": entry.weights is not None,
        "path": str(entry.path),
    }
