"""Random networks, compiled: the library gives what the float64 interpreter gives, at every level."""

from __future__ import annotations

import numpy as np
import pytest
from passes.networks import network

from convc import driver, interpreter
from convc.frontend import parse_graph
from convc.network import Network
from convc.weights.store import Weights


@pytest.mark.sweep
@pytest.mark.parametrize(("target", "level"), [("generic", 0), ("generic", 2), ("native", 2)])
@pytest.mark.parametrize("seed", range(20))
def test_random(seed: int, target: str, level: int) -> None:
    graph = parse_graph(network(seed))
    weights = Weights.random(graph)
    random = np.random.default_rng(seed)
    inputs = {value.name: random.standard_normal(value.type.shape, np.float32) for value in graph.inputs}
    got = driver.compile(Network(graph, weights), target=target, threads=1, level=level)(*inputs.values())
    expected = interpreter.run(graph, inputs, weights)
    for (name, wanted), array in zip(expected.items(), got, strict=True):
        scale = 1 + float(np.abs(wanted).max())
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-5 * scale, err_msg=name)
