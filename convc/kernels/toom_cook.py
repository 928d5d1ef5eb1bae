"""Short convolutions with few multiplications: the matrices of Winograd's F(m, r), and straight-line code for them.

For m outputs of a filter with r taps, and t = m + r - 1 inputs d, filter g:

    y = A [(G g) * (B d)]        y[i] = sum over k of g[k] d[i + k]

The construction is Toom and Cook's: B d is evaluated so that the t products are the values, at t - 1 points and at
infinity, of a polynomial whose interpolation is the result (Lavin and Gray, "Fast algorithms for convolutional neural
networks", 2016; the points decide the rounding error: Alam et al., "Winograd convolution for deep neural networks:
efficient point selection", 2022). For points p and the polynomials M(x) = prod (x - p_l), M_j = M / (x - p_j):

    A[i, j] = p_j^i           B[j] = coefficients of M_j        G[j, k] = p_j^k / M_j(p_j)
    A[m - 1, t - 1] = 1       B[t - 1] = coefficients of M      G[t - 1, r - 1] = 1

Points come as pairs +p, -p and, where t is even, 0. The rows of B for a pair differ in the sign of every other
coefficient, and so do the columns of A, so that the two share their sums.

A kernel of stride s is the sum of s kernels of stride 1, its phases, each over every s-th input and with every s-th
tap: of three taps at stride 2 phase 0 has taps 0 and 2, phase 1 has tap 1. All share the points and so one A; a phase
with fewer taps than the longest has no product at infinity, where only the last tap counts, and reads one input less.
A long kernel of stride 1 is cut into phases of taps that follow one another: seven taps as four and three take 8 + 7
products for 5 outputs, where F(2, 7) takes 8 for 2 and rounds more; fifteen as 4, 4, 4 and 3 take 31, not 75.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

#: Magnitudes of the pairs of points by inputs t; infinity is always there, 0 where t is even. For t = 6 the square root
#: of two: half the error of 1 and 2. For t = 5 the best of simple fractions.
PAIRS: Final[Mapping[int, tuple[Fraction, ...]]] = MappingProxyType(
    {
        4: (Fraction(1),),
        5: (Fraction(2, 5), Fraction(5, 4)),
        6: (_ROOT, 1 / _ROOT),
        8: (Fraction(1, 2), Fraction(1), Fraction(2)),
    }
)


@dataclass(frozen=True, slots=True)
class Sum:
    """`name = sum of coefficient * operand`; coefficients of 1 come first, so that the rest are multiply-adds."""

    name: str
    terms: tuple[tuple[float, str], ...]


def additions(sums: Sequence[Sum]) -> int:
    """How many the statements make, a multiply-add counted as one."""
    return sum(len(item.terms) - 1 for item in sums)


@dataclass(frozen=True, slots=True)
class Group:
    """Results of a transform that share sums: their numbers, what they read, and the statements for them."""

    results: tuple[int, ...]
    inputs: tuple[int, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True)
class Scheme:
    """F(outputs, taps) along one axis, for a kernel of `kernel` taps in phases of at most `taps`.

    With a stride every stride-th tap is a phase. Without, the kernel is cut into the fewest phases for whose inputs
    there are points. F(1, 1) is no transform at all, for an axis with a kernel no longer than its stride.
    """

    outputs: int
    kernel: int
    stride: int = 1

    @property
    def taps(self) -> int:
        """Of the longest phases."""
        return -(-self.kernel // max(self.stride, self.phases))

    @property
    def phases(self) -> int:
        if self.stride == 1:
            parts = range(1, self.kernel + 1)
            return next(n for n in parts if self.outputs - (-self.kernel // n) - 1 in (1, *PAIRS))
        return min(self.kernel, self.stride)

    @property
    def long_phases(self) -> int:
        """How many phases have all `taps`: the first ones; the others have one less."""
        return self.kernel - (self.taps - 1) * self.phases if self.taps > 1 else self.phases

    def first_tap(self, phase: int) -> int:
        """Number of a phase's first tap; from one of its taps to the next it is the stride."""
        return phase if self.stride > 1 else phase * self.taps - max(0, phase - self.long_phases)

    @property
    def inputs(self) -> int:
        """Inputs of a tile in a long phase, and points; a short phase has one less of both."""
        return self.outputs + self.taps - 1

    @property
    def points(self) -> tuple[Fraction, ...]:
        """The finite points, 0 first if it is one, then pairs."""
        if self.inputs == 1:
            return ()
        zero = () if self.inputs % 2 else (Fraction(0),)
        return (*zero, *(point for p in PAIRS[self.inputs] for point in (p, -p)))

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

    def weights(self, phase: int) -> npt.NDArray[np.float64]:
        """G of one phase in terms of the whole kernel, [t, kernel]."""
        found = np.zeros((self.inputs, self.kernel))
        count = self.taps - (phase >= self.long_phases)
        taps = found[:, self.first_tap(phase) :: self.stride][:, :count]
        taps[:] = np.array(self.weight_matrix, np.float64)[:, :count]
        return found

    @cached_property
    def growth(self) -> float:
        """How much coarser than the direct sum it rounds, on average: of errors that do not know of one another.

        An error of relative size e in each product becomes e * |A[i]| * |G[j]| * |B[j]| in output i, directly e times
        the root of the kernel's taps. It is 1 for F(1, 1); of two axes the product of both counts.
        """
        a, b = (np.array(m, np.float64) for m in (self.output_matrix, self.input_matrix))
        g = np.array([self.weights(phase) for phase in range(self.phases)])
        spread = (a**2) @ ((g**2).sum(axis=(0, 2)) * (b**2).sum(axis=1))
        return float(np.sqrt(spread.mean() / self.kernel))

    @cached_property
    def input_sums(self) -> tuple[Sum, ...]:
        """Statements that compute `d0 ...` (B x) from `x0 ...`; the last is the one for infinity."""
        rows, operands = self.input_matrix, [f"x{i}" for i in range(self.inputs)]
        sums = [_sum("d0", rows[0], operands)] if self._first_pair else []
        for j in range(self._first_pair, self.inputs - 1, 2):
            even, odd = _halves(rows[j], rows[j + 1])
            sums += [_sum(f"e{j}", even, operands), _sum(f"o{j}", odd, operands)]
            sums += _plus_and_minus(f"d{j}", f"d{j + 1}", f"e{j}", f"o{j}")
        return (*sums, _sum(f"d{self.inputs - 1}", rows[-1], operands))

    @cached_property
    def input_groups(self) -> tuple[Group, ...]:
        """`input_sums` by what may be computed apart: 0, each pair, and infinity, which comes last."""
        pairs = [(j, j + 1) for j in range(self._first_pair, self.inputs - 1, 2)]
        found = []
        for points in ([(0,)] if self._first_pair else []) + pairs + [(self.inputs - 1,)]:
            names = {f"{kind}{points[0]}" for kind in "eo"} | {f"d{point}" for point in points}
            sums = tuple(item for item in self.input_sums if item.name in names)
            read = sorted({int(name[1:]) for item in sums for _, name in item.terms if name[0] == "x"})
            found.append(Group(points, tuple(read), sums))
        return tuple(found)

    @cached_property
    def output_sums(self) -> tuple[Sum, ...]:
        """Statements that compute `y0 ...` (A x) from `x0 ...`."""
        sums: list[Sum] = []
        operands = ["x0"][: self._first_pair]
        columns = [tuple(row[0] for row in self.output_matrix)][: self._first_pair]
        for j in range(self._first_pair, self.inputs - 1, 2):
            plus, minus = (tuple(row[k] for row in self.output_matrix) for k in (j, j + 1))
            sums += _plus_and_minus(f"s{j}", f"q{j}", f"x{j}", f"x{j + 1}")
            operands += [f"s{j}", f"q{j}"]
            columns += _halves(plus, minus)
        operands.append(f"x{self.inputs - 1}")
        columns.append(tuple(row[-1] for row in self.output_matrix))
        results = [_sum(f"y{i}", tuple(column[i] for column in columns), operands) for i in range(self.outputs)]
        return (*sums, *results)

    @property
    def _first_pair(self) -> int:
        """Number of the point with which the pairs begin."""
        return 1 - self.inputs % 2

    @cached_property
    def output_groups(self) -> tuple[Group, ...]:
        """`output_sums` by what may be computed apart: even outputs from sums of pairs, odd ones from differences."""
        found = []
        for kind, results in (("s", range(0, self.outputs, 2)), ("q", range(1, self.outputs, 2))):
            names = {f"y{i}" for i in results}
            sums = tuple(item for item in self.output_sums if item.name in names or item.name[0] == kind)
            read = sorted({int(name[1:]) for item in sums for _, name in item.terms if name[0] == "x"})
            found.append(Group(tuple(results), tuple(read), sums))
        return tuple(group for group in found if group.results)

    def __str__(self) -> str:
        return f"F({self.outputs}, {self.taps})" + (f" in {self.phases} phases" if self.phases > 1 else "")


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
