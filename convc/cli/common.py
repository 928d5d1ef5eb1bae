"""What several commands share: finding the network, parsing parameters, options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from convc.diagnostics import ConvcError

F = TypeVar("F", bound=Callable[..., Any])


def network_argument(function: F) -> F:
    return click.argument("network", metavar="NETWORK")(function)


def build_options(function: F) -> F:
    """--weights --param --target --threads -O --seed."""
    for option in reversed((
        click.option("--weights", "-w", type=click.Path(path_type=Path), help="A .safetensors or .npz file."),
        param_option,
        click.option("--target", default="native", show_default=True, help="native or generic."),
        click.option("--threads", "-t", type=int, help="Threads to use; all cores of this process by default."),
        click.option("-O", "level", type=click.IntRange(0, 2), default=2, show_default=True, help="Passes to run."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of random weights, without --weights."),
    )):  # fmt: skip
        function = option(function)
    return function


def param_option(function: F) -> F:
    return click.option(
        "--param", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Sets a parameter of the network."
    )(function)


def find_network(name: str) -> Path:
    """A file as written, or a network of the zoo by name."""
    path = Path(name)
    if path.suffix == ".conv" or path.exists():
        return path
    from convc import zoo

    return zoo.path(name)


def parse_parameters(texts: tuple[str, ...]) -> dict[str, object]:
    """`("classes=10",)` -> `{"classes": 10}`."""
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConvcError(f"--param takes NAME=VALUE, not `{text}`; for example --param classes=10")
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


def size(count: float) -> str:
    """`12.3 MB`."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
