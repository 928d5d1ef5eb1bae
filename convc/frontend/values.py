"""What a name can stand for while a network is elaborated, and how to say so in a message.

Numbers, booleans, strings and sequences are Python's own (a sequence is a tuple, a range a `range`); tensors are
`ir.Value`. `UNKNOWN` stands for the result of something already reported: whatever touches it is unknown too, silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

from convc.frontend import syntax as s
from convc.ir import Op, Value
from convc.ops.signature import REQUIRED, Arguments, Kind, Param


class OpClass(Protocol):
    """An op that can be called: a class of `convc.ops`."""

    name: ClassVar[str]
    params: ClassVar[tuple[Param, ...]]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]: ...


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class OpRef:
    """An op as a value (`act = relu`)."""

    op: type[OpClass]

    @property
    def name(self) -> str:
        return self.op.name

    def signature(self) -> str:
        return f"{self.name}({', '.join(map(_op_param, self.op.params))})"


@dataclass(frozen=True, slots=True)
class Module:
    """A file as seen by elaboration: its own blocks and those it imports. `lost` are names it failed to define."""

    blocks: Mapping[str, BlockRef]
    lost: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class BlockRef:
    """A block as a value, with the module whose names its body sees."""

    syntax: s.Block
    module: Module = field(repr=False)

    @property
    def name(self) -> str:
        return self.syntax.name.text

    def signature(self) -> str:
        return f"{self.name}({', '.join(map(block_param, self.syntax.params))})"


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """`parameter()`: a weight of its own, whose type is written."""

    name: ClassVar[str] = "parameter"

    def signature(self) -> str:
        return "name: f32[...] = parameter()"


Callee = OpRef | BlockRef | ParameterRef


def _op_param(param: Param) -> str:
    if param.kind is Kind.TENSORS:
        return f"{param.name}..."
    if param.default is REQUIRED:
        return param.name
    return f"{param.name} = {'auto' if param.default is None else literal(param.default)}"


def block_param(param: s.Param) -> str:
    """A parameter as the source has it."""
    if param.default is None:
        return param.name.text
    span = param.span
    if span.line != span.end_line:
        return f"{param.name.text} = ..."
    return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]


def literal(value: object) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, range):
        return f"{value.start}..{value.stop}"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Value):
        return str(value.type)
    return value.name if isinstance(value, (OpRef, BlockRef, ParameterRef)) else str(value)


def describe(value: object) -> str:
    """What kind of thing a value is, for messages: `the number 3`, `a tensor f32[1, 8]`."""
    match value:
        case bool():
            return f"`{literal(value)}`"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the string "{value}"' if len(value) < 40 else "a string"
        case tuple():
            return f"the list {literal(value)}" if len(value) < 9 else f"a list of {len(value)}"
        case range():
            return f"the range {literal(value)}"
        case Value():
            return f"a tensor {value.type}"
        case OpRef():
            return f"the op `{value.name}`"
        case BlockRef() | ParameterRef():
            return f"the block `{value.name}`"
        case _:
            return str(value)
