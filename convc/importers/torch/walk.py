"""The nodes of an ATen graph in order: handed to their handlers or refused, every refusal kept."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convc.importers.builder import GraphBuilder, MissingOp, OpError, legal_name
from convc.importers.onnx.errors import Declined, Refusal
from convc.importers.torch.call import Call, Weight
from convc.importers.torch.handlers import HANDLERS
from convc.ir.graph import Value


class _Lost:
    """The result of a node that was refused; what reads it is not refused again."""


LOST = _Lost()


@dataclass
class Walk:
    """`known` is what every node came to, by its name: a value, several, a weight, or a number."""

    builder: GraphBuilder
    known: dict[str, Any] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    _values: dict[str, Value] = field(default_factory=dict)

    def run(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            if node.op == "call_function":
                self.known[node.name] = self._apply(node)

    def weight_value(self, weight: Weight) -> Value:
        """The weight in the graph, once, under the name that the module has for it."""
        key = f"{weight.name} {id(weight.array)}" if weight.folded else weight.name
        if key not in self._values:
            if weight.array.dtype.kind not in ("fbiu" if weight.folded else "f"):
                raise Declined(f"`{weight.name}` is {weight.array.dtype}, floating point is needed")
            self._values[key] = self.builder.parameter(legal_name(weight.name), weight.array)
        return self._values[key]

    def _apply(self, node: Any) -> Any:
        if node.target is operator.getitem:
            found, place = self._resolved(node.args[0]), node.args[1]
            return found[place] if isinstance(found, tuple) else found if place == 0 else LOST
        schema = getattr(node.target, "_schema", None)
        op = name_of(schema) if schema is not None else str(node.target)
        if not node.users:  # an assertion of the tracer's
            return None
        try:
            arguments = self._arguments(node, schema)
            if any(item is LOST for value in arguments.values() for item in _items(value)):
                return LOST
            if schema is not None and all(_is_folded(item) for value in arguments.values() for item in _items(value)):
                return self._folded(node, op)
            if op not in HANDLERS:
                raise Declined("convc has no such op")
            found = node.meta.get("val")
            shape = tuple(getattr(found[0] if isinstance(found, (tuple, list)) else found, "shape", ()))
            call = Call(op, _name(node, op), arguments, shape, self.builder, self.weight_value)
            return HANDLERS[op](call)
        except (Declined, MissingOp, OpError) as error:
            self.refusals.append(Refusal(node.name, f"aten.{op}", _reason(error)))
            return LOST

    def _folded(self, node: Any, op: str) -> Any:
        """What torch makes of constants."""
        import torch

        def tensor(value: Any) -> Any:
            if isinstance(value, (list, tuple)):
                return [tensor(item) for item in value]
            found = self.known[value.name] if _is_node(value) else value
            return torch.from_numpy(np.array(found.array)) if isinstance(found, Weight) else found

        result = node.target(*map(tensor, node.args), **{key: tensor(value) for key, value in node.kwargs.items()})
        several = isinstance(result, (list, tuple))
        name = _name(node, op)
        found = tuple(Weight(name, item.numpy(), True) for item in (result if several else (result,)))
        return found if several else found[0]

    def _arguments(self, node: Any, schema: Any) -> dict[str, Any]:
        """By the names of the op's schema, defaults included."""
        if schema is None:
            return {}
        found: dict[str, Any] = {}
        for place, argument in enumerate(schema.arguments):
            if place < len(node.args):
                found[argument.name] = self._resolved(node.args[place])
            elif argument.name in node.kwargs:
                found[argument.name] = self._resolved(node.kwargs[argument.name])
            elif argument.has_default_value():
                found[argument.name] = argument.default_value
        return found

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(self._resolved(item) for item in value)
        return self.known[value.name] if _is_node(value) else value


def name_of(schema: Any) -> str:
    """`relu` of `aten::relu`."""
    name: str = schema.name
    return name.partition("::")[2]


def _is_node(value: Any) -> bool:
    return hasattr(value, "op") and hasattr(value, "meta")


def _is_folded(item: Any) -> bool:
    """Whether an argument is known: no tensor, or one that is no weight of the module."""
    return item.folded if isinstance(item, Weight) else not isinstance(item, Value)


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)


def _reason(error: Exception) -> str:
    if isinstance(error, MissingOp):
        return f"the op `{error}` is not there yet"
    note = getattr(error, "note", "")
    return f"{error}: {note}" if note else str(error)


def _name(node: Any, op: str) -> str:
    """The path of the module the node comes from; behind it the op's name, but for modules that torch itself has."""
    stack = [item for item in (node.meta.get("nn_module_stack") or {}).values() if item[0]]
    if not stack:
        return op
    path, kind = stack[-1]
    shown = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    scope = legal_name(path.removeprefix("L['self'].").replace("['", ".").replace("']", ""))
    alone = shown.startswith("torch.nn.modules.") and "container" not in shown
    return scope if alone else f"{scope}.{op}"
