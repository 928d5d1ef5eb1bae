"""Smooth activations.

    tanh · sigmoid 1 / (1 + exp(-x)) · silu x * sigmoid(x) · mish x * tanh(softplus(x)) · softplus log(1 + exp(x))
    gelu x * Phi(x), Phi the normal distribution · elu x where x >= 0, alpha * (exp(x) - 1) elsewhere
    selu elu with the scale and alpha of Klambauer et al. 2017 · celu elu with exp(x / alpha)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Op
from convc.ops.common import Unary, X
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.unary import error_function

#: The constants of Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA: Final = 1.6732632423543772
SELU_SCALE: Final = 1.0507009873554805


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small / (1 + small), 1 / (1 + small))


def log1p_exp(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), x.dtype)


@dataclass(frozen=True, slots=True)
class Tanh(Unary):
    """Hyperbolic tangent."""

    name: ClassVar[str] = "tanh"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return np.tanh(x)


@dataclass(frozen=True, slots=True)
class Sigmoid(Unary):
    """Logistic function, 1 / (1 + exp(-x))."""

    name: ClassVar[str] = "sigmoid"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return logistic(x)


@dataclass(frozen=True, slots=True)
class Silu(Unary):
    """x * sigmoid(x), also called swish."""

    name: ClassVar[str] = "silu"
    work: ClassVar[int] = 17

    def of(self, x: Array) -> Array:
        return x * logistic(x)


@dataclass(frozen=True, slots=True)
class Gelu(Unary):
    """x * Phi(x), Phi the normal distribution: x / 2 * (1 + erf(x / sqrt(2)))."""

    name: ClassVar[str] = "gelu"
    params: ClassVar[tuple[Param, ...]] = (
        X,
        Param("approximate", Kind.BOOL, False, "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))"),
    )
    work: ClassVar[int] = 20
    approximate: bool = False

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.flag("approximate")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        if self.approximate:
            inner = np.asarray(math.sqrt(2 / math.pi), x.dtype) * (x + np.asarray(0.044715, x.dtype) * x**3)
            return np.asarray(x * (1 + np.tanh(inner)) / 2, x.dtype)
        return x * (1 + error_function(x / np.asarray(math.sqrt(2), x.dtype))) / 2


@dataclass(frozen=True, slots=True)
class Elu(Unary):
    """x where x >= 0, alpha * (exp(x) - 1) elsewhere."""

    name: ClassVar[str] = "elu"
    params: ClassVar[tuple[Param, ...]] = (X, Param("alpha", Kind.FLOAT, 1.0, "how far it falls below zero"))
    work: ClassVar[int] = 14
    alpha: float = 1.0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("alpha")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        return np.where(x < 0, np.asarray(self.alpha, x.dtype) * np.expm1(np.minimum(x, 0)), x)


@dataclass(frozen=True, slots=True)
class Selu(Unary):
    """scale * elu(x, alpha), with the two constants that keep mean and variance."""

    name: ClassVar[str] = "selu"
    work: ClassVar[int] = 15

    def of(self, x: Array) -> Array:
        alpha, scale = np.asarray(SELU_ALPHA, x.dtype), np.asarray(SELU_SCALE, x.dtype)
        return scale * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


@dataclass(frozen=True, slots=True)
class Celu(Unary):
    """x where x >= 0, alpha * (exp(x / alpha) - 1) elsewhere."""

    name: ClassVar[str] = "celu"
    params: ClassVar[tuple[Param, ...]] = (X, Param("alpha", Kind.FLOAT, 1.0, "how far it falls below zero"))
    work: ClassVar[int] = 15
    alpha: float = 1.0

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("alpha")), (args.tensor("x"),)

    def of(self, x: Array) -> Array:
        alpha = np.asarray(self.alpha, x.dtype)
        return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0) / alpha), x)


@dataclass(frozen=True, slots=True)
class Softplus(Unary):
    """log(1 + exp(x))."""

    name: ClassVar[str] = "softplus"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return log1p_exp(x)


@dataclass(frozen=True, slots=True)
class Mish(Unary):
    """x * tanh(log(1 + exp(x)))."""

    name: ClassVar[str] = "mish"
    work: ClassVar[int] = 18

    def of(self, x: Array) -> Array:
        return np.asarray(x * np.tanh(log1p_exp(x)), x.dtype)
