"""Weights into the form the kernels read, as one blob."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from convc.interpreter import evaluate_constants
from convc.ir.graph import Graph
from convc.plan.memory import ALIGNMENT
from convc.plan.program import PackedWeight, Program
from convc.weights.store import Weights


def pack(program: Program, graph: Graph, weights: Weights, file: BinaryIO) -> None:
    """Write the packed weights of `program` to `file`, each piece at its offset.

    Constants are evaluated in float64 from the bound float32 weights and rounded once.
    """
    position = 0
    for piece in _in_order(program):
        file.write(b"\0" * (piece.offset - position))
        array = evaluate_constants(graph, [piece.value.name], weights)[piece.value.name]
        file.write(piece.packing.apply(np.asarray(array, np.float64)).tobytes())
        position = piece.offset + piece.bytes
    file.write(b"\0" * (-position % ALIGNMENT))


def _in_order(program: Program) -> Iterator[PackedWeight]:
    return iter(sorted(program.weights, key=lambda piece: piece.offset))
