"""Comparisons and logic. Truth is 1, falsehood 0, in the element type of the operands; all but zero counts as true.

    equal · not_equal · less · less_equal · greater · greater_equal: 0 beside NaN, but for not_equal
    logical_and · logical_or · logical_xor · logical_not · where a if condition else b, element by element
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op
from convc.ir.types import TensorType
from convc.ops.common import Binary, Elementwise, Unary, broadcast
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Equal(Binary):
    """1 where a = b."""

    name: ClassVar[str] = "equal"

    def of(self, a: Array, b: Array) -> Array:
        return np.asarray(np.equal(a, b), a.dtype)


@dataclass(frozen=True, slots=True)
class NotEqual(Binary):
    """1 where a and b differ; NaN differs from everything."""

    name: ClassVar[str] = "not_equal"

    def of(self, a: Array, b: Array) -> Array:
        return np.asarray(np.not_equal(a, b), a.dtype)


@dataclass(frozen=True, slots=True)
class Less(Binary):
    """1 where a < b."""

    name: ClassVar[str] = "less"

    def of(self, a: Array, b: Array) -> Array:
        return np.less(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class LessEqual(Binary):
    """1 where a <= b."""

    name: ClassVar[str] = "less_equal"

    def of(self, a: Array, b: Array) -> Array:
        return np.less_equal(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class Greater(Binary):
    """1 where a > b."""

    name: ClassVar[str] = "greater"

    def of(self, a: Array, b: Array) -> Array:
        return np.greater(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class GreaterEqual(Binary):
    """1 where a >= b."""

    name: ClassVar[str] = "greater_equal"

    def of(self, a: Array, b: Array) -> Array:
        return np.greater_equal(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class LogicalAnd(Binary):
    """1 where both are true."""

    name: ClassVar[str] = "logical_and"

    def of(self, a: Array, b: Array) -> Array:
        return np.logical_and(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class LogicalOr(Binary):
    """1 where one or both are true."""

    name: ClassVar[str] = "logical_or"

    def of(self, a: Array, b: Array) -> Array:
        return np.logical_or(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class LogicalXor(Binary):
    """1 where one is true and the other is not."""

    name: ClassVar[str] = "logical_xor"

    def of(self, a: Array, b: Array) -> Array:
        return np.logical_xor(a, b).astype(a.dtype)


@dataclass(frozen=True, slots=True)
class LogicalNot(Unary):
    """1 where x is zero."""

    name: ClassVar[str] = "logical_not"

    def of(self, x: Array) -> Array:
        return np.logical_not(x).astype(x.dtype)


@dataclass(frozen=True, slots=True)
class Where(Elementwise):
    """a where the condition is not zero, b elsewhere; all three are broadcast."""

    name: ClassVar[str] = "where"
    params: ClassVar[tuple[Param, ...]] = (
        Param("condition", Kind.TENSOR, doc="zero or not"),
        Param("a", Kind.TENSOR, doc="taken where the condition is not zero"),
        Param("b", Kind.TENSOR, doc="taken elsewhere"),
    )

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(), (args.tensor("condition"), args.tensor("a"), args.tensor("b"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        condition, a, b = inputs
        values = broadcast(self.name, a.shape, b.shape)
        return (TensorType.plain(broadcast(self.name, values, condition.shape, "condition"), a.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        condition, a, b = inputs
        return (np.where(condition != 0, a, b),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("condition", "a", "b")
