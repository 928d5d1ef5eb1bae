"""Runs a graph in NumPy, at any stage: the meaning of the IR, and the reference everything else is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError
from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Array


class Lookup(Protocol):
    """Weights by name."""

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]: ...


#: What a node's results are, from its operands.
Evaluate = Callable[[Node, Sequence[Array]], Sequence[Array]]


def by_reference(node: Node, operands: Sequence[Array]) -> Sequence[Array]:
    """The results of a node as its op's reference says."""
    return node.op.reference(*operands)


def run(
    graph: Graph, inputs: Mapping[str, Array], weights: Lookup, dtype: npt.DTypeLike = np.float64,
    evaluate: Evaluate = by_reference,
) -> dict[str, Array]:  # fmt: skip
    """The outputs of `graph` by name, computed in `dtype`; layouts have no meaning here.

    `evaluate` stands in for the reference where the values between are to be seen, or disturbed.

    Raises:
        ConvcError: An input is missing, or has another shape than the graph says.
    """
    known: dict[str, Array] = {value.name: _input(value, inputs, dtype) for value in graph.inputs}
    last_use = {value.name: i for i, node in enumerate(graph.nodes) for value in node.inputs}
    for number, node in enumerate(graph.nodes):
        _run_node(node, known, weights, dtype, evaluate)
        for value in node.inputs:
            if last_use[value.name] == number and value.name not in graph.output_names:
                known.pop(value.name, None)
    for output in graph.outputs:
        if output.value.name not in known:  # a parameter returned as it is
            known[output.value.name] = np.asarray(weights[output.value.name], dtype)
    return {output.name: known[output.value.name] for output in graph.outputs}


def evaluate_constants(
    graph: Graph, names: Iterable[str], weights: Lookup, dtype: npt.DTypeLike = np.float64
) -> dict[str, Array]:
    """Constant values by name: what depends on parameters only."""
    known: dict[str, Array] = {}

    def need(name: str) -> None:
        if name in known:
            return
        node = graph.producers.get(name)
        if node is None:
            known[name] = np.asarray(weights[name], dtype)
            return
        for value in node.inputs:
            need(value.name)
        _run_node(node, known, weights, dtype)

    wanted = list(names)
    for name in wanted:
        need(name)
    return {name: known[name] for name in wanted}


def _input(value: Value, inputs: Mapping[str, Array], dtype: npt.DTypeLike) -> Array:
    if value.name not in inputs:
        raise ConvcError(f"input `{value.name}` {value.type} is missing")
    array = np.asarray(inputs[value.name], dtype)
    if array.shape != value.type.shape:
        raise ConvcError(f"input `{value.name}` has shape {list(array.shape)}, the network takes {value.type}")
    return array


def _run_node(
    node: Node, known: dict[str, Array], weights: Lookup, dtype: npt.DTypeLike, evaluate: Evaluate = by_reference
) -> None:
    for value in node.inputs:
        if value.name not in known:
            known[value.name] = np.asarray(weights[value.name], dtype)
    with np.errstate(all="ignore"):  # NaN and infinities are results like others
        results = evaluate(node, [known[value.name] for value in node.inputs])
    for value, result in zip(node.outputs, results, strict=True):
        known[value.name] = np.asarray(result, dtype)
