"""Ops that move or rename elements without computing.

    concat(a, b, ...)[.., i, ..]: the operands one after another along `axis`
    flatten: [n, ...] -> [n, product of the rest] · reshape: another shape of as many elements, row-major order
    identity, dropout: the input (dropout does nothing at inference) · reorder: the same tensor in another layout
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.common import OneTensor, check_axis
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Concatenation. `in_place` is set by a pass: every operand is produced straight into its slice of the result."""

    name: ClassVar[str] = "concat"
    params: ClassVar[tuple[Param, ...]] = (
        Param("xs", Kind.TENSORS, doc="tensors of one shape but for `axis`"),
        Param("axis", Kind.INT, 1, "dimension along which they are joined"),
        Param("in_place", Kind.BOOL, False, "set by the compiler: operands lie in the result"),
    )
    axis: int = 1
    in_place: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        xs = args.tensors("xs")
        if not xs:
            raise OpError("E0310", "concat needs at least one tensor", "xs")
        axis = args.integer("axis")
        rank = xs[0].type.rank
        if -rank <= axis < 0:
            axis += rank
        return cls(axis, args.flag("in_place")), xs

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        first = inputs[0]
        check_axis(self.axis, first)
        for number, other in enumerate(inputs):
            alike = other.rank == first.rank and all(
                m == n for i, (m, n) in enumerate(zip(first.shape, other.shape, strict=True)) if i != self.axis
            )
            if not alike:
                raise OpError(
                    "E0310", "shapes do not fit in concat", "xs",
                    note=f"tensor 1 is {first}, tensor {number + 1} is {other}: all axes but {self.axis} must be equal",
                    help="`pad = same` keeps height and width" if first.rank == other.rank == 4 else "",
                )  # fmt: skip
        total = sum(type.shape[self.axis] for type in inputs)
        shape = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        return (TensorType.plain(shape, first.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.concatenate(inputs, axis=self.axis),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("*",) * count


@dataclass(frozen=True, slots=True)
class Flatten(OneTensor):
    """[n, ...] -> [n, product of the rest]."""

    name: ClassVar[str] = "flatten"

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if x.rank < 1:
            raise OpError("E0301", "flatten takes a tensor [n, ...]", "x", note=f"this one is {x}")
        return (TensorType.plain((x.shape[0], prod(x.shape[1:])), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].reshape(inputs[0].shape[0], prod(inputs[0].shape[1:])),)


@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """The same elements, in row-major order, in another shape; one extent may be -1."""

    name: ClassVar[str] = "reshape"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("shape", Kind.SHAPE, doc="extents; -1 is worked out"),
    )
    shape: tuple[int, ...]

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x, shape = args.tensor("x"), args.integers("shape", 0)
        rest = prod(n for n in shape if n != -1)
        if shape.count(-1) == 1 and rest > 0 and x.type.elements % rest == 0:
            shape = tuple(x.type.elements // rest if n == -1 else n for n in shape)
        return cls(shape), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        has = "leaves open more than can be worked out" if -1 in self.shape else f"has {prod(self.shape)}"
        if prod(self.shape) != x.elements or min(self.shape, default=1) < 0:
            raise OpError(
                "E0311", "reshape must keep the number of elements", "shape",
                note=f"{list(x.shape)} has {x.elements}, {list(self.shape)} {has}",
            )  # fmt: skip
        return (TensorType.plain(self.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0].reshape(self.shape),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)


@dataclass(frozen=True, slots=True)
class Identity(OneTensor):
    """The input itself."""

    name: ClassVar[str] = "identity"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0],)


@dataclass(frozen=True, slots=True)
class Dropout(OneTensor):
    """Nothing at inference; kept in sources so that they read like the paper."""

    name: ClassVar[str] = "dropout"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("p", Kind.FLOAT, 0.5, "share of elements dropped in training"),
    )
    p: float = 0.5

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("p")), (args.tensor("x"),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0],)


@dataclass(frozen=True, slots=True)
class Reorder(OneTensor):
    """The same tensor in another layout: that of the result's type."""

    name: ClassVar[str] = "reorder"

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0],)
