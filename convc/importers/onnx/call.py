"""One node of a model as its handler sees it: operands, attributes, and where to emit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from convc.importers.builder import GraphBuilder
from convc.importers.onnx.errors import Declined, NeedsConstant
from convc.importers.onnx.names import weight_name
from convc.importers.onnx.tensor import Array, Tensor
from convc.ir.graph import Value
from convc.ir.types import Shape

T = TypeVar("T")

#: Numbers of more elements than this are weights, not shapes.
_SMALL = 4096


@dataclass(frozen=True, slots=True)
class Call:
    """A node with its operands resolved. `name` is what its result will be called."""

    op: str
    name: str
    opset: int
    inputs: Sequence[Tensor | None]
    outputs: Sequence[str]
    attributes: dict[str, Any]
    builder: GraphBuilder
    weights: dict[tuple[str, str], Value]  # parameters made so far, by initializer and form

    # Attributes

    def attribute(self, name: str, default: T) -> T:
        value = self.attributes.get(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value  # type: ignore[return-value]

    def ints(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...] | None:
        value = self.attributes.get(name, default)
        return None if value is None else tuple(int(number) for number in value)

    # Operands

    def has(self, place: int) -> bool:
        return place < len(self.inputs) and self.inputs[place] is not None

    def tensor(self, place: int = 0) -> Tensor:
        if not self.has(place):
            raise Declined(f"input {place} is missing")
        tensor = self.inputs[place]
        assert tensor is not None
        return tensor

    def value(self, place: int = 0) -> Value:
        """An operand as a value of the graph: what is known becomes a constant or a weight."""
        return self.value_of(self.tensor(place))

    def value_of(self, tensor: Tensor) -> Value:
        if tensor.value is not None:
            return tensor.value
        assert tensor.array is not None
        if tensor.array.ndim == 0:
            return self.builder.number(short(float(tensor.array)))
        return self._parameter(tensor, "value", "", lambda array: array)

    def number_or_value(self, place: int, rank: int) -> Value:
        """As `value`, but one number of any rank up to `rank` is a constant: it broadcasts alike."""
        array = self.tensor(place).array
        if array is not None and array.size == 1 and array.ndim <= rank:
            return self.builder.number(short(float(array.reshape(()))))
        return self.value(place)

    def constant(self, place: int, what: str) -> Array:
        """The numbers of an operand that must be known when the graph is built."""
        tensor = self.tensor(place)
        if tensor.array is None:
            reason = f"{what} must be a constant, but `{tensor.name}` is computed while the network runs"
            raise NeedsConstant(tensor.name, reason) if tensor.is_input else Declined(reason)
        return tensor.array

    def known_ints(self, place: int, what: str) -> tuple[int, ...]:
        array = self.constant(place, what)
        if array.size > _SMALL or array.dtype.kind not in "iu":
            raise Declined(f"{what} is {array.dtype}{list(array.shape)}, a few whole numbers are needed")
        return tuple(int(number) for number in array.reshape(-1))

    def known_number(self, place: int, what: str) -> float:
        array = self.constant(place, what)
        if array.size != 1:
            raise Declined(f"{what} has {array.size} numbers, one is needed")
        return short(float(array.reshape(())))

    def weight(
        self, place: int, role: str, form: str = "", change: Callable[[Array], Array] = lambda array: array
    ) -> Value:
        """An operand that must be a weight, changed to `form` by `change`."""
        self.constant(place, f"the {role}")
        return self._parameter(self.tensor(place), role, form, change)

    def _parameter(self, tensor: Tensor, role: str, form: str, change: Callable[[Array], Array]) -> Value:
        assert tensor.array is not None
        key = (tensor.name, form)
        if key not in self.weights:
            wanted = weight_name(tensor.name) or f"{self.name}.{role}"
            self.weights[key] = self.builder.parameter(wanted, change(tensor.array.astype(np.float32)))
        return self.weights[key]

    # Emitting

    def emit(self, op: str, *tensors: Value, **arguments: object) -> Value:
        """The node's result."""
        return self.results(op, *tensors, **arguments)[0]

    def results(self, op: str, *tensors: Value, **arguments: object) -> tuple[Value, ...]:
        return self.builder.call(op, self.name, *tensors, **arguments)

    def inner(self, op: str, *tensors: Value, **arguments: object) -> Value:
        """A step on the way to the result."""
        return self.builder.call(op, f"{self.name}.{op}", *tensors, **arguments)[0]

    def reshaped(self, x: Value, shape: Shape) -> Value:
        """`x` in another shape, on the way to the result."""
        return x if x.type.shape == shape else self.inner("reshape", x, shape=shape)

    def axis(self, axis: int, rank: int) -> int:
        """A non-negative axis."""
        if not -rank <= axis < rank:
            raise Declined(f"axis {axis} does not exist: there are {rank} dimensions")
        return axis % rank if rank else 0

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        found = tuple(self.axis(axis, rank) for axis in axes)
        if len(set(found)) < len(found):
            raise Declined(f"an axis is named twice in {list(axes)}")
        return found


def short(number: float) -> float:
    """The float32 nearest to `number`, by its shortest decimal: 0.1, not 0.10000000149."""
    return float(str(np.float32(number)))
