"""A network: a checked graph and the weights bound to it."""

from __future__ import annotations

from dataclasses import dataclass

from convc.ir.graph import Graph
from convc.weights.store import Weights


@dataclass(frozen=True)
class Network:
    """What `convc.load` returns and `convc.compile` takes."""

    graph: Graph
    weights: Weights
