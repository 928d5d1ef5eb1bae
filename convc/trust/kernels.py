"""Every kernel against the interpreter: each node on the very operands that it had in the library.

The network is compiled with all values among its results, so that an error made by one node is not counted against
those after it: the interpreter computes each node from what the library gave it to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from convc.interpreter import Lookup, evaluate_constants
from convc.ir.graph import Graph, Node, Output
from convc.ir.op import Array
from convc.native.kernel import Kernel
from convc.passes.base import Stage, Stages
from convc.plan.storage import is_view
from convc.trust.bound import SINGLE, Difference
from convc.trust.passes import Reference, worst

#: Compiles the last of the stages.
Library = Callable[[Stages], Kernel]


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """A node's kernels against its references."""

    node: Node
    difference: Difference


def run_library(kernel: Kernel, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Results of a library by the names of its outputs."""
    results = kernel(*(np.asarray(inputs[port.name], np.float32) for port in kernel.inputs))
    arrays = results if isinstance(results, tuple) else (results,)
    return {port.name: np.asarray(array, np.float64) for port, array in zip(kernel.outputs, arrays, strict=True)}


def check_kernels(
    graph: Graph, inputs: Mapping[str, Array], weights: Lookup, library: Library
) -> tuple[NodeVerdict, ...]:
    """A verdict for every node that has a kernel; `graph` is what the last pass left."""
    nodes = [node for node in graph.runtime_nodes() if not is_view(node.op)]
    made = [value for node in nodes for value in node.outputs]
    kept = replace(graph, outputs=tuple(Output(value.name, value) for value in made))
    known = {**inputs, **run_library(library(Stages((Stage("source", kept, 0.0),))), inputs)}
    for node in graph.runtime_nodes():  # what only renames bytes
        if is_view(node.op):
            known.update(_reference(graph, node, known, weights))
    return tuple(NodeVerdict(node, _check(graph, node, known, weights)) for node in nodes)


def _check(graph: Graph, node: Node, known: Mapping[str, Array], weights: Lookup) -> Difference:
    alone, operands = _alone(graph, node, known, weights)
    reference = Reference.of(alone, operands, {}, SINGLE)
    found = {value.name: reference.compare(value.name, known[value.name]) for value in node.outputs}
    return found[worst(found)]


def _reference(graph: Graph, node: Node, known: Mapping[str, Array], weights: Lookup) -> Iterable[tuple[str, Array]]:
    _, operands = _alone(graph, node, known, weights)
    results = node.op.reference(*(operands[value.name] for value in node.inputs))
    return zip((value.name for value in node.outputs), results, strict=True)


def _alone(graph: Graph, node: Node, known: Mapping[str, Array], weights: Lookup) -> tuple[Graph, dict[str, Array]]:
    """The node as a network of its own, and what it read."""
    constants = [value.name for value in node.inputs if value.name in graph.constants]
    operands = evaluate_constants(graph, constants, weights)
    operands |= {value.name: known[value.name] for value in node.inputs if value.name not in operands}
    inputs = tuple(dict.fromkeys(node.inputs))
    outputs = tuple(Output(value.name, value) for value in node.outputs)
    return Graph(graph.name, inputs, (), (node,), outputs), operands
