"""Graphs compiled and held against the interpreter; what differs is shrunk to a few nodes.

The bound of a result is computed from its data: the difference between the interpreter in float64 and in float32, which
rounds where the library does, times a factor for another order of summation, and never below a few units in the last
place of its largest element.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from convc import interpreter
from convc.driver import build_library, make_options, translate
from convc.ir.graph import Graph, Output
from convc.native.kernel import Kernel
from convc.network import Network
from convc.options import Options
from convc.passes.base import Report
from convc.passes.remove_dead import RemoveDead
from convc.passes.rewrite import substitute
from convc.weights.store import Weights

#: How much more than NumPy's float32 a library may round.
FACTOR = 64.0
UNITS = 64 * float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Setting:
    """How a graph is compiled."""

    target: str = "native"
    level: int = 2
    threads: int = 1
    without: tuple[str, ...] = ()

    @property
    def options(self) -> Options:
        return make_options(self.target, self.threads, self.level, without=self.without)


def inputs_of(graph: Graph) -> dict[str, npt.NDArray[np.float32]]:
    generator = np.random.default_rng(len(graph.nodes))
    return {value.name: generator.standard_normal(value.type.shape, np.float32) for value in graph.inputs}


def differences(graph: Graph, setting: Setting) -> list[str]:
    """What the library of `graph` gets wrong, a line for each output."""
    weights, inputs = Weights.random(graph), inputs_of(graph)
    options = setting.options
    library = build_library(Network(graph, weights), translate(graph, options), options)
    got = Kernel(library, options.threads)(*inputs.values())
    results = got if isinstance(got, tuple) else (got,)
    expected = interpreter.run(graph, inputs, weights)
    rounded = interpreter.run(graph, inputs, weights, np.float32)
    found = []
    for (name, exact), array in zip(expected.items(), results, strict=True):
        bound = FACTOR * float(np.abs(rounded[name] - exact).max(initial=0.0))
        bound = max(bound, UNITS * float(np.abs(exact).max(initial=0.0)))
        error = float(np.abs(array - exact).max(initial=0.0))
        if not error <= bound:
            found.append(f"{name}: wrong by {error:.3g}, the bound is {bound:.3g}")
    return found


def shrink(graph: Graph, fails: Callable[[Graph], bool]) -> Graph:
    """A graph as small as leaving out outputs and nodes one at a time makes it, that still fails.

    A node is left out by putting an operand of the same shape in its result's place, or by making its result an input.
    """
    smaller: Graph | None = graph
    while smaller is not None:
        graph = smaller
        smaller = next((candidate for candidate in _smaller(graph) if fails(candidate)), None)
    return graph


def _smaller(graph: Graph) -> list[Graph]:
    found = [replace(graph, outputs=(output,)) for output in graph.outputs if len(graph.outputs) > 1]
    for node in reversed(graph.nodes):
        if len(node.outputs) > 1:
            continue
        if len(graph.outputs) == 1 and node.name in graph.output_names:  # end earlier
            ends = (value for value in node.inputs if value.name not in graph.constants)
            found += [replace(graph, outputs=(Output(graph.outputs[0].name, value),)) for value in ends]
        found += [
            _without(graph, node.name, {node.name: value}) for value in node.inputs
            if value.type.same_logical(node.output.type) and value.name not in graph.constants
        ]  # fmt: skip
        if node.name not in graph.constants:
            found.append(_without(replace(graph, inputs=(*graph.inputs, node.output)), node.name, {}))
    cleaned = [RemoveDead().run(candidate, Report("shrink")) for candidate in found]
    needed = [_without_idle_inputs(candidate) for candidate in cleaned]
    return [candidate for candidate in needed if candidate.nodes and len(candidate.nodes) < len(graph.nodes)]


def _without(graph: Graph, name: str, values: dict[str, object]) -> Graph:
    nodes = tuple(substitute(node, values) for node in graph.nodes if node.name != name)  # type: ignore[arg-type]
    outputs = tuple(Output(o.name, values.get(o.value.name, o.value)) for o in graph.outputs)  # type: ignore[arg-type]
    return replace(graph, nodes=nodes, outputs=outputs)


def _without_idle_inputs(graph: Graph) -> Graph:
    read = {value.name for node in graph.nodes for value in node.inputs} | graph.output_names
    return replace(graph, inputs=tuple(value for value in graph.inputs if value.name in read))
