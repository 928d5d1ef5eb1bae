"""`convc check`"""

from __future__ import annotations

import click

from convc.cli.common import NetworkName, echo_json, find_network, json_option, parameter_option
from convc.diagnostics import CompileError, Diagnostic


@click.command()
@click.argument("networks", nargs=-1, required=True, type=NetworkName())
@parameter_option
@json_option
def command(networks: tuple[str, ...], parameters: dict[str, object], as_json: bool) -> int:
    """Check networks: syntax, names, every shape. Nothing is built.

    \b
    Example:
        convc check net.conv
        convc check net.conv -p classes=10
        convc check *.conv --json
    """
    from convc.frontend import load_graph

    reports: list[dict[str, object]] = []
    faults: list[Diagnostic] = []
    for name in networks:
        path, _ = find_network(name)
        try:
            graph = load_graph(path, parameters)
        except CompileError as error:
            faults += error.diagnostics
            reports.append({"file": str(path), "ok": False, "diagnostics": [_record(d) for d in error.diagnostics]})
            continue
        reports.append({"file": str(path), "ok": True, "network": graph.name, "diagnostics": []})
        if not as_json:
            inputs = ", ".join(f"{value.name}: {value.type}" for value in graph.inputs)
            outputs = ", ".join(f"{output.name}: {output.value.type}" for output in graph.outputs)
            click.echo(f"{name}: ok, {graph.name}({inputs}) -> {outputs}, {len(graph.nodes)} nodes")
    if as_json:
        echo_json(reports)
    elif faults:
        raise CompileError(faults)
    return 1 if faults else 0


def _record(diagnostic: Diagnostic) -> dict[str, object]:
    """What an editor needs: 1-based lines and columns, the end exclusive."""
    place: dict[str, object] = {}
    if diagnostic.label is not None:
        span = diagnostic.label.span
        place = {
            "file": span.source.name, "line": span.line, "column": span.column,
            "end_line": span.end_line, "end_column": span.end_column, "label": diagnostic.label.text,
        }  # fmt: skip
    return {
        "code": diagnostic.code, "severity": diagnostic.severity.value, "title": diagnostic.title, **place,
        "notes": list(diagnostic.notes), "helps": list(diagnostic.helps),
    }  # fmt: skip
