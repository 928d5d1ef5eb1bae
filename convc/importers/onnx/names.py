"""Names for values and weights, from the names of nodes.

PyTorch names a node for the modules around it: `/layer1/layer1.0/conv1/Conv`. A part that goes on from the one before
(`layer1.0` after `layer1`) stands for it, so the scope is `layer1.0.conv1`. A module that holds one op alone gives the
op its name; elsewhere the op's own is put behind: `/layer1/layer1.0/Add` is `layer1.0.add`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from convc.importers.builder import legal_name

#: Ops that no node of the graph comes from: they take no part in how a module is named.
_FOLDED = {"Constant", "Shape", "Identity", "Cast"}


def node_names(nodes: Sequence[Any]) -> Mapping[int, str]:
    """A wanted name for each node, by its place; they need not be unique."""
    paths = {place: _path(node) for place, node in enumerate(nodes) if "/" in node.name}
    inside: dict[str, set[str]] = {}
    parents: set[str] = set()
    for place, path in paths.items():
        scope = ".".join(path)
        if nodes[place].op_type not in _FOLDED:
            inside.setdefault(scope, set()).add(nodes[place].op_type)
        parents.update(".".join(path[:length]) for length in range(1, len(path)))
    return {place: _name(node, paths.get(place), inside, parents) for place, node in enumerate(nodes)}


def _path(node: Any) -> list[str]:
    """The modules around a node, each once."""
    parts: list[str] = []
    for part in node.name.split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        elif part:
            parts.append(part)
    return ".".join(parts).split(".") if parts else []


def _name(node: Any, path: list[str] | None, inside: Mapping[str, set[str]], parents: set[str]) -> str:
    own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.op_type).lower()
    if path is None:
        return legal_name(node.name or _stem(node)) or own
    scope = ".".join(path)
    alone = bool(scope) and scope not in parents and len(inside.get(scope, ())) == 1
    return legal_name(scope if alone else f"{scope}.{own}") or own


def _stem(node: Any) -> str:
    """The name of a node's result, without the endings that exporters put there."""
    outputs = [name for name in node.output if name]
    if not outputs or outputs[0].isdigit():
        return ""
    return re.sub(r"(\.tmp_\d+|_output_\d+|:\d+)$", "", outputs[0].replace("/", "."))


def weight_name(initializer: str) -> str:
    """The initializer's own name where the language can say it, else empty."""
    if re.fullmatch(r"\w+(\.\w+)*", initializer, re.ASCII) and not initializer.isdigit():
        return legal_name(initializer)
    return ""
