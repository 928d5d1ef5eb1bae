"""Weights bound to a network by name, and random ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convc.diagnostics import ConvcError
from convc.frontend import parse_graph
from convc.ir import Graph
from convc.weights import Weights, save_safetensors

NET = """
network n(x: f32[1, 3, 8, 8]) {
    a = x |> conv(4, 3, name = "conv1") |> batchnorm(name = "bn1") |> relu
    return a |> flatten |> linear(2, name = "fc")
}
"""


@pytest.fixture
def graph() -> Graph:
    return parse_graph(NET)


def fitting(graph: Graph) -> dict[str, np.ndarray]:
    return {v.name: np.full(v.type.shape, i + 0.5, np.float32) for i, v in enumerate(graph.parameters)}


def test_bound_weights_are_float32_by_name(graph: Graph) -> None:
    arrays = fitting(graph)
    arrays["fc.bias"] = arrays["fc.bias"].astype(np.float64)
    weights = Weights.bind(arrays, graph)
    for name, array in arrays.items():
        assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights[name], array)
    assert weights.shapes["conv1.weight"] == (4, 3, 3, 3)


def test_what_a_network_ignores_is_no_misfit(graph: Graph) -> None:
    """Only whole scopes, and only those it names."""
    arrays = fitting(graph)
    ignoring = parse_graph(NET.replace("    a =", '    ignore "aux", "head.extra"\n    a ='))
    arrays["aux.conv.weight"] = arrays["aux.conv.bias"] = arrays["head.extra.weight"] = np.zeros(1)
    assert Weights.bind(arrays, ignoring).shapes == Weights.random(graph).shapes
    arrays["auxiliary.weight"] = np.zeros(1)
    with pytest.raises(ConvcError) as caught:
        Weights.bind(arrays, ignoring)
    assert str(caught.value).splitlines()[1:] == ["  unused: auxiliary.weight [1]"]


def test_every_misfit_is_listed_at_once(graph: Graph) -> None:
    arrays = fitting(graph)
    arrays["conv1.wieght"] = arrays.pop("conv1.weight")
    arrays["fc.weight"] = arrays["fc.weight"].T
    arrays["fc.bias"] = np.array(["a", "b"])
    arrays["extra"] = np.zeros(7)
    arrays["bn1.num_batches_tracked"] = np.array(3)
    with pytest.raises(ConvcError) as caught:
        Weights.bind(arrays, graph, "w.npz")
    text = str(caught.value)
    assert text.startswith("w.npz: the weights do not fit network `n`:\n")
    assert "missing: conv1.weight [4, 3, 3, 3] (there is conv1.wieght)" in text
    assert "wrong shape: fc.weight is [144, 2], the network wants [2, 144]" in text
    assert "wrong type: fc.bias is <U1" in text
    assert "unused: extra [7]" in text
    assert "num_batches_tracked" not in text
    assert len(text.splitlines()) == 6


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_files_of_both_kinds(graph: Graph, tmp_path: Path, suffix: str) -> None:
    arrays = fitting(graph)
    path = tmp_path / f"w{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        save_safetensors(path, arrays)
    weights = Weights.load(path, graph)
    assert all((weights[name] == array).all() for name, array in arrays.items())
    assert weights.digest() == Weights.bind(arrays, graph).digest()


def test_other_files_are_refused_with_advice(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(ConvcError, match=r"save_file"):
        Weights.load(tmp_path / "w.pth", graph)


def test_the_digest_follows_the_contents(graph: Graph) -> None:
    arrays = fitting(graph)
    before = Weights.bind(arrays, graph).digest()
    assert Weights.bind(dict(reversed(arrays.items())), graph).digest() == before
    arrays["fc.bias"][1] += 1
    assert Weights.bind(arrays, graph).digest() != before


def test_random_weights_depend_on_seed_and_name_only(graph: Graph) -> None:
    first, again, other = Weights.random(graph), Weights.random(graph), Weights.random(graph, seed=1)
    larger = Weights.random(parse_graph(NET.replace("relu", "relu |> conv(4, 1)").replace("linear(2", "linear(2")))
    np.testing.assert_array_equal(first["conv1.weight"], again["conv1.weight"])
    np.testing.assert_array_equal(first["conv1.weight"], larger["conv1.weight"])
    assert (first["conv1.weight"] != other["conv1.weight"]).all()
    assert first.digest() == again.digest() != other.digest()


def test_random_weights_have_a_sane_scale() -> None:
    graph = parse_graph(
        "network n(x: f32[1, 64, 8, 8]) { a = conv(x, 64, 3, name = \"c\") return batchnorm(a, running_var = \"v\") }"
    )
    weights = Weights.random(graph)
    assert np.std(weights["c.weight"]) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)
    assert abs(weights["c.bias"]).max() <= 0.1
    assert weights["v"].min() > 0  # a variance, whatever it is called
    assert all(weights[value.name].dtype == np.float32 for value in graph.parameters)
