"""Activations made of straight lines.

    relu max(x, 0) · relu6 min(max(x, 0), 6) · leaky_relu x where x >= 0, slope * x elsewhere
    prelu the same with a slope for each channel, learnt · thresholded_relu x where x > alpha, else 0
    clip min(max(x, low), high) · hard_sigmoid max(0, min(1, alpha * x + beta)) · hard_swish x * relu6(x + 3) / 6
    softsign x / (1 + |x|)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.common import Elementwise, Unary, X
from convc.ops.signature import Arguments, Kind, Param


@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """max(x, 0); NaN stays NaN."""

    name: ClassVar[str] = "relu"

    def of(self, x: Array) -> Array:
        return np.maximum(x, 0)


@dataclass(frozen=True, slots=True)
class Relu6(Unary):
    """min(max(x, 0), 6)."""

    name: ClassVar[str] = "relu6"
    work: ClassVar[int] = 2

    def of(self, x: Array) -> Array:
        return np.minimum(np.maximum(x, 0), 6)


@dataclass(frozen=True, slots=True)
class LeakyRelu(Unary):
    """x where x >= 0, slope * x elsewhere."""

    name: ClassVar[str] = "leaky_relu"
    params: ClassVar[tuple[Param, ...]] = (X, Param("slope", Kind.FLOAT, 0.01, "factor below zero"))
    work: ClassVar[int] = 2
    slope: float = 0.01

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("slope")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        return np.where(x < 0, x * np.asarray(self.slope, x.dtype), x)


@dataclass(frozen=True, slots=True)
class ThresholdedRelu(Unary):
    """x where x > alpha, 0 elsewhere."""

    name: ClassVar[str] = "thresholded_relu"
    params: ClassVar[tuple[Param, ...]] = (X, Param("alpha", Kind.FLOAT, 1.0, "what does not lie above becomes zero"))
    alpha: float = 1.0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("alpha")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        return np.where(x <= self.alpha, 0, x).astype(x.dtype)


@dataclass(frozen=True, slots=True)
class Clip(Unary):
    """min(max(x, low), high): `high` where low > high."""

    name: ClassVar[str] = "clip"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("low", Kind.FLOAT, -math.inf, "smallest result"),
        Param("high", Kind.FLOAT, math.inf, "largest result"),
    )
    work: ClassVar[int] = 2
    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("low"), args.number("high")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        return np.minimum(np.maximum(x, np.asarray(self.low, x.dtype)), np.asarray(self.high, x.dtype))


@dataclass(frozen=True, slots=True)
class HardSigmoid(Unary):
    """max(0, min(1, alpha * x + beta))."""

    name: ClassVar[str] = "hard_sigmoid"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("alpha", Kind.FLOAT, 1 / 6, "slope"),
        Param("beta", Kind.FLOAT, 0.5, "value at zero"),
    )
    work: ClassVar[int] = 4
    alpha: float = 1 / 6
    beta: float = 0.5

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("alpha"), args.number("beta")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        line = np.asarray(self.alpha, x.dtype) * x + np.asarray(self.beta, x.dtype)
        return np.maximum(np.minimum(line, 1), 0)


@dataclass(frozen=True, slots=True)
class HardSwish(Unary):
    """x * min(max(x + 3, 0), 6) / 6."""

    name: ClassVar[str] = "hard_swish"
    work: ClassVar[int] = 5

    def of(self, x: Array) -> Array:
        return np.asarray(x * np.minimum(np.maximum(x + 3, 0), 6) / 6, x.dtype)


@dataclass(frozen=True, slots=True)
class Softsign(Unary):
    """x / (1 + |x|)."""

    name: ClassVar[str] = "softsign"
    work: ClassVar[int] = 3

    def of(self, x: Array) -> Array:
        return np.asarray(x / (1 + np.abs(x)), x.dtype)


@dataclass(frozen=True, slots=True)
class Prelu(Elementwise):
    """x where x >= 0, slope * x elsewhere, the slope a tensor.

    A slope of one axis has one number, or one for each channel; of more axes it is broadcast, aligned at the last.
    """

    name: ClassVar[str] = "prelu"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("slope", Kind.WEIGHT, None, "[c], or of a shape broadcast to x", stored="weight"),
    )
    work: ClassVar[int] = 2

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        channels = x.type.shape[1] if x.type.rank > 1 else 1
        return cls(), (x, args.parameter("slope", (channels,)))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, slope = inputs
        if slope.rank == 1 and x.rank > 1:
            fits = slope.shape[0] in (1, x.shape[1])
        else:
            last = x.shape[x.rank - slope.rank :]
            fits = slope.rank <= x.rank and all(s in (1, n) for s, n in zip(slope.shape, last, strict=True))
        if not fits:
            raise OpError(
                "E0309", "the slope does not fit the input", "slope", note=f"the slope is {slope}, the input {x}",
                help="it has one number for each channel, or a shape that is broadcast to that of x",
            )  # fmt: skip
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x, slope = inputs
        if slope.ndim == 1 and x.ndim > 1:
            slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
        return (np.where(x < 0, x * slope, x),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "slope")
