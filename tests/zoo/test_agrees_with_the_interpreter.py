"""The zoo's networks compiled, against the float64 interpreter, with random weights and small inputs and heads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import pytest
from sizes import BUILT, small

import convc
from convc import interpreter, zoo

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
    network = convc.load(zoo.find(name).path, **small(name), classes=16)
    image = np.random.default_rng(0).standard_normal(network.graph.inputs[0].type.shape).astype(np.float32)
    weights = {value.name: network.weights[value.name] for value in network.graph.parameters}
    (wanted,) = interpreter.run(network.graph, {network.graph.inputs[0].name: image}, weights).values()
    result = convc.compile(network, threads=2)(image)
    assert np.abs(result - wanted).max() <= 1e-4 * np.abs(wanted).max()
