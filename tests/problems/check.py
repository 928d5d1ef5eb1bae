"""Convolution problems through a library that convc builds, against the NumPy reference.

    python tests/problems/check.py 'n1 g1 ic64 oc64 ih56 iw56 kh3 kw3 ph1 pw1 bias relu' [target [level [threads]]]

runs one of them again. Two kinds of data: small integers, whose sums are exact in any order, so that every bit must
agree; and real numbers, whose result may differ from the exact one by gamma_k times the convolution of absolute values,
gamma_k = k u / (1 - k u) with k terms in a sum and u half a unit in the last place (Higham, "Accuracy and stability of
numerical algorithms", 2002, section 3.1), and not more.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph, Node
from convc.native.kernel import Kernel
from convc.native.target import native
from convc.network import Network
from convc.ops import Relu
from convc.options import Options, Target
from convc.weights.store import Weights
from problems.problem import Problem

Arrays = dict[str, np.ndarray]

_UNIT = 2.0**-24


@dataclass(frozen=True)
class Setting:
    """Where a problem is run. `wide` is a target of 16 lanes and 32 registers, whatever this machine has; taking such
    vectors apart costs a compiler that optimises fully twice the time."""

    target: str = "native"
    level: int = 2
    threads: int = 1

    def options(self) -> Options:
        if self.target == "wide":
            return Options(Target("wide", 16, 32, (*native().flags, "-O1")), self.threads, self.level, winograd=False)
        return make_options(self.target, self.threads, self.level, winograd=False)


def network_of(problems: Sequence[Problem]) -> Graph:
    """One network with an output for every problem."""
    inputs, lines = [], []
    for i, problem in enumerate(problems):
        inputs.append(f"x{i}: f32[{', '.join(map(str, problem.shape))}]")
        lines.append(f"c{i} = {problem.call(f'x{i}')}")
        after = next((word for word in problem.words if word in ("relu", "relu6", "add")), "identity")
        if after == "add":
            alone = parse_graph(f"network n({inputs[-1]}) {{ return {problem.call(f'x{i}')} }}")
            inputs.append(f"a{i}: f32[{', '.join(map(str, alone.nodes[0].output.type.shape))}]")
        lines.append(f"y{i} = add(c{i}, a{i})" if after == "add" else f"y{i} = {after}(c{i})")
    results = ", ".join(f"y{i}" for i in range(len(problems)))
    return parse_graph(f"network problems({', '.join(inputs)}) {{\n" + "\n".join(lines) + f"\nreturn {results}\n}}")


def failures(problems: Sequence[Problem], setting: Setting) -> list[str]:
    """A line for every problem that comes out wrong: what is wrong, and the command that shows it again."""
    graph = network_of(problems)
    compiled = translate(graph, setting.options())
    found = []
    for real in (False, True):
        generator = np.random.default_rng(7)
        values = {value.name: _data(generator, value.type.shape, real) for value in (*graph.inputs, *graph.parameters)}
        inputs = {value.name: values[value.name] for value in graph.inputs}
        weights = Weights.bind({value.name: values[value.name] for value in graph.parameters}, graph)
        library = build_library(Network(graph, weights), compiled, setting.options())
        kernel = Kernel(library, setting.threads)
        results = kernel(*(inputs[port.name] for port in kernel.inputs))
        results = results if isinstance(results, tuple) else (results,)
        expected = run(graph, inputs, weights)
        bounds = _bounds(graph, values, problems) if real else {}
        for i, problem in enumerate(problems):
            difference = np.abs(results[i] - expected[f"y{i}"])
            bound = bounds.get(f"c{i}", np.zeros(()))
            if not (difference <= bound).all():  # a NaN is no number's equal
                at = np.unravel_index(np.argmax(np.nan_to_num(difference - bound, nan=np.inf)), difference.shape)
                found.append(
                    f"{'real' if real else 'integer'} data, {int((~(difference <= bound)).sum())} of {difference.size} "
                    f"wrong, first at {[int(place) for place in at]}: {results[i][at]} for {expected[f'y{i}'][at]}\n"
                    f"    python tests/problems/check.py '{problem}' {setting.target} {setting.level} {setting.threads}"
                )
    return found


def _data(generator: np.random.Generator, shape: tuple[int, ...], real: bool) -> np.ndarray:
    drawn = generator.standard_normal(shape) if real else generator.integers(-3, 4, shape)
    return drawn.astype(np.float32)


def _bounds(graph: Graph, values: Arrays, problems: Sequence[Problem]) -> Arrays:
    """gamma_k times what the convolution of absolute values gives, the added operand counted."""
    absolute = {name: np.abs(array) for name, array in values.items()}
    weights = Weights.bind({value.name: absolute[value.name] for value in graph.parameters}, graph)
    largest = run(graph.with_nodes(_without_clipping(graph)), {v.name: absolute[v.name] for v in graph.inputs}, weights)
    return {
        f"c{i}": problem.terms * _UNIT / (1 - problem.terms * _UNIT) * largest[f"y{i}"]
        for i, problem in enumerate(problems)
    }


def _without_clipping(graph: Graph) -> list[Node]:
    """The nodes with `relu6` turned into `relu`, which does nothing to absolute values."""
    return [replace(node, op=Relu()) if node.op.name == "relu6" else node for node in graph.nodes]


if __name__ == "__main__":
    line, *rest = sys.argv[1:]
    defaults = ("native", "2", "1")
    target, level, threads = (*rest, *defaults[len(rest) :])
    wrong = failures([Problem.of(line)], Setting(target, int(level), int(threads)))
    print("\n".join(wrong) or "right")
    sys.exit(bool(wrong))
