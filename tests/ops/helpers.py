"""One op called in the language, run by the interpreter: what the op tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from convc import interpreter
from convc.diagnostics import CompileError, Diagnostic
from convc.frontend import parse_graph
from convc.ir import Cost, Graph, Node
from convc.weights import Weights

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Called:
    """A network of one op, its results, and the weights it was given."""

    graph: Graph
    ys: tuple[Array, ...]
    weights: dict[str, Array]

    @property
    def y(self) -> Array:
        (y,) = self.ys
        return y

    @property
    def node(self) -> Node:
        return self.graph.nodes[-1]

    @property
    def cost(self) -> Cost:
        return self.node.op.cost([v.type for v in self.node.inputs], [v.type for v in self.node.outputs])

    def weight(self, name: str) -> Array:
        (found,) = (array for full, array in self.weights.items() if full.split(".")[-1] == name)
        return found


def graph_of(text: str, **shapes: tuple[int, ...]) -> Graph:
    """The graph of an expression over inputs of these shapes; `text` may also be statements that end in `return`."""
    inputs = ", ".join(f"{name}: f32[{', '.join(map(str, shape))}]" for name, shape in shapes.items())
    body = text if "return" in text else f"return {text}"
    return parse_graph(f"network n({inputs}) {{ {body} }}")


def call(text: str, dtype: npt.DTypeLike = np.float64, **inputs: Array) -> Called:
    """Evaluate an expression over these arrays, with seeded random weights."""
    graph = graph_of(text, **{name: array.shape for name, array in inputs.items()})
    weights = Weights.random(graph)
    ys = tuple(interpreter.run(graph, inputs, weights, dtype).values())
    return Called(graph, ys, {value.name: weights[value.name].astype(np.float64) for value in graph.parameters})


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def refused(text: str, **shapes: tuple[int, ...]) -> Diagnostic:
    """The only message about an expression that cannot be."""
    with pytest.raises(CompileError) as caught:
        graph_of(text, **shapes)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def told(diagnostic: Diagnostic) -> str:
    """All that a message says, in one string."""
    label = diagnostic.label.text if diagnostic.label else ""
    return "\n".join((diagnostic.title, label, *diagnostic.notes, *diagnostic.helps))
