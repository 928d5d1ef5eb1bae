"""A graph under construction, through the ops' own names and arguments: what importers emit with.

An importer says `builder.call("conv", "conv1", x=x, kernel=(3, 3), weight=w, bias=False)`. The op checks its arguments
and infers its types exactly as it does for a source, so nothing is decided twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from convc import ops
from convc.importers.arguments import PlainArguments
from convc.ir.graph import Graph, Node, Output, Value
from convc.ir.op import OpError
from convc.ir.types import Shape, TensorType

F32 = npt.NDArray[np.float32]

_WORDS = {"import", "block", "network", "return", "for", "in", "if", "else", "assert", "and", "or", "not", "fused",
          "true", "false"}  # fmt: skip


class MissingOp(Exception):
    """The language has no op of that name."""


def legal_name(text: str) -> str:
    """`text` as a dotted name of the language: `0.weight` is `layer0.weight`; empty where nothing is left."""
    parts = [re.sub(r"\W", "_", part, flags=re.ASCII) for part in text.split(".") if part]
    if not parts:
        return ""
    if parts[0][0].isdigit():
        parts[0] = f"layer{parts[0]}"
    return f"{parts[0]}_" if len(parts) == 1 and parts[0] in _WORDS else ".".join(parts)


class GraphBuilder:
    """Nodes, parameters and the names they have taken."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.arrays: dict[str, F32] = {}
        self._parameters: list[Value] = []
        self._nodes: list[Node] = []
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._constants: dict[float, Value] = {}

    def take(self, wanted: str) -> str:
        """A name like `wanted` that nothing else has."""
        name, number = wanted, self._numbers.get(wanted, 2)
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._numbers[wanted] = number
        self._taken.add(name)
        return name

    def input(self, name: str, shape: Shape) -> Value:
        value = Value(self.take(name), TensorType.plain(shape))
        self.inputs.append(value)
        return value

    def parameter(self, name: str, array: npt.NDArray[Any]) -> Value:
        """A weight with its data."""
        value = Value(self.take(name), TensorType.plain(array.shape))
        self._parameters.append(value)
        self.arrays[value.name] = np.asarray(array, np.float32)
        return value

    def number(self, number: float) -> Value:
        """A constant of the graph; equal ones are the same value."""
        if number not in self._constants:
            (self._constants[number],) = self.call("constant", "constant", value=number)
        return self._constants[number]

    def call(self, op: str, name: str, *tensors: Value, **arguments: object) -> tuple[Value, ...]:
        """Apply the op: `tensors` fill its tensor parameters in order, numbers among them become constants.

        Raises:
            MissingOp: There is no such op.
            OpError: The op refuses these operands.
        """
        found: Any = ops.by_name(op)
        if found is None:
            raise MissingOp(op)
        built, inputs = found.build(PlainArguments.bind(found, tensors, arguments, self.number))
        types = built.infer(*(value.type for value in inputs))
        outputs = tuple(Value(self.take(name), type) for type in types)
        self._nodes.append(Node(built, tuple(inputs), outputs))
        return outputs

    def finish(self, name: str, outputs: Mapping[str, Value]) -> Graph:
        """The graph; nothing that no output needs is left in it."""
        results = tuple(Output(name, value) for name, value in outputs.items())
        whole = Graph(name, tuple(self.inputs), tuple(self._parameters), tuple(self._nodes), results)
        graph = whole.only(outputs)
        self.arrays = {value.name: self.arrays[value.name] for value in graph.parameters}
        return graph


__all__ = ["GraphBuilder", "MissingOp", "OpError", "legal_name"]
