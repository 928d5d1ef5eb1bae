"""Functions of one element that are no activations. NaN stays NaN; outside its domain a function is NaN.

    abs · neg -x · sign · reciprocal 1 / x · sqrt · floor · ceil · round (halves to even) · exp · log · erf
    sin · cos · tan · asin · acos · atan · sinh · cosh · tanh is an activation · asinh · acosh · atanh
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convc.ir.op import Array
from convc.ops.common import Unary


def error_function(x: Array) -> Array:
    """erf, which NumPy lacks, from the C library."""
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(x), x.dtype)


@dataclass(frozen=True, slots=True)
class Abs(Unary):
    """|x|."""

    name: ClassVar[str] = "abs"

    def of(self, x: Array) -> Array:
        return np.abs(x)


@dataclass(frozen=True, slots=True)
class Neg(Unary):
    """-x."""

    name: ClassVar[str] = "neg"

    def of(self, x: Array) -> Array:
        return -x


@dataclass(frozen=True, slots=True)
class Sign(Unary):
    """-1, 0 or 1; NaN stays NaN."""

    name: ClassVar[str] = "sign"
    work: ClassVar[int] = 2

    def of(self, x: Array) -> Array:
        return np.sign(x)


@dataclass(frozen=True, slots=True)
class Reciprocal(Unary):
    """1 / x."""

    name: ClassVar[str] = "reciprocal"

    def of(self, x: Array) -> Array:
        return 1 / x


@dataclass(frozen=True, slots=True)
class Sqrt(Unary):
    """Square root; NaN below zero."""

    name: ClassVar[str] = "sqrt"

    def of(self, x: Array) -> Array:
        return np.sqrt(x)


@dataclass(frozen=True, slots=True)
class Floor(Unary):
    """The largest whole number that is not above x."""

    name: ClassVar[str] = "floor"

    def of(self, x: Array) -> Array:
        return np.floor(x)


@dataclass(frozen=True, slots=True)
class Ceil(Unary):
    """The smallest whole number that is not below x."""

    name: ClassVar[str] = "ceil"

    def of(self, x: Array) -> Array:
        return np.ceil(x)


@dataclass(frozen=True, slots=True)
class Round(Unary):
    """The nearest whole number; halves go to the even one."""

    name: ClassVar[str] = "round"

    def of(self, x: Array) -> Array:
        return np.rint(x)


@dataclass(frozen=True, slots=True)
class Exp(Unary):
    """e^x."""

    name: ClassVar[str] = "exp"
    work: ClassVar[int] = 12

    def of(self, x: Array) -> Array:
        return np.exp(x)


@dataclass(frozen=True, slots=True)
class Log(Unary):
    """Natural logarithm; -inf at zero, NaN below."""

    name: ClassVar[str] = "log"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return np.log(x)


@dataclass(frozen=True, slots=True)
class Erf(Unary):
    """2 / sqrt(pi) times the integral of exp(-t^2) for t from 0 to x."""

    name: ClassVar[str] = "erf"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return error_function(x)


@dataclass(frozen=True, slots=True)
class Sin(Unary):
    """Sine of x in radians."""

    name: ClassVar[str] = "sin"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return np.sin(x)


@dataclass(frozen=True, slots=True)
class Cos(Unary):
    """Cosine of x in radians."""

    name: ClassVar[str] = "cos"
    work: ClassVar[int] = 16

    def of(self, x: Array) -> Array:
        return np.cos(x)


@dataclass(frozen=True, slots=True)
class Tan(Unary):
    """Tangent of x in radians."""

    name: ClassVar[str] = "tan"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.tan(x)


@dataclass(frozen=True, slots=True)
class Asin(Unary):
    """Inverse sine, for x from -1 to 1."""

    name: ClassVar[str] = "asin"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.arcsin(x)


@dataclass(frozen=True, slots=True)
class Acos(Unary):
    """Inverse cosine, for x from -1 to 1."""

    name: ClassVar[str] = "acos"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.arccos(x)


@dataclass(frozen=True, slots=True)
class Atan(Unary):
    """Inverse tangent."""

    name: ClassVar[str] = "atan"
    work: ClassVar[int] = 20

    def of(self, x: Array) -> Array:
        return np.arctan(x)


@dataclass(frozen=True, slots=True)
class Sinh(Unary):
    """(e^x - e^-x) / 2."""

    name: ClassVar[str] = "sinh"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.sinh(x)


@dataclass(frozen=True, slots=True)
class Cosh(Unary):
    """(e^x + e^-x) / 2."""

    name: ClassVar[str] = "cosh"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.cosh(x)


@dataclass(frozen=True, slots=True)
class Asinh(Unary):
    """Inverse of sinh."""

    name: ClassVar[str] = "asinh"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.arcsinh(x)


@dataclass(frozen=True, slots=True)
class Acosh(Unary):
    """Inverse of cosh, for x from 1."""

    name: ClassVar[str] = "acosh"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.arccosh(x)


@dataclass(frozen=True, slots=True)
class Atanh(Unary):
    """Inverse of tanh, for x from -1 to 1."""

    name: ClassVar[str] = "atanh"
    work: ClassVar[int] = 24

    def of(self, x: Array) -> Array:
        return np.arctanh(x)
