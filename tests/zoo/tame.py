"""Random weights under which a deep network neither dies out nor blows up, so that its rounding says something."""

from __future__ import annotations

from typing import Any

import numpy as np

import convc
from convc.ir import Graph
from convc.ops.normalization import BatchNorm
from convc.weights import Weights


def tamed(graph: Graph, inputs: dict[str, Any]) -> tuple[convc.Network, Any]:
    """The network with random weights, and its result in float64.

    Batch norms get the statistics of what reaches them, one mean and variance for all channels of a layer. With random
    statistics the gain of every layer multiplies up: SENet-154 has 150 of them, and its float32 result then differs
    from the float64 one by more than half.
    """
    random = Weights.random(graph)
    arrays = {value.name: random[value.name] for value in graph.parameters}
    known = dict(inputs)
    for node in graph.nodes:
        operands = [np.asarray(known.get(v.name, arrays.get(v.name)), np.float64) for v in node.inputs]
        if isinstance(node.op, BatchNorm):
            statistics = {"running_mean": operands[0].mean(), "running_var": max(operands[0].var(), 1e-3)}
            for place, (role, value) in enumerate(zip(node.op.operands(5), node.inputs, strict=True)):
                if role in statistics:
                    arrays[value.name] = np.full_like(arrays[value.name], statistics[role])
                    operands[place] = arrays[value.name].astype(np.float64)
        known.update(zip((v.name for v in node.outputs), node.op.reference(*operands), strict=True))
    return convc.Network(graph, Weights.bind(arrays, graph)), known[graph.outputs[0].value.name]
