"""`convc export`"""

from __future__ import annotations

from pathlib import Path

import click

from convc.cli.common import load_network, network_options, size


@click.command()
@network_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: NETWORK.onnx.")
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object], output: Path | None
) -> None:  # fmt: skip
    """Write a network as an ONNX model.

    \b
    Example:
        convc export net.conv -w net.safetensors -o net.onnx
        convc export lenet5
    """
    from convc.exporters.onnx import export_model, write_model

    loaded, origin = load_network(network, weights, seed, parameters)
    path = output or Path(f"{loaded.graph.name}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {value.name: loaded.weights[value.name] for value in loaded.graph.parameters}
    write_model(export_model(loaded.graph, arrays), path)
    click.echo(f"{path}  {size(path.stat().st_size)}, weights: {origin}")
