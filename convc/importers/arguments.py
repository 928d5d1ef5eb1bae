"""Arguments of an op given from Python: what `Op.build` reads where there is no source.

Implements the protocol `ops.signature.Arguments`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convc.ir.graph import Value
from convc.ir.op import OpError
from convc.ir.types import TensorType
from convc.ops.signature import REQUIRED, Kind, Param


@dataclass(frozen=True, slots=True)
class PlainArguments:
    """Checked against the op's parameters when bound; weights are tensors, or False where there is none."""

    op: str
    params: Mapping[str, Param]
    bound: Mapping[str, object]
    constant_of: Callable[[float], Value]

    @staticmethod
    def bind(
        op: Any, tensors: Sequence[Value], arguments: Mapping[str, object], constant_of: Callable[[float], Value]
    ) -> PlainArguments:
        params = {param.name: param for param in op.params}
        bound = dict(arguments)
        if unknown := [name for name in bound if name not in params]:
            raise TypeError(f"`{op.name}` has no argument {unknown[0]!r}")
        open_names = [param.name for param in op.params if param.kind is Kind.TENSOR and param.name not in bound]
        spread = [param.name for param in op.params if param.kind is Kind.TENSORS]
        if spread:
            bound[spread[0]] = tuple(tensors)
        else:
            bound.update(zip(open_names, tensors, strict=False))
        return PlainArguments(op.name, params, bound, constant_of)

    def _value(self, name: str) -> Any:
        value = self.bound.get(name, self.params[name].default)
        if value is None or value is REQUIRED:
            raise OpError("E0402", f"`{self.op}` needs `{name}`", name)
        return value

    def tensor(self, name: str) -> Value:
        value = self._value(name)
        if isinstance(value, (int, float)):
            return self.constant_of(float(value))
        if not isinstance(value, Value):
            raise OpError("E0405", f"`{name}` of `{self.op}` must be a tensor", name)
        return value

    def tensors(self, name: str) -> tuple[Value, ...]:
        return tuple(self.bound.get(name, ()))  # type: ignore[arg-type]

    def integer(self, name: str) -> int:
        return int(self._value(name))

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        value = self._value(name)
        if isinstance(value, int):
            return (value,) * max(1, count)
        numbers = tuple(int(number) for number in value)
        if count and len(numbers) != count:
            raise OpError("E0405", f"`{name}` of `{self.op}` must be {count} numbers", name, note=f"it is {numbers}")
        return numbers

    def number(self, name: str) -> float:
        return float(self._value(name))

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        value = self._value(name)
        found = tuple(float(number) for number in value) if isinstance(value, tuple) else (float(value),) * count
        if len(found) != count:
            raise OpError("E0405", f"`{name}` of `{self.op}` must be {count} numbers", name, note=f"it is {found}")
        return found

    def flag(self, name: str) -> bool:
        return bool(self._value(name) is not False)

    def choice(self, name: str) -> str:
        value, choices = str(self._value(name)), self.params[name].choices
        if value not in choices:
            raise OpError("E0405", f"`{name}` of `{self.op}` must be one of {', '.join(choices)}", name)
        return value

    def padding(self, name: str) -> int | tuple[int, ...] | str:
        value: int | tuple[int, ...] | str = self._value(name)
        return value

    def given(self, name: str) -> bool:
        if name in self.bound:
            return self.bound[name] is not False
        return self.params[name].default not in (None, False)

    def parameter(self, name: str, shape: tuple[int, ...]) -> Value:
        value = self.bound.get(name)
        if not isinstance(value, Value):
            raise OpError("E0402", f"`{self.op}` needs the weights `{name}`", name)
        return value

    def weight_type(self, name: str) -> TensorType | None:
        value = self.bound.get(name)
        return value.type if isinstance(value, Value) else None
