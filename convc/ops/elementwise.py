"""Arithmetic on elements, with NumPy's broadcasting: shapes are aligned at the last axis, an extent of 1 is repeated.

    add a + b · sub a - b · mul a * b · div a / b · pow a^b · mod, the remainder of a / b · minimum · maximum
    constant: one number, f32[]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op
from convc.ir.types import TensorType
from convc.ops.common import Binary
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Add(Binary):
    """a + b."""

    name: ClassVar[str] = "add"

    def of(self, a: Array, b: Array) -> Array:
        return a + b


@dataclass(frozen=True, slots=True)
class Sub(Binary):
    """a - b."""

    name: ClassVar[str] = "sub"

    def of(self, a: Array, b: Array) -> Array:
        return a - b


@dataclass(frozen=True, slots=True)
class Mul(Binary):
    """a * b."""

    name: ClassVar[str] = "mul"

    def of(self, a: Array, b: Array) -> Array:
        return a * b


@dataclass(frozen=True, slots=True)
class Div(Binary):
    """a / b."""

    name: ClassVar[str] = "div"

    def of(self, a: Array, b: Array) -> Array:
        return a / b


@dataclass(frozen=True, slots=True)
class Pow(Binary):
    """a^b; NaN for a below zero and b that is not whole."""

    name: ClassVar[str] = "pow"
    work: ClassVar[int] = 60

    def of(self, a: Array, b: Array) -> Array:
        return np.power(a, b)


@dataclass(frozen=True, slots=True)
class Minimum(Binary):
    """The smaller of a and b; NaN where one of them is."""

    name: ClassVar[str] = "minimum"

    def of(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)


@dataclass(frozen=True, slots=True)
class Maximum(Binary):
    """The larger of a and b; NaN where one of them is."""

    name: ClassVar[str] = "maximum"

    def of(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)


@dataclass(frozen=True, slots=True)
class Mod(Binary):
    """The remainder of a / b: a - b * floor(a / b), with the sign of b.

    With `fmod` the quotient is rounded towards zero instead, so the remainder has the sign of a.
    """

    name: ClassVar[str] = "mod"
    params: ClassVar[tuple[Param, ...]] = (*Binary.params, Param("fmod", Kind.BOOL, False, "the sign of a, as in C"))
    work: ClassVar[int] = 20
    fmod: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.flag("fmod")), (args.tensor("a"), args.tensor("b"))

    def of(self, a: Array, b: Array) -> Array:
        return np.fmod(a, b) if self.fmod else np.mod(a, b)


@dataclass(frozen=True, slots=True)
class Constant(Op):
    """One number; a number beside a tensor in the source becomes one of these."""

    name: ClassVar[str] = "constant"
    params: ClassVar[tuple[Param, ...]] = (Param("value", Kind.FLOAT, doc="the number"),)
    value: float

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("value")), ()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType.plain(()),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.asarray(self.value, np.float64),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ()
