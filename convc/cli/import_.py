"""`convc import`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from convc.cli.common import count, echo_json, json_option, size


def _shapes(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for text in given:
        name, equals, numbers = text.rpartition("=")
        extents = [part.strip() for part in numbers.split(",") if part.strip()]
        if not equals or not name or not all(part.isdigit() for part in extents):
            raise click.BadParameter(f"{text!r} is not NAME=1,3,224,224")
        found[name] = tuple(map(int, extents))
    return found


def _constants(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, list[float] | float]:
    found: dict[str, list[float] | float] = {}
    for text in given:
        name, equals, numbers = text.rpartition("=")
        try:
            values = [float(part) for part in numbers.split(",")]
        except ValueError:
            values = []
        if not equals or not name or not values:
            raise click.BadParameter(f"{text!r} is not NAME=16000")
        found[name] = values if len(values) > 1 else values[0]
    return found


@click.command("import")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path(), metavar="FOLDER", help="Else here.")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=1,3,224,224", callback=_shapes,
    help="The extents of an input, where the model leaves them open (may be repeated).",
)
@click.option(
    "--constant", "constants", multiple=True, metavar="NAME=16000", callback=_constants,
    help="The numbers of an input that decides what is computed; it is no input then (may be repeated).",
)
@json_option
def command(
    model: Path, output: Path, shapes: dict[str, tuple[int, ...]], constants: dict[str, list[float] | float],
    as_json: bool,
) -> None:
    """Turn an ONNX model into a source and its weights: MODEL.conv and MODEL.safetensors.

    \b
    Example:
        convc import resnet50.onnx -o nets/
        convc import detector.onnx --shape x=1,3,640,640
        convc import speech.onnx --shape input=1,576 --constant sr=16000
    """
    from convc.cli.common import write_text
    from convc.importers.onnx import import_model
    from convc.weights.safetensors import write
    from convc.writer import write_source

    imported = import_model(model, shapes, constants)
    written = write_source(imported.graph, f"Imported from {model.name}; the weights are in {model.stem}.safetensors.")
    output.mkdir(parents=True, exist_ok=True)
    source, weights = output / f"{model.stem}.conv", output / f"{model.stem}.safetensors"
    write(weights, {new: imported.arrays[old] for new, old in written.weights.items()})
    write_text(source, written.text)
    lines, parameters = written.text.count("\n"), sum(array.size for array in imported.arrays.values())
    if as_json:
        echo_json({"source": str(source), "weights": str(weights), "lines": lines, "parameters": parameters,
                   "nodes": len(imported.graph.nodes), "notes": list(imported.notes)})  # fmt: skip
        return
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{source}  {lines} lines, {len(imported.graph.nodes)} nodes")
    click.echo(f"{weights}  {count(parameters)} parameters, {size(weights.stat().st_size)}")
