"""The zoo's networks compiled, against the float64 interpreter, with random weights and small inputs and heads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import pytest
from sizes import BUILT, small
from tame import tamed

import convc
from convc import interpreter, zoo
from convc.frontend import load_graph

NETWORKS = [pytest.param(name, marks=[] if name in BUILT else [pytest.mark.sweep]) for name in zoo.names()]


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache that is gone after the test: these libraries are large."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("CONVC_CACHE", folder)
        yield


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("name", NETWORKS)
def test_native_result(name: str) -> None:
    """As near to float64 as float32 allows: NumPy's float32 says what rounding costs with these weights (little, or
    nothing would be proven); Winograd's transforms and other orders of summation may cost a few times that."""
    graph = load_graph(zoo.find(name).path, small(name) | {"classes": 16})
    image = np.random.default_rng(0).standard_normal(graph.inputs[0].type.shape).astype(np.float32)
    network, wanted = tamed(graph, {graph.inputs[0].name: image})
    (rounded,) = interpreter.run(graph, {graph.inputs[0].name: image}, network.weights, np.float32).values()
    result = convc.compile(network, threads=2)(image)
    scale, theirs = np.abs(wanted).max(), np.abs(rounded - wanted).max()
    assert theirs <= 1e-5 * scale
    assert np.abs(result - wanted).max() <= 16 * theirs
