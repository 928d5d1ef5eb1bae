"""Passes that are wrong are named, with the node; right ones are not."""

from __future__ import annotations

import pytest

import convc
from convc import driver
from convc.diagnostics import InternalError
from convc.driver import bisect, make_options
from convc.frontend import parse_graph
from convc.network import Network
from convc.weights.store import Weights
from trust.broken import Commutes, TakesAnother, break_memory, break_pooling, forget_readers, use_passes

SOURCE = """network n(x: f32[1, 8, 6, 6]) {
    a = x |> conv(8, 3, pad = 1) |> batchnorm |> relu
    b = maxpool(a, 3, stride = 1, pad = 1)
    c = tanh(b + x)
    return c |> conv(4, 1) |> relu |> global_avgpool
}"""
OPTIONS = make_options("generic", 1)


@pytest.fixture
def network() -> Network:
    graph = parse_graph(SOURCE, "net.conv")
    return Network(graph, Weights.random(graph))


def test_every_pass_gets_a_verdict(network: Network) -> None:
    verdicts = driver.verify_passes(network, OPTIONS)
    changed = {verdict.name for verdict in verdicts if verdict.difference}
    assert {"fold-batch-norm", "fuse-epilogue", "assign-layouts"} <= changed
    for verdict in verdicts:
        assert verdict.agrees
        assert verdict.difference is None or 0 < verdict.difference.bound < 1e-9


def test_a_wrong_pass_stops_the_compilation(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    use_passes(monkeypatch, Commutes(), TakesAnother())
    convc.compile(network, "generic", 1)  # unasked, nobody looks
    with pytest.raises(InternalError, match=r"pass take-another changed what `n` computes: output \w+: .* wrong"):
        convc.compile(network, "generic", 1, check_passes=True)


def test_bisect_names_the_pass_and_the_node(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    use_passes(monkeypatch, Commutes(), TakesAnother())
    (guilty,) = bisect(network, OPTIONS).guilty
    assert guilty.node is not None
    assert (guilty.what, guilty.node.name) == ("pass take-another", "c")
    assert [decision.text for decision in guilty.decisions] == ["taken for a sigmoid"]
    assert str(guilty.node.span).startswith("net.conv:4:")


def test_bisect_names_the_kernel_and_only_that(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the guilty node reads its wrong results, and is right by itself."""
    break_pooling(monkeypatch)
    findings = bisect(network, OPTIONS)
    assert not any(difference.agrees for difference in findings.outputs.values())
    (guilty,) = findings.guilty
    assert guilty.node is not None and (guilty.what, guilty.node.name) == ("kernel", "c")
    assert any("= maxpool(" in line for line in guilty.ir), "b, fused with what follows it"


def test_bisect_tells_memory_from_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = parse_graph("network n(x: f32[1, 8, 6, 6]) { a = conv(x, 8, 3, pad = 1)\nb = conv(a, 8, 3, pad = 1)\n"
                        "c = conv(b, 8, 3, pad = 1)\nreturn conv(c, 8, 3) * conv(a, 8, 3) }")  # fmt: skip
    network = Network(graph, Weights.random(graph))
    assert bisect(network, OPTIONS).guilty == ()
    with monkeypatch.context() as patch:
        forget_readers(patch)
        (guilty,) = bisect(network, OPTIONS).guilty
        assert (guilty.what, guilty.node) == ("memory on the way to output", None)
    break_memory(monkeypatch)
    guilty, *_ = bisect(network, OPTIONS).guilty
    assert (guilty.what, guilty.node) == ("memory plan", None)
    assert "share bytes" in guilty.text


def test_bisect_finds_nothing_in_a_right_network(network: Network) -> None:
    findings = bisect(network, OPTIONS)
    assert findings.guilty == ()
    assert len(findings.nodes) >= 4 and all(verdict.difference.agrees for verdict in findings.nodes)
