"""Random networks compiled in every way and held against the interpreter.

A network goes through the passes once for each `Way`: at the three levels, and with each pass left out. What comes out
is joined into one graph, all ways of all networks of a lot side by side, and compiled as one library, in which ways and
networks share the kernels they have in common: a build takes seconds, and there would be hundreds. The bound of every
result is worked out from its own data (`convc.trust.bound`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convc.driver import generate, make_library
from convc.ir.graph import Graph, Node, Output, Value, walk
from convc.native.kernel import Kernel
from convc.native.target import native
from convc.network import Network
from convc.options import Options
from convc.passes.base import Stage, Stages
from convc.passes.pipeline import all_passes, run_pipeline
from convc.passes.rewrite import substitute
from convc.trust.bound import SINGLE, output_key
from convc.trust.kernels import run_library
from convc.trust.passes import Reference, inputs_for
from convc.weights.store import Weights


@dataclass(frozen=True)
class Way:
    """How a network's passes run."""

    level: int = 2
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"O{self.level}" + "".join(f" without {name}" for name in self.without)


def ways() -> tuple[Way, ...]:
    """Each level, and the highest with each pass left out."""
    return (*map(Way, (0, 1, 2)), *(Way(2, (item.name,)) for item in all_passes(native())))


@dataclass(frozen=True)
class Wrong:
    """A result that is wrong: of which network of the lot, in which way, and by how much."""

    number: int
    way: Way
    text: str


def wrong_results(graphs: Sequence[Graph], options: Options) -> list[Wrong]:
    """What the libraries of these networks get wrong, in any way to compile them."""
    tagged = [_tagged(graph, f"n{number}_") for number, graph in enumerate(graphs)]
    references = [_reference(graph) for graph in tagged]
    left = [(number, reference) for number, reference in enumerate(references) if reference]
    variants = [(number, way, _variant(reference.graph, way, options)) for number, reference in left for way in ways()]
    if not variants:
        return []
    joined = _joined([_tagged(graph, f"w{i}_", fixed=True) for i, (_, _, graph) in enumerate(variants)])
    weights = Weights.random(joined)
    compiled = generate(Stages((Stage("source", joined, 0.0),)), options)
    kernel = Kernel(make_library(Network(joined, weights), compiled, options), options.threads)
    given = {name: array for _, reference in left for name, array in reference.inputs.items()}
    results = run_library(kernel, given)
    found = []
    for i, (number, way, graph) in enumerate(variants):
        reference = references[number]
        assert reference is not None
        values = {output_key(output.name): results[f"w{i}_{output.name}"] for output in graph.outputs}
        for name, difference in reference.compare_outputs(values).items():
            if not difference.agrees:
                found.append(Wrong(number, way, f"{way}: {name}: {difference}"))
    return found


def _reference(graph: Graph) -> Reference | None:
    """The network in the interpreter; None where its values run out of float32's range, and it says nothing."""
    reference = Reference.of(graph, inputs_for(graph), Weights.random(graph), SINGLE)
    largest = max(np.abs(array).max(initial=0.0) for array in reference.values.values())
    return reference if largest < 1e30 else None


def _variant(graph: Graph, way: Way, options: Options) -> Graph:
    return run_pipeline(graph, replace(options, level=way.level, without=way.without)).graph


def _tagged(graph: Graph, tag: str, fixed: bool = False) -> Graph:
    """The graph with `tag` before every name; where `fixed`, inputs and parameters keep theirs."""
    values = [value for node in walk(graph.nodes) for value in node.outputs]
    if not fixed:
        values += [*graph.inputs, *graph.parameters]
    renamed = {value.name: Value(f"{tag}{value.name}", value.type) for value in values}

    def of(some: Iterable[Value]) -> tuple[Value, ...]:
        return tuple(renamed.get(value.name, value) for value in some)

    nodes: tuple[Node, ...] = tuple(substitute(node, renamed) for node in graph.nodes)
    outputs = tuple(Output(f"{tag}{o.name}", renamed.get(o.value.name, o.value)) for o in graph.outputs)
    return Graph(graph.name, of(graph.inputs), of(graph.parameters), nodes, outputs)


def _joined(graphs: Sequence[Graph]) -> Graph:
    """One network that computes all of these, over their common inputs and parameters."""
    inputs = tuple(dict.fromkeys(value for graph in graphs for value in graph.inputs))
    parameters = tuple(dict.fromkeys(value for graph in graphs for value in graph.parameters))
    nodes = tuple(node for graph in graphs for node in graph.nodes)
    return Graph("lot", inputs, parameters, nodes, tuple(output for graph in graphs for output in graph.outputs))


