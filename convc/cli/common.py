"""What several commands share: how a network is named, its options, and how numbers are written."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from convc.network import Network
    from convc.trust.bound import Difference

F = TypeVar("F", bound=Callable[..., Any])


class NetworkName(click.ParamType[str]):
    """A `.conv` file, or the name of a network of the zoo or of a form."""

    name = "network"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from convc import forms, zoo

        known = [CompletionItem(name) for name in (*zoo.names(), *forms.NAMES) if name.startswith(incomplete)]
        return [*known, CompletionItem(incomplete, type="file")]


def network_options(function: F) -> F:
    """NETWORK and what decides its weights and shapes."""
    for decorate in (
        click.option("--seed", default=0, show_default=True, help="Of random weights, where there are no others."),
        click.option("-w", "--weights", type=click.Path(path_type=Path), metavar="FILE", help=".safetensors or .npz."),
        parameter_option,
        click.argument("network", type=NetworkName()),
    ):
        function = decorate(function)
    return function


def parameter_option(function: F) -> F:
    """`-p NAME=VALUE`, for the network's own parameters."""
    option = click.option(
        "-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", callback=_parameters,
        help="A parameter of the network, e.g. classes=10 (may be repeated).",
    )  # fmt: skip
    return option(function)


def target_options(function: F) -> F:
    """For which machine, with how many threads and passes."""
    for decorate in (
        without_option,
        click.option("--portion", type=click.IntRange(1), metavar="IMAGES",
                     help="Run so many images of a batch at a time at most. Default: as many as the caches suggest."),
        click.option("--no-winograd", "winograd", is_flag=True, flag_value=False, default=True,
                     help="Compute every convolution directly."),
        click.option("-O", "level", type=click.IntRange(0, 2), default=2, show_default=True, help="0: no pass runs."),
        click.option("-t", "--threads", type=click.IntRange(1), help="Default: the cores this process may use."),
        click.option("--target", type=click.Choice(["native", "generic"]), default="native", show_default=True),
    ):  # fmt: skip
        function = decorate(function)
    return function


def without_option(function: F) -> F:
    """`--without PASS`."""
    option = click.option(
        "--without", multiple=True, metavar="PASS", help="Leave this pass out (may be repeated; `convc ir` lists them)."
    )
    return option(function)


def check_passes_option(function: F) -> F:
    """`--check-passes`."""
    option = click.option(
        "--check-passes", "checked", is_flag=True,
        help="Run the graph after every pass in the interpreter, against the source's on the same data.",
    )  # fmt: skip
    return option(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(function)


def _parameters(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        found[name] = _value(value)
    return found


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def find_network(name: str) -> tuple[Path, Path | None]:
    """The file of a network, and the weights that come with it.

    Raises:
        ConvcError: Neither a file nor a name of the zoo or of a form.
    """
    from convc import forms, zoo
    from convc.diagnostics import ConvcError

    path = Path(name)
    if path.suffix == ".onnx":
        raise ConvcError(f"{name}: an ONNX model is made a network first: convc import {name}")
    if path.is_file():
        return path, None
    if path.suffix or len(path.parts) > 1:
        raise ConvcError(f"{name}: no such file")
    if name in forms.NAMES:
        return next(form.path for form in forms.forms() if form.name == name), None
    try:
        entry = zoo.find(name)
    except ConvcError as error:
        raise ConvcError(f"{error}\n  a network is a .conv file or a name that `convc zoo` lists") from None
    return entry.path, entry.weights


def load_network(name: str, weights: Path | None, seed: int, parameters: dict[str, object]) -> tuple[Network, str]:
    """The network, and in words where its weights come from."""
    from convc.diagnostics import ConvcError
    from convc.driver import load
    from convc.weights import Weights

    path, trained = find_network(name)
    if weights is not None:
        return load(path, weights, seed, **parameters), str(weights)
    network = load(path, None, seed, **parameters)
    if trained is not None:
        try:
            return type(network)(network.graph, Weights.load(trained, network.graph)), f"trained, {trained.name}"
        except ConvcError:  # the parameters asked for other shapes than those it was trained with
            pass
    return network, f"random, seed {seed}"


def read_arrays(paths: Sequence[Path], network: str, ports: Sequence[tuple[str, object]]) -> list[Any]:
    """The arrays in `.npy` files, one for each of a network's inputs.

    Raises:
        ConvcError: A file holds no array, or there is another number of files than of inputs.
    """
    import numpy as np

    from convc.diagnostics import ConvcError

    arrays = []
    for path in paths:
        try:
            arrays.append(np.load(path, allow_pickle=False))
        except (ValueError, EOFError) as error:
            raise ConvcError(f"{path}: not a .npy array: {error}") from None
    if len(arrays) != len(ports):
        wanted = ", ".join(f"{name}: {type}" for name, type in ports)
        raise ConvcError(f"`{network}` takes {len(ports)} input(s) ({wanted}), --input was given {len(arrays)} time(s)")
    return arrays


def verdict_cells(difference: Difference | None) -> tuple[str, str, str]:
    """A verdict as cells of a table: in a word, the difference, the bound."""
    if difference is None:
        return "changed nothing", "", ""
    return "agrees" if difference.agrees else "WRONG", f"{difference.error:.2g}", f"{difference.bound:.2g}"


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Columns as wide as they need; those in `right` flush right. In a terminal the last one ends at its edge."""
    lines = [titles, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines:
        cells = [
            cell.rjust(width) if title in right else cell.ljust(width)
            for cell, width, title in zip(line, widths, titles, strict=True)
        ]
        text = "  ".join(cells).rstrip()
        if room is not None and len(text) > room:
            text = text[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"
        click.echo(click.style(text, bold=True) if line is titles else text)


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def echo_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


def count(number: float) -> str:
    """`61.7 k`, `25.56 M`, `4.09 G`."""
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= scale:
            return f"{number / scale:.2f} {unit}"
    return f"{number:g}"


def size(number: float) -> str:
    """`512 B`, `6.9 MiB`."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return f"{number:g} B"


def seconds(value: float) -> str:
    """`3.2 us`, `38.71 ms`, `1.20 s`."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value >= scale:
            return f"{value / scale:.2f} {unit}"
    return f"{value * 1e6:.1f} us"
