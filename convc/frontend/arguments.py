"""Binding a call's arguments to parameters, and handing them to an op as the types it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convc.diagnostics import Span
from convc.frontend import syntax as s
from convc.frontend.failure import did_you_mean, fail
from convc.frontend.values import OpClass, OpRef, describe
from convc.ir import TensorType, Value
from convc.ops.signature import REQUIRED, Kind, Param


@dataclass(frozen=True, slots=True)
class Given:
    """An argument that was written, with its place."""

    value: object
    span: Span


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of whatever is called. `spread` is the one that takes all remaining positional arguments."""

    name: str
    text: str
    params: tuple[str, ...]
    required: frozenset[str]
    spread: str = ""


Positional = Sequence[Given]
Keywords = Sequence[tuple[s.Name, Given]]


def bind(signature: Signature, span: Span, positional: Positional, keywords: Keywords) -> dict[str, list[Given]]:
    """Arguments by parameter; the list has one element but for the spread parameter. Raises `Failure`."""
    bound: dict[str, list[Given]] = {}
    for place, given in enumerate(positional):
        if place >= len(signature.params) and not signature.spread:
            raise fail(
                "E0403", f"too many arguments for `{signature.name}`", given.span,
                f"it takes {len(signature.params)}", help=f"its signature is `{signature.text}`",
            )
        bound.setdefault(signature.spread or signature.params[place], []).append(given)
    for name, given in keywords:
        if name.text not in signature.params:
            raise fail(
                "E0401", f"`{signature.name}` has no argument `{name.text}`", name.span,
                did_you_mean(name.text, signature.params), help=f"its signature is `{signature.text}`",
            )
        if name.text in bound:
            raise fail("E0404", f"`{name.text}` is given twice", given.span, "the second time",
                       help=f"its signature is `{signature.text}`")  # fmt: skip
        bound[name.text] = [given]
    missing = [name for name in signature.params if name in signature.required and name not in bound]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise fail("E0402", f"`{signature.name}` needs {names}", span, "missing here",
                   help=f"its signature is `{signature.text}`")  # fmt: skip
    return bound


def op_signature(op: type[OpClass], text: str) -> Signature:
    """The signature of an op, for `bind`."""
    names = tuple(param.name for param in op.params)
    single = [param for param in op.params if param.kind is not Kind.TENSORS]
    required = frozenset(param.name for param in single if param.default is REQUIRED)
    spread = next((param.name for param in op.params if param.kind is Kind.TENSORS), "")
    return Signature(op.name, text, names, required, spread)


@dataclass(frozen=True, slots=True)
class CallArguments:
    """What `Op.build` reads (the protocol `ops.signature.Arguments`).

    `parameter_of(name, shape, span, explicit)` makes a weight, `constant_of(number, span)` the tensor of a number.
    """

    op: type[OpClass]
    text: str
    span: Span
    bound: dict[str, list[Given]]
    parameter_of: Callable[[str, tuple[int, ...], Span, str], Value]
    constant_of: Callable[[float, Span], Value]

    def _param(self, name: str) -> Param:
        return next(param for param in self.op.params if param.name == name)

    def _given(self, name: str) -> Given:
        if name in self.bound:
            return self.bound[name][0]
        default = self._param(name).default
        if default is None or default is REQUIRED:
            raise fail("E0402", f"`{self.op.name}` needs `{name}`", self.span, "missing here",
                       help=f"its signature is `{self.text}`")  # fmt: skip
        return Given(default, self.span)

    def _wrong(self, name: str, given: Given, wanted: str) -> Exception:
        return fail(
            "E0405", f"`{name}` of `{self.op.name}` must be {wanted}", given.span, f"this is {describe(given.value)}",
            help=f"its signature is `{self.text}`",
        )

    def tensor(self, name: str) -> Value:
        return self._tensor(name, self._given(name))

    def _tensor(self, name: str, given: Given) -> Value:
        if isinstance(given.value, Value):
            return given.value
        binary = sum(param.kind is Kind.TENSOR for param in self.op.params) > 1
        if binary and isinstance(given.value, (int, float)) and not isinstance(given.value, bool):
            return self.constant_of(float(given.value), given.span)
        raise self._wrong(name, given, "a tensor")

    def tensors(self, name: str) -> tuple[Value, ...]:
        found: list[Value] = []
        for given in self.bound.get(name, []):
            items = given.value if isinstance(given.value, tuple) else (given.value,)
            found.extend(self._tensor(name, Given(item, given.span)) for item in items)
        return tuple(found)

    def integer(self, name: str) -> int:
        given = self._given(name)
        if isinstance(given.value, bool) or not isinstance(given.value, int):
            raise self._wrong(name, given, "a whole number")
        return given.value

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        given = self._given(name)
        numbers = _whole(given.value)
        if numbers is None:
            raise self._wrong(name, given, "a whole number or a list of them")
        if not isinstance(given.value, tuple) and count:
            return numbers * count
        if count and len(numbers) != count:
            raise self._wrong(name, given, f"a number or a list of {count}")
        return numbers

    def number(self, name: str) -> float:
        given = self._given(name)
        if isinstance(given.value, bool) or not isinstance(given.value, (int, float)):
            raise self._wrong(name, given, "a number")
        return float(given.value)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        given = self._given(name)
        items = given.value if isinstance(given.value, tuple) else (given.value,) * count
        found = tuple(float(i) for i in items if isinstance(i, (int, float)) and not isinstance(i, bool))
        if len(found) != len(items):
            raise self._wrong(name, given, "a number or a list of them")
        if len(found) != count:
            raise self._wrong(name, given, f"a number or a list of {count}")
        return found

    def flag(self, name: str) -> bool:
        given = self._given(name)
        if self._param(name).kind is Kind.WEIGHT and isinstance(given.value, (Value, str)):
            return True
        if not isinstance(given.value, bool):
            raise self._wrong(name, given, "`true` or `false`")
        return given.value

    def choice(self, name: str) -> str:
        given, choices = self._given(name), self._param(name).choices
        word = given.value.name if isinstance(given.value, OpRef) else given.value  # `linear` is an op too
        if word not in choices:
            raise self._wrong(name, given, "one of " + ", ".join(f"`{choice}`" for choice in choices))
        return str(word)

    def padding(self, name: str) -> int | tuple[int, ...] | str:
        given = self._given(name)
        if isinstance(given.value, str):
            return given.value
        numbers = _whole(given.value)
        if numbers is None:
            raise self._wrong(name, given, "a number, four numbers (top, left, bottom, right) or a rule such as `same`")
        return numbers if isinstance(given.value, tuple) else numbers[0]

    def given(self, name: str) -> bool:
        if name not in self.bound:
            return self._param(name).default not in (None, False)
        return self.bound[name][0].value is not False

    def parameter(self, name: str, shape: tuple[int, ...]) -> Value:
        given = self.bound.get(name, [Given(None, self.span)])[0]
        if isinstance(given.value, Value):
            return given.value
        if given.value not in (None, True) and not isinstance(given.value, str):
            raise self._wrong(name, given, "a tensor, or the name of a weight in quotes")
        explicit = given.value if isinstance(given.value, str) else ""
        return self.parameter_of(self._param(name).stored or name, shape, given.span, explicit)

    def weight_type(self, name: str) -> TensorType | None:
        value = self.bound[name][0].value if name in self.bound else None
        return value.type if isinstance(value, Value) else None


def _whole(value: object) -> tuple[int, ...] | None:
    items = tuple(value) if isinstance(value, (tuple, range)) else (value,)
    whole = tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))
    return whole if len(whole) == len(items) else None
