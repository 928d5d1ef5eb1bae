"""How far two ways to compute a network may differ: a bound worked out from the data.

One operation on numbers of unit roundoff u (2^-53 in float64, 2^-24 in float32) is wrong by a factor of at most 1 + u,
a sum of k products, in whatever order, by at most gamma_k = k u / (1 - k u) times the sum of absolute products (Higham,
"Accuracy and stability of numerical algorithms", 2002, section 3.1). Such bounds, carried through a deep network with
absolute values, grow by the square root of k or more with every layer and soon allow anything. So the errors are
carried by the network itself, as in Monte Carlo arithmetic (Parker, UCLA CSD-970002, 1997):

    the network runs in float64 with every operand and every result of every node multiplied by 1 + gamma_k or
    1 - gamma_k, at random, k being the terms of one element of the node's result, plus a few for functions;
    the bound of a value is FACTOR times the largest change that SAMPLES such runs see in any element of it.

Random signs of that size disturb a sum by gamma_k times the root of the sum of squares of its products. That is no less
than sqrt(k) u times the sum of absolute products, which rounding does not pass but for a chance that vanishes (Higham
and Mary, "A new approach to probabilistic rounding error analysis", 2019). So it is a bound in probability, no proof.
Values that follow the data in steps (floor, less, ...) may jump in the run that is checked and in no disturbed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from convc import interpreter
from convc.interpreter import Lookup
from convc.ir.graph import Graph, Node
from convc.ir.op import Array, Fused
from convc.ir.types import ceil_div
from convc.ops.reduce import Reduce
from convc.ops.softmax import AlongAxis
from convc.ops.statistics import LayerNorm, LpNorm, StatisticsNorm

#: Unit roundoffs: of the interpreter, and of the library.
DOUBLE: Final = 2.0**-53
SINGLE: Final = 2.0**-24

SAMPLES: Final = 2
FACTOR: Final = 4.0

#: Roundings of a function of one element beyond those of a sum: its polynomial, its reduced argument.
_FUNCTION: Final = 4

#: Ops whose elements each depend on sums over many, whatever their count of operations says.
_SUMMING: Final = (Reduce, StatisticsNorm, LayerNorm, LpNorm, AlongAxis)

Values = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an array is from what it should be at its worst place, and how far it may be."""

    error: float
    bound: float
    at: tuple[int, ...]
    got: float
    expected: float
    wrong: int
    elements: int

    @property
    def agrees(self) -> bool:
        return self.wrong == 0

    def record(self) -> dict[str, object]:
        """The difference in JSON's types."""
        return {
            "agrees": self.agrees, "error": self.error, "bound": self.bound, "at": list(self.at), "got": self.got,
            "expected": self.expected, "wrong": self.wrong, "elements": self.elements,
        }  # fmt: skip

    def __str__(self) -> str:
        return (
            f"{self.wrong} of {self.elements} elements wrong, worst at {list(self.at)}: {self.got:.6g} for "
            f"{self.expected:.6g}; the bound is {self.bound:.3g}"
        )


def expanded(graph: Graph) -> Graph:
    """The graph with what is inside its fused regions in their place."""
    return graph.with_nodes(_members(graph.nodes))


def _members(nodes: Sequence[Node]) -> list[Node]:
    return [part for node in nodes for part in (_members(node.op.nodes) if isinstance(node.op, Fused) else [node])]


def values_of(graph: Graph, inputs: Mapping[str, Array], weights: Lookup) -> Values:
    """Every value that the nodes of `graph` make, in float64, those inside regions too."""
    return _run(graph, inputs, weights, 0.0, 0)


def disturbed(graph: Graph, inputs: Mapping[str, Array], weights: Lookup, unit: float) -> tuple[Values, ...]:
    """The same with roundings of `unit`: SAMPLES runs."""
    return tuple(_run(graph, inputs, weights, unit, seed) for seed in range(1, SAMPLES + 1))


def _run(graph: Graph, inputs: Mapping[str, Array], weights: Lookup, unit: float, seed: int) -> Values:
    found: Values = {}
    generator = np.random.default_rng(seed)

    def evaluate(node: Node, operands: Sequence[Array]) -> Sequence[Array]:
        size = gamma(terms(node), unit)
        results = node.op.reference(*(_rounded(array, size, generator) for array in operands))
        results = tuple(_rounded(array, size, generator) for array in results)
        found.update(zip((value.name for value in node.outputs), results, strict=True))
        return results

    results = interpreter.run(expanded(graph), inputs, weights, evaluate=evaluate)
    return found | {output_key(name): array for name, array in results.items()}


def output_key(name: str) -> str:
    """Where the values of a run have the output of that name; a value may be called the same."""
    return f"-> {name}"


def _rounded(array: Array, size: float, generator: np.random.Generator) -> Array:
    if not size:
        return array
    return array * (1 + size * (2 * generator.integers(0, 2, array.shape, np.int8) - 1))


def gamma(k: int, unit: float) -> float:
    return k * unit / (1 - k * unit)


def terms(node: Node) -> int:
    """Roundings that one element of the node's results goes through; none where elements only move."""
    inputs, outputs = [value.type for value in node.inputs], [value.type for value in node.outputs]
    flops = node.op.cost(inputs, outputs).flops
    if not flops and not isinstance(node.op, _SUMMING):
        return 0
    elements = max(1, sum(type.elements for type in outputs))
    summed = inputs[0].elements // max(1, inputs[0].shape[0]) if isinstance(node.op, _SUMMING) and inputs[0].rank else 0
    return max(ceil_div(flops, elements), summed) + _FUNCTION


def compare(got: Array, expected: Array, samples: Sequence[Array], unit: float) -> Difference:
    """`got` against `expected`, bounded by what the samples differ from it."""
    with np.errstate(all="ignore"):
        spread = max((_distance(sample, expected).max(initial=0.0) for sample in samples), default=0.0)
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        bound = float(max(FACTOR * spread, 4 * unit * largest))
        error = _distance(got, expected)
    wrong = ~(error <= bound)
    worst = np.nan_to_num(error, nan=np.inf)
    at = np.unravel_index(int(worst.argmax()), worst.shape) if worst.size else ()
    place = tuple(int(i) for i in at)
    first, second = (float(array[place]) if worst.size else 0.0 for array in (got, expected))
    error_there = float(worst[place]) if worst.size else 0.0
    return Difference(error_there, bound, place, first, second, int(wrong.sum()), int(error.size))


def _distance(a: Array, b: Array) -> Array:
    """|a - b|; nothing between equal infinities, or between numbers that are none."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.abs(np.asarray(a, np.float64) - b))
