"""Normalisation with fixed statistics (batch norm at inference) and across neighbouring channels.

    batchnorm:            dst[n, c] = (src[n, c] - mean[c]) * weight[c] / sqrt(var[c] + eps) + bias[c]
    local_response_norm:  dst[n, c] = src[n, c] / (k + alpha / size * sum of src[n, c']^2) ^ beta,
                          c' from c - size // 2 to c + (size - 1) // 2   (AlexNet; semantics of torch)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.common import Elementwise
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_image, check_positive


@dataclass(frozen=True, slots=True)
class BatchNorm(Elementwise):
    """Batch normalisation with running statistics, over dimension 1."""

    name: ClassVar[str] = "batchnorm"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...]"),
        Param("eps", Kind.FLOAT, 1e-5, "added to the variance"),
        Param("weight", Kind.WEIGHT, None, "scale [c]"),
        Param("bias", Kind.WEIGHT, None, "shift [c]"),
        Param("running_mean", Kind.WEIGHT, None, "[c]"),
        Param("running_var", Kind.WEIGHT, None, "[c]"),
    )
    eps: float = 1e-5

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        if x.type.rank < 2:
            raise OpError("E0301", "batchnorm takes a tensor [n, c, ...]", "x", note=f"this one is {x.type}")
        shape = (x.type.shape[1],)
        names = ("weight", "bias", "running_mean", "running_var")
        return cls(args.number("eps")), (x, *(args.parameter(name, shape) for name in names))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x = inputs[0]
        for name, type in zip(self.operands(5)[1:], inputs[1:], strict=True):
            if x.rank < 2 or type.shape != (x.shape[1],):
                raise OpError("E0303", "statistics do not fit the input", name, note=f"{type} for an input {x}")
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, weight, bias, mean, var = inputs
        weight, bias, mean, var = (a.reshape(-1, *(1,) * (x.ndim - 2)) for a in (weight, bias, mean, var))
        return ((x - mean) * (weight / np.sqrt(var + np.asarray(self.eps, x.dtype))) + bias,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", "bias", "running_mean", "running_var")

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        # The running statistics are not learnt: papers and frameworks do not count them as parameters.
        return Cost(parameters=2 * inputs[1].elements, flops=2 * outputs[0].elements)


@dataclass(frozen=True, slots=True)
class LocalResponseNorm(Op):
    """Local response normalisation across channels."""

    name: ClassVar[str] = "local_response_norm"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...]"),
        Param("size", Kind.INT, 5, "channels summed over"),
        Param("alpha", Kind.FLOAT, 1e-4, "weight of the mean square"),
        Param("beta", Kind.FLOAT, 0.75, "exponent"),
        Param("k", Kind.FLOAT, 1.0, "added to the mean square"),
    )
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        op = cls(args.integer("size"), args.number("alpha"), args.number("beta"), args.number("k"))
        return op, (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_image("local_response_norm", x)
        check_positive("size", self.size)
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        channels = x.shape[1]
        scale = np.zeros_like(x)
        for c in range(channels):
            first, last = max(0, c - self.size // 2), min(channels, c + (self.size - 1) // 2 + 1)
            scale[:, c] = (x[:, first:last] ** 2).sum(axis=1)
        base = np.asarray(self.k, x.dtype) + np.asarray(self.alpha / self.size, x.dtype) * scale
        return (x / base ** np.asarray(self.beta, x.dtype),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=outputs[0].elements * (2 * self.size + 4))
