"""The bound holds what rounding does, and no more than a small share of the result."""

from __future__ import annotations

import numpy as np
import pytest

from convc import interpreter
from convc.frontend import parse_graph
from convc.trust.bound import SINGLE, compare, gamma, terms
from convc.trust.passes import Reference, inputs_for
from convc.weights.store import Weights

NETWORKS = {
    "sums": "x |> conv(32, 3, pad = 1) |> relu |> conv(16, 1) |> global_avgpool |> flatten |> linear(7)",
    "norms": "x |> conv(16, 3) |> batchnorm |> layer_norm(2) |> softmax",
    "functions": "x |> exp |> sigmoid |> gelu |> tanh",
    "cancellation": "(x + 100) - 100",
    "moves": "x |> transpose([0, 1, 3, 2]) |> concat(x) |> flatten",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_keeps_to_the_bound(name: str) -> None:
    """NumPy's float32 is another way to compute the network; it rounds, and the bound allows for that alone."""
    graph = parse_graph(f"network n(x: f32[1, 8, 6, 6]) {{ return {NETWORKS[name]} }}")
    inputs, weights = inputs_for(graph), Weights.random(graph)
    reference = Reference.of(graph, inputs, weights, SINGLE)
    output = graph.outputs[0].name
    got = interpreter.run(graph, inputs, weights, np.float32)[output]
    found = reference.compare_outputs({f"-> {output}": got})[output]
    scale = np.abs(reference.values[f"-> {output}"]).max()
    assert found.agrees, found
    assert found.bound <= 2e-3 * scale
    assert name == "moves" or found.error > 0


def test_an_error_a_little_beyond_the_bound_is_one() -> None:
    expected = np.array([1.0, 2.0, 3.0])
    sample = expected + np.array([0.0, 1e-6, 0.0])
    assert compare(expected + 3.9e-6, expected, [sample], SINGLE).agrees
    found = compare(expected + np.array([0.0, 0.0, 4.1e-6]), expected, [sample], SINGLE)
    assert (found.wrong, found.at) == (1, (2,))


def test_numbers_that_are_none() -> None:
    expected = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert compare(expected.copy(), expected, [expected], SINGLE).agrees
    for place in range(4):
        got = expected.copy()
        got[place] = 5.0 if place < 3 else np.nan
        assert compare(got, expected, [expected], SINGLE).at == (place,)


def test_terms_count_what_is_summed() -> None:
    graph = parse_graph("network n(x: f32[1, 8, 6, 6]) { return conv(x, 4, 3) |> flatten |> reduce_sum }")
    conv, flatten, total = graph.nodes
    assert terms(conv) >= 8 * 9 and terms(flatten) == 0 and terms(total) >= 64
    assert gamma(3, SINGLE) == pytest.approx(3 * 2.0**-24, rel=1e-6)
