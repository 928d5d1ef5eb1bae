"""One node of an ATen graph as its handler sees it: arguments by name, and where to emit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convc.importers.builder import GraphBuilder
from convc.importers.onnx.errors import Declined
from convc.ir.graph import Value
from convc.ir.types import Shape


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter or buffer of the module by its name there; it enters the graph when something reads it.

    What is `folded` is no weight of the module: a constant of its code, or what torch made of constants alone.
    """

    name: str
    array: npt.NDArray[Any]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`arguments` are those of the op's schema, tensors among them as values or weights; `shape` is the result's."""

    op: str
    name: str
    arguments: Mapping[str, Any]
    shape: Shape
    builder: GraphBuilder
    value_of: Callable[[Weight], Value]

    def argument(self, name: str, default: Any = None) -> Any:
        value = self.arguments.get(name, default)
        return default if value is None else value

    def value(self, name: str) -> Value:
        """An operand as a value of the graph; a number becomes a constant."""
        found = self.arguments.get(name)
        if isinstance(found, Value):
            return found
        if isinstance(found, Weight):
            if found.array.ndim == 0:
                return self.builder.number(float(found.array))
            return self.value_of(found)
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return self.builder.number(float(found))
        raise Declined(f"its `{name}` is {found!r}, a tensor is needed")

    def values(self, name: str) -> list[Value]:
        found = []
        for item in self.argument(name, ()):
            value = self.value_of(item) if isinstance(item, Weight) else item
            if not isinstance(value, Value):
                raise Declined(f"its `{name}` holds {item!r}, a tensor is needed")
            found.append(value)
        return found

    def weight(self, name: str, default: float | None = None, size: int = 0) -> Value | bool:
        """An operand that may be missing: then False, or a weight of `size` numbers `default`."""
        if self.arguments.get(name) is not None:
            return self.value(name)
        if default is None:
            return False
        return self.builder.parameter(f"{self.name}.{name}", np.full(size, default, np.float32))

    def numbers(self, name: str, count: int, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Whole numbers, one for each of `count` axes; one alone is for all."""
        found = self.argument(name, default)
        numbers = (found,) if isinstance(found, int) else tuple(found)
        if any(not isinstance(number, int) for number in numbers):
            raise Declined(f"its `{name}` is {found!r}, whole numbers are needed")
        return numbers * count if len(numbers) == 1 else numbers

    def number(self, name: str, default: float) -> float:
        found = self.argument(name, default)
        if isinstance(found, Weight) and found.folded and found.array.size == 1:
            found = float(found.array.reshape(()))
        if not isinstance(found, (int, float)):
            raise Declined(f"its `{name}` is computed while the network runs")
        return float(found)

    def emit(self, op: str, *tensors: Value, **arguments: object) -> Value:
        """The node's result."""
        return self.builder.call(op, self.name, *tensors, **arguments)[0]

    def results(self, op: str, *tensors: Value, **arguments: object) -> tuple[Value, ...]:
        return self.builder.call(op, self.name, *tensors, **arguments)

    def constant(self, array: npt.NDArray[Any]) -> Value:
        """Numbers that are known, as a weight called after the node."""
        return self.builder.parameter(f"{self.name}.value", array)

    def inner(self, op: str, *tensors: Value, **arguments: object) -> Value:
        """A step on the way to the result."""
        return self.builder.call(op, f"{self.name}.{op}", *tensors, **arguments)[0]

    def axis(self, name: str, rank: int, default: int = 0) -> int:
        """A non-negative axis."""
        found = self.argument(name, default)
        if not isinstance(found, int) or not -rank <= found < rank:
            raise Declined(f"its `{name}` is {found!r} with {rank} dimensions")
        return found % rank


Handler = Callable[[Call], Any]
