"""Matrix products.

    matmul: dst[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]

The axes before the last two are broadcast; a vector on the left is a row, on the right a column, and that axis is not
in the result (`numpy.matmul`, ONNX `MatMul`). With `transpose_a` (`transpose_b`) the last two axes of a (b) are
exchanged first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import Shape, TensorType
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Product:
    """The extents of a product, vectors seen as matrices: `batch` is broadcast from those of a and b."""

    batch: Shape
    a_batch: Shape
    b_batch: Shape
    m: int
    k: int
    n: int


@dataclass(frozen=True, slots=True)
class MatMul(Op):
    """Product of matrices, or of stacks of them."""

    name: ClassVar[str] = "matmul"
    params: ClassVar[tuple[Param, ...]] = (
        Param("a", Kind.TENSOR, doc="left [..., m, k]"),
        Param("b", Kind.TENSOR, doc="right [..., k, n]"),
        Param("transpose_a", Kind.BOOL, False, "a is [..., k, m]"),
        Param("transpose_b", Kind.BOOL, False, "b is [..., n, k]"),
    )
    transpose_a: bool = False
    transpose_b: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.flag("transpose_a"), args.flag("transpose_b")), (args.tensor("a"), args.tensor("b"))

    def product(self, a: TensorType, b: TensorType) -> Product:
        """The extents; raises `OpError` where they do not fit."""
        for name, type, turned in (("a", a, self.transpose_a), ("b", b, self.transpose_b)):
            if type.rank < (2 if turned else 1):
                wanted = "two axes to exchange" if turned else "at least one axis"
                raise OpError("E0328", f"matmul needs {wanted}", name, note=f"this one is {type}")
        m, ka = (1, *a.shape)[-2:] if a.rank == 1 else a.shape[-2:]
        kb, n = (*b.shape, 1) if b.rank == 1 else b.shape[-2:]
        m, ka = (ka, m) if self.transpose_a else (m, ka)
        kb, n = (n, kb) if self.transpose_b else (kb, n)
        batches = a.shape[:-2], b.shape[:-2]
        try:
            batch = np.broadcast_shapes(*batches)
        except ValueError:
            batch = None
        if ka != kb or batch is None:
            why = f"{ka} columns on the left, {kb} rows on the right" if batch is not None else "their stacks differ"
            raise OpError("E0328", "matrices do not fit in matmul", "b", note=f"{a} and {b}: {why}")
        return Product(batch, *batches, m, ka, n)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        a, b = inputs
        p = self.product(a, b)
        shape = (*p.batch, *((p.m,) if a.rank > 1 else ()), *((p.n,) if b.rank > 1 else ()))
        return (TensorType.plain(shape, a.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        a, b = inputs
        a = a.swapaxes(-1, -2) if self.transpose_a else a
        return (np.matmul(a, b.swapaxes(-1, -2) if self.transpose_b else b),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("*", "*")

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        macs = outputs[0].elements * self.product(inputs[0], inputs[1]).k
        return Cost(macs=macs, flops=2 * macs)
