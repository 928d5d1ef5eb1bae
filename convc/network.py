"""A network: a checked graph and the weights bound to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from convc.diagnostics import Source
from convc.ir.graph import Graph
from convc.ir.printer import print_graph
from convc.weights.store import Weights


@dataclass(frozen=True)
class Network:
    """What `convc.load` returns and `convc.compile` takes. `sources` are the texts it was read from, if any."""

    graph: Graph
    weights: Weights
    sources: tuple[Source, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A hash of the graph, its source positions (the C names them) and the weights."""
        return hashlib.sha256(f"{print_graph(self.graph)}\n{self.weights.digest()}".encode()).hexdigest()
