"""The race: processes that hold networks, their figures, and what is written of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convc.bench.peers import SYSTEMS
from convc.bench.race import check_systems, race
from convc.bench.report import draw, gain, geometric_mean, line, table
from convc.diagnostics import ConvcError
from convc.driver import compile as compile_network
from convc.frontend import parse_graph
from convc.network import Network
from convc.weights.store import Weights

SMALL = """network small(x: f32[1, 3, 12, 10]) {
    a = conv(x, 16, 3, stride = 2, pad = [0, 0, 1, 1]) |> batchnorm |> relu6
    b = concat(maxpool(a, 3, pad = 1, stride = 1), avgpool(a, 3, pad = 1, stride = 1))
    c = conv(b, 32, 3, pad = 1, groups = 32) |> silu
    d = add(c, b) |> resize(scale = 2, mode = linear) |> pad([0, 0, 1, 0, 0, 0, 2, 1], mode = reflect)
    d = d |> resize(scale = 2)
    return d |> global_avgpool |> flatten |> linear(7) |> softmax
}"""


@pytest.fixture
def network() -> Network:
    graph = parse_graph(SMALL)
    return Network(graph, Weights.random(graph))


def image() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 3, 12, 10)).astype(np.float32)


def record(system: str, milliseconds: float, difference: float = 0.0, error: str = "") -> dict[str, object]:
    return {"system": system, "version": "1", "seconds": milliseconds / 1e3, "difference": difference, "error": error}


def test_a_library_is_timed_and_a_wrong_file_is_an_error(network: Network, tmp_path: Path) -> None:
    kernel = compile_network(network, target="generic", threads=1)
    (timed,) = race({"convc": kernel.path}, [image()], threads=1, rounds=2, slice_=0.0)
    assert timed.seconds > 0 and timed.difference == 0 and not timed.error
    (failed,) = race({"convc": tmp_path / "nothing.so"}, [image()], threads=1, rounds=1, slice_=0.0)
    assert "no such library" in failed.error


@pytest.mark.torch
@pytest.mark.parametrize("system", ["torch", pytest.param("inductor", marks=pytest.mark.sweep)])
def test_systems_agree_on_a_network(network: Network, tmp_path: Path, system: str) -> None:
    pytest.importorskip("torch")
    onnx = pytest.importorskip("convc.exporters.onnx")
    pytest.importorskip("onnx")
    kernel = compile_network(network, target="generic", threads=1)
    weights = {value.name: network.weights[value.name] for value in network.graph.parameters}
    onnx.write_model(onnx.export_model(network.graph, weights), tmp_path / "small.onnx")
    _, theirs = race({"convc": kernel.path, system: tmp_path / "small.onnx"}, [image()], 1, rounds=1, slice_=0.0)
    assert theirs.error == ""
    assert theirs.difference < 1e-5


def test_names_that_are_none_and_systems_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConvcError, match="`fast` is no system"):
        check_systems(["fast"])
    monkeypatch.setitem(SYSTEMS, "mnn", ("MNN", "no_such_package", SYSTEMS["mnn"][2]))
    with pytest.raises(ConvcError, match="MNN is not installed"):
        check_systems(["mnn"])


def test_who_disagrees_does_not_count() -> None:
    systems = [record("convc", 10), record("ort", 15), record("mnn", 11, 5e-3), record("ncnn", 0, 0, "no such file")]
    one = {"network": "small", "threads": 1, "systems": systems}
    assert gain(one) == pytest.approx(1.5)
    assert geometric_mean([1.0, 4.0, float("nan")]) == pytest.approx(2.0)
    text = table([one])
    assert "| small | 1 | 10 | **15** | failed | 11 (off by 5e-03) | 1.50 |" in text
    assert "**1.50**" in text.splitlines()[-1]
    assert "x 1.50" in line(one)
    assert ">1.50</text>" in str(draw([one]))
