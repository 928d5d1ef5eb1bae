"""Short convolutions with few multiplications: the matrices of Winograd's F(m, r), and straight-line code for them.

For m outputs of a filter with r taps, and t = m + r - 1 inputs d, filter g:

    y = A [(G g) * (B d)]        y[i] = sum over k of g[k] d[i + k]

The construction is Toom and Cook's: B d is evaluated so that the t products are the values, at t - 1 points and at
infinity, of a polynomial whose interpolation is the result (Lavin and Gray, "Fast algorithms for convolutional neural
networks", 2016; the points decide the rounding error: Alam et al., "Winograd convolution for deep neural networks:
efficient point selection", 2022). For points p and the polynomials M(x) = prod (x - p_l), M_j = M / (x - p_j):

    A[i, j] = p_j^i           B[j] = coefficients of M_j        G[j, k] = p_j^k / M_j(p_j)
    A[m - 1, t - 1] = 1       B[t - 1] = coefficients of M      G[t - 1, r - 1] = 1

Points come as 0 and pairs +p, -p. The rows of B for a pair differ in the sign of every other coefficient, and so do the
columns of A, so that the two share their sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import sqrt
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = tuple[tuple[Fraction, ...], ...]

_ROOT: Final = Fraction(sqrt(0.5))

#: Magnitudes of the pairs of points by inputs t; the point 0 and infinity are always there. For t = 6 the square root
#: of two: half the error of 1 and 2.
PAIRS: Final[Mapping[int, tuple[Fraction, ...]]] = MappingProxyType(
    {
        4: (Fraction(1),),
        6: (_ROOT, 1 / _ROOT),
        8: (Fraction(1, 2), Fraction(1), Fraction(2)),
    }
)


@dataclass(frozen=True, slots=True)
class Sum:
    """`name = sum of coefficient * operand`; coefficients of 1 come first, so that the rest are multiply-adds."""

    name: str
    terms: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Scheme:
    """F(outputs, taps) along one axis. F(1, 1) is no transform at all, for an axis with a kernel of one."""

    outputs: int
    taps: int

    @property
    def inputs(self) -> int:
        return self.outputs + self.taps - 1

    @property
    def points(self) -> tuple[Fraction, ...]:
        """The finite points, 0 first, then pairs."""
        if self.inputs == 1:
            return ()
        return (Fraction(0), *(point for p in PAIRS[self.inputs] for point in (p, -p)))

    @cached_property
    def input_matrix(self) -> Matrix:
        """B, [t, t]."""
        rows = [_product(self.points[:j] + self.points[j + 1 :]) for j in range(len(self.points))]
        padded = [(*row, *[Fraction(0)] * (self.inputs - len(row))) for row in rows]
        return (*padded, _product(self.points))

    @cached_property
    def weight_matrix(self) -> Matrix:
        """G, [t, r]."""
        rows = []
        for j, p in enumerate(self.points):
            scale = Fraction(1)
            for other in self.points[:j] + self.points[j + 1 :]:
                scale *= p - other
            rows.append(tuple(p**k / scale for k in range(self.taps)))
        return (*rows, _unit(self.taps))

    @cached_property
    def output_matrix(self) -> Matrix:
        """A, [m, t]."""
        last = _unit(self.outputs)
        return tuple((*(p**i for p in self.points), last[i]) for i in range(self.outputs))

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        return np.array(self.weight_matrix, np.float64)

    @cached_property
    def growth(self) -> float:
        """How much coarser than the direct sum it rounds, on average: of errors that do not know of one another.

        An error of relative size e in each product becomes e * |A[i]| * |G[j]| * |B[j]| in output i, directly e times
        the root of r. It is 1 for F(1, 1); of two axes the product of both counts.
        """
        a, g, b = (np.array(m, np.float64) for m in (self.output_matrix, self.weight_matrix, self.input_matrix))
        spread = (a**2) @ ((g**2).sum(axis=1) * (b**2).sum(axis=1))
        return float(np.sqrt(spread.mean() / self.taps))

    @cached_property
    def input_sums(self) -> tuple[Sum, ...]:
        """Statements that compute `d0 ...` (B x) from `x0 ...`."""
        rows, operands = self.input_matrix, [f"x{i}" for i in range(self.inputs)]
        sums = [_sum("d0", rows[0], operands)]
        for j in range(1, self.inputs - 1, 2):
            even, odd = _halves(rows[j], rows[j + 1])
            sums += [_sum(f"e{j}", even, operands), _sum(f"o{j}", odd, operands)]
            sums += _plus_and_minus(f"d{j}", f"d{j + 1}", f"e{j}", f"o{j}")
        if self.inputs > 1:
            sums.append(_sum(f"d{self.inputs - 1}", rows[-1], operands))
        return tuple(sums)

    @cached_property
    def output_sums(self) -> tuple[Sum, ...]:
        """Statements that compute `y0 ...` (A x) from `x0 ...`."""
        sums: list[Sum] = []
        operands, columns = ["x0"], [tuple(row[0] for row in self.output_matrix)]
        for j in range(1, self.inputs - 1, 2):
            plus, minus = (tuple(row[k] for row in self.output_matrix) for k in (j, j + 1))
            sums += _plus_and_minus(f"s{j}", f"q{j}", f"x{j}", f"x{j + 1}")
            operands += [f"s{j}", f"q{j}"]
            columns += _halves(plus, minus)
        if self.inputs > 1:
            operands.append(f"x{self.inputs - 1}")
            columns.append(tuple(row[-1] for row in self.output_matrix))
        results = [_sum(f"y{i}", tuple(column[i] for column in columns), operands) for i in range(self.outputs)]
        return (*sums, *results)

    def __str__(self) -> str:
        return f"F({self.outputs}, {self.taps})"


def _product(points: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """Coefficients of prod (x - p), lowest power first."""
    found = [Fraction(1)]
    for p in points:
        raised, scaled = [Fraction(0), *found], [*found, Fraction(0)]
        found = [a - p * b for a, b in zip(raised, scaled, strict=True)]
    return tuple(found)


def _unit(length: int) -> tuple[Fraction, ...]:
    return (*[Fraction(0)] * (length - 1), Fraction(1))


def _halves(
    plus: tuple[Fraction, ...], minus: tuple[Fraction, ...]
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """What two rows share, and that in which they are opposite."""
    pairs = list(zip(plus, minus, strict=True))
    return tuple((a + b) / 2 for a, b in pairs), tuple((a - b) / 2 for a, b in pairs)


def _plus_and_minus(plus: str, minus: str, a: str, b: str) -> tuple[Sum, Sum]:
    return Sum(plus, ((1.0, a), (1.0, b))), Sum(minus, ((1.0, a), (-1.0, b)))


def _sum(name: str, coefficients: tuple[Fraction, ...], operands: list[str]) -> Sum:
    terms = [(float(c), operand) for c, operand in zip(coefficients, operands, strict=True) if c != 0]
    return Sum(name, tuple(sorted(terms, key=lambda term: (abs(term[0]) != 1.0, term[0] != 1.0))))
