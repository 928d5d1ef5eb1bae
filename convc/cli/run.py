"""`convc run`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convc.cli.common import (
    check_passes_option,
    echo_json,
    json_option,
    load_network,
    network_options,
    read_arrays,
    target_options,
)
from convc.diagnostics import ConvcError

if TYPE_CHECKING:
    from convc.native.kernel import Kernel

_LINE = "{name} {shape}: from {min:.6g} to {max:.6g}, largest at {argmax}"


@click.command()
@network_options
@target_options
@click.option("-i", "--input", "inputs", multiple=True, type=click.Path(path_type=Path), help="A .npy per input.")
@click.option("-o", "--output", "outputs", multiple=True, type=click.Path(path_type=Path), help="A .npy per output.")
@check_passes_option
@json_option
def command(
    network: str, weights: Path | None, seed: int, parameters: dict[str, object],
    target: str, threads: int | None, level: int, winograd: bool, without: tuple[str, ...], portion: int | None,
    inputs: tuple[Path, ...],
    outputs: tuple[Path, ...], checked: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run a network, or a library that was built, on .npy arrays.

    \b
    Example:
        convc run net.conv -w net.safetensors --input x.npy --output y.npy
        convc run build/libnet.so --input x.npy
    """
    import convc

    if network.endswith(".so"):
        if checked:
            raise ConvcError(f"{network}: a library holds no passes to check; name the network it was built from")
        kernel = convc.open(network, threads)
    else:
        loaded, _ = load_network(network, weights, seed, parameters)
        kernel = convc.compile(
            loaded, target, threads, level=level, winograd=winograd, without=without, check_passes=checked,
            portion=portion,
        )
    arrays = read_arrays(inputs, kernel.name, [(port.name, port.type) for port in kernel.inputs])
    results = _results(kernel, arrays, len(outputs))
    for path, array in zip(outputs, results, strict=False):
        _write(path, array)
    records = [_record(port.name, array) for port, array in zip(kernel.outputs, results, strict=True)]
    if as_json:
        echo_json(records)
        return
    for record in records:
        click.echo(_LINE.format_map(record))


def _results(kernel: Kernel, arrays: list[Any], wanted: int) -> tuple[Any, ...]:
    if wanted > len(kernel.outputs):
        raise ConvcError(f"`{kernel.name}` has {len(kernel.outputs)} output(s), --output was given {wanted} times")
    result = kernel(*arrays)
    return result if isinstance(result, tuple) else (result,)


def _record(name: str, array: Any) -> dict[str, object]:
    return {
        "name": name, "shape": list(array.shape), "min": float(array.min()), "max": float(array.max()),
        "argmax": int(array.argmax()),
    }  # fmt: skip


def _write(path: Path, array: Any) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, array)
