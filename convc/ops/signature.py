"""How an op is called in the language: its parameters, and the arguments the front end hands to `build`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from convc.ir.graph import Value
from convc.ir.types import TensorType


class Kind(Enum):
    """What an argument may be."""

    TENSOR = "tensor"
    TENSORS = "tensors"  # all remaining positional arguments
    INT = "int"
    INTS = "ints"  # one number for every axis, or a tuple
    FLOAT = "float"
    FLOATS = "floats"  # one number for every axis, or a tuple
    BOOL = "bool"
    PAD = "pad"  # a number, a tuple, or half / same / same_lower / valid / causal
    WEIGHT = "weight"  # a tensor, or the name of the weight in the weights file
    SHAPE = "shape"  # a list of whole numbers that is always written as one: extents, axes, indices
    CHOICE = "choice"  # one of `Param.choices`, written as a bare word or a string


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an op; `default` is a value of the language, None where the op works it out.

    `stored` is what weights files call a weight, where that is not the parameter's own name.
    """

    name: str
    kind: Kind
    default: object = REQUIRED
    doc: str = ""
    choices: tuple[str, ...] = ()
    stored: str = ""


class Arguments(Protocol):
    """A call's arguments, checked against the op's parameters, defaults filled in."""

    def tensor(self, name: str) -> Value: ...

    def tensors(self, name: str) -> tuple[Value, ...]: ...

    def integer(self, name: str) -> int: ...

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        """A tuple of `count` numbers; one number is repeated."""
        ...

    def number(self, name: str) -> float: ...

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """A tuple of `count` numbers; one number is repeated."""
        ...

    def flag(self, name: str) -> bool: ...

    def choice(self, name: str) -> str: ...

    def padding(self, name: str) -> int | tuple[int, ...] | str: ...

    def given(self, name: str) -> bool:
        """Whether the argument was written, and is not `false`."""
        ...

    def parameter(self, name: str, shape: tuple[int, ...]) -> Value:
        """The weight operand `name`: what was written for it, else a new parameter `<node path>.<name>`."""
        ...

    def weight_type(self, name: str) -> TensorType | None:
        """The type of the tensor written for a weight operand, if one was."""
        ...
