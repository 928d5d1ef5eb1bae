"""`convc run`."""

from __future__ import annotations

from pathlib import Path

import click

from convc.cli.common import build_options, find_network, network_argument, parse_parameters
from convc.diagnostics import ConvcError


@click.command("run", short_help="Run a network on arrays.")
@network_argument
@build_options
@click.option("--input", "-i", "inputs", multiple=True, required=True, type=click.Path(path_type=Path), help="A .npy.")
@click.option("--output", "-o", "outputs", multiple=True, type=click.Path(path_type=Path), help="A .npy to write.")
def command(
    network: str, weights: Path | None, parameters: tuple[str, ...], target: str, threads: int | None, level: int,
    seed: int, inputs: tuple[Path, ...], outputs: tuple[Path, ...],
) -> None:  # fmt: skip
    """Run a network, or a library built before, on .npy arrays.

    \b
    convc run net.conv --weights net.safetensors --input x.npy --output y.npy
    convc run build/libnet.so --input x.npy
    """
    import numpy as np

    import convc

    arrays = [_read(path) for path in inputs]
    if Path(network).suffix == ".so":
        kernel = convc.open(network, threads)
    else:
        loaded = convc.load(find_network(network), weights, seed, **parse_parameters(parameters))
        kernel = convc.compile(loaded, target, threads, level=level)
    result = kernel(*arrays)
    results = result if isinstance(result, tuple) else (result,)
    if outputs and len(outputs) != len(results):
        raise ConvcError(f"`{kernel.name}` has {len(results)} output(s), --output was given {len(outputs)} time(s)")
    for port, array in zip(kernel.outputs, results, strict=True):
        click.echo(f"{port.name} {list(array.shape)}: min {array.min():.6g}, max {array.max():.6g}")
    for path, array in zip(outputs, results, strict=False):
        with path.open("wb") as file:
            np.save(file, array)


def _read(path: Path):  # type: ignore[no-untyped-def]
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConvcError(f"cannot read {path}: {error}") from None
