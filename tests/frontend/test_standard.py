"""The standard blocks: what they compute, how they name their weights, and who goes before them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from convc import interpreter, ops
from convc.diagnostics import CompileError
from convc.frontend import expressions, format_source, parse_graph
from convc.frontend.standard import standard_blocks
from convc.ir import Graph
from convc.ir.printer import print_graph
from convc.resources import standard

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
CALLS = {
    "depthwise_conv": "depthwise_conv(x, 3, 2, stride = 2, name = \"b\")",
    "pointwise_conv": "pointwise_conv(x, 5, name = \"b\")",
    "separable_conv": "separable_conv(x, 5, 3, 2, act = relu, name = \"b\")",
    "spatially_separable_conv": "spatially_separable_conv(x, 5, 3, stride = 2, name = \"b\")",
    "conv_bn": "conv_bn(x, 5, 3, stride = 2, name = \"b\")",
    "squeeze_excite": "squeeze_excite(x, 2, name = \"b\")",
    "gated_activation": "gated_activation(x, x, name = \"b\")",
    "gated_conv": "gated_conv(x, 5, 2, name = \"b\")",
}  # fmt: skip
WEIGHTS = {
    "depthwise_conv": "b.weight b.bias",
    "pointwise_conv": "b.weight b.bias",
    "separable_conv": "b.depthwise.weight b.pointwise.weight b.pointwise.bias",
    "spatially_separable_conv": "b.row.weight b.row.bias b.column.weight b.column.bias",
    "conv_bn": "b.conv.weight b.bn.weight b.bn.bias b.bn.running_mean b.bn.running_var",
    "squeeze_excite": "b.fc1.weight b.fc1.bias b.fc2.weight b.fc2.bias",
    "gated_activation": "",
    "gated_conv": "b.filter.weight b.filter.bias b.gate.weight b.gate.bias",
}


def net(call: str, before: str = "") -> Graph:
    return parse_graph(f"{before}\nnetwork n(x: f32[1, 4, 6, 6]) {{ return y = {call} }}")


def evaluated(graph: Graph) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """An input, the network's result, and the weights it was run with."""
    x = RNG.standard_normal(graph.inputs[0].type.shape)
    weights = {value.name: RNG.uniform(0.5, 1.5, value.type.shape) for value in graph.parameters}
    (result,) = interpreter.run(graph, {"x": x}, weights).values()
    return x, result, weights


def convolved(x: np.ndarray, weight: np.ndarray, stride: tuple[int, int], pads: tuple[int, int]) -> np.ndarray:
    """Every output pixel from its window; one group."""
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0],) * 2, (pads[1],) * 2))
    kh, kw = weight.shape[2:]
    rows = range(0, padded.shape[2] - kh + 1, stride[0])
    columns = range(0, padded.shape[3] - kw + 1, stride[1])
    return np.stack([
        np.stack([np.einsum("nchw,ochw->no", padded[:, :, r : r + kh, c : c + kw], weight) for c in columns], -1)
        for r in rows
    ], 2)  # fmt: skip


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("name", CALLS)
def test_weights_are_named_after_the_block(name: str) -> None:
    assert [value.name for value in net(CALLS[name]).parameters] == WEIGHTS[name].split()


def test_every_block_is_tested_and_documented() -> None:
    assert set(CALLS) == set(standard_blocks())
    page = (ROOT / "docs" / "language.md").read_text()
    for name, block in standard_blocks().items():
        written = block.signature().replace("0.00001", "1e-5")
        assert f"| `{written}` |" in page, name


def test_no_block_is_called_like_an_op() -> None:
    assert not set(standard_blocks()) & set(ops.names())


@pytest.mark.parametrize("path", sorted(standard().glob("*.conv")), ids=lambda path: path.stem)
def test_the_files_are_formatted(path: Path) -> None:
    assert format_source(path.read_text()) == path.read_text()


def test_depthwise_is_one_filter_per_channel_times_the_multiplier() -> None:
    x, result, w = evaluated(net(CALLS["depthwise_conv"]))
    for oc in range(8):
        wanted = convolved(x[:, oc // 2 : oc // 2 + 1], w["b.weight"][oc : oc + 1], (2, 2), (1, 1))
        np.testing.assert_allclose(result[:, oc : oc + 1], wanted + w["b.bias"][oc])


def test_separable_is_depthwise_then_pointwise() -> None:
    x, result, w = evaluated(net(CALLS["separable_conv"]))
    space = [convolved(x[:, c // 2 : c // 2 + 1], w["b.depthwise.weight"][c : c + 1], (1, 1), (1, 1)) for c in range(8)]
    hidden = np.maximum(np.concatenate(space, 1), 0)
    wanted = np.einsum("nchw,oc->nohw", hidden, w["b.pointwise.weight"][:, :, 0, 0])
    np.testing.assert_allclose(result, wanted + w["b.pointwise.bias"][:, None, None])


def test_pointwise_mixes_channels_at_each_pixel() -> None:
    x, result, w = evaluated(net(CALLS["pointwise_conv"]))
    wanted = np.einsum("nchw,oc->nohw", x, w["b.weight"][:, :, 0, 0]) + w["b.bias"][:, None, None]
    np.testing.assert_allclose(result, wanted)


def test_spatially_separable_is_a_row_then_a_column() -> None:
    x, result, w = evaluated(net(CALLS["spatially_separable_conv"]))
    row = convolved(x, w["b.row.weight"], (1, 2), (0, 1)) + w["b.row.bias"][:, None, None]
    wanted = convolved(row, w["b.column.weight"], (2, 1), (1, 0)) + w["b.column.bias"][:, None, None]
    np.testing.assert_allclose(result, wanted)


def test_conv_bn_normalises_and_activates() -> None:
    x, result, w = evaluated(net(CALLS["conv_bn"]))
    scale = w["b.bn.weight"] / np.sqrt(w["b.bn.running_var"] + 1e-5)
    shift = w["b.bn.bias"] - w["b.bn.running_mean"] * scale
    wanted = convolved(x, w["b.conv.weight"], (2, 2), (1, 1)) * scale[:, None, None] + shift[:, None, None]
    np.testing.assert_allclose(result, np.maximum(wanted, 0))


@pytest.mark.parametrize("bias", ["true", "false"])
def test_squeeze_excite_scales_channels(bias: str) -> None:
    x, result, w = evaluated(net(f'squeeze_excite(x, 2, act = tanh, bias = {bias}, name = "b")'))
    hidden = np.tanh(w["b.fc1.weight"][:, :, 0, 0] @ x[0].mean((1, 2)) + w.get("b.fc1.bias", 0))
    gate = sigmoid(w["b.fc2.weight"][:, :, 0, 0] @ hidden + w.get("b.fc2.bias", 0))
    np.testing.assert_allclose(result[0], x[0] * gate[:, None, None])


def test_a_gated_convolution_looks_back_only() -> None:
    x, result, w = evaluated(net(CALLS["gated_conv"]))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 0)))
    filtered = convolved(padded, w["b.filter.weight"], (1, 1), (0, 0)) + w["b.filter.bias"][:, None, None]
    gate = convolved(padded, w["b.gate.weight"], (1, 1), (0, 0)) + w["b.gate.bias"][:, None, None]
    np.testing.assert_allclose(result, np.tanh(filtered) * sigmoid(gate))
    x, result, _ = evaluated(net(CALLS["gated_activation"]))
    np.testing.assert_allclose(result, np.tanh(x) * sigmoid(x))


def test_blocks_of_the_file_go_first() -> None:
    graph = net("separable_conv(x, 8, 3)", before="block depthwise_conv(x, kernel) { return tanh(x) }")
    assert [node.op.name for node in graph.nodes].count("tanh") == 0  # the standard block does not see it
    graph = net("separable_conv(x)", before="block separable_conv(x) { return tanh(x) }")
    assert [node.op.name for node in graph.nodes] == ["tanh"]


def test_a_block_that_was_lost_to_an_error_is_not_replaced() -> None:
    with pytest.raises(CompileError) as caught:
        net("conv_bn(x, 1)", before="block conv_bn(x, n) { return conv(x,, n) }")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E0101"]


def test_dumps_do_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = net(CALLS["conv_bn"])
    dump = print_graph(graph)
    monkeypatch.setattr(expressions, "standard_blocks", lambda: pytest.fail("a dump asked for a standard block"))
    assert parse_graph(dump) == graph


def test_errors_show_the_calls() -> None:
    with pytest.raises(CompileError) as caught:
        net("squeeze_excite(x, 3)")
    text = str(caught.value)
    assert "std/gates.conv" in text
    assert "in this call of `squeeze_excite`" in text
    assert "remainder 1" in text


def test_a_misspelt_block_is_recognised() -> None:
    with pytest.raises(CompileError, match="did you mean `squeeze_excite`"):
        net("squeeze_exite(x)")


def test_an_op_may_bear_the_name_of_its_block_once() -> None:
    before = 'block twice(x) { x = relu(x, name = "") return relu(x, name = "") }'
    with pytest.raises(CompileError, match="the name `twice` is taken"):
        net("x |> twice |> relu", before=before)


def test_what_a_block_holds_is_told_at_its_call() -> None:
    """The position of a node is the caller's line; the block's own place comes with it."""
    source = "network n(x: f32[1, 16, 8, 8]) {\n    y = relu(x)\n    return squeeze_excite(y, 4)\n}\n"
    spans = {node.name: node.span for node in parse_graph(source, "net.conv").nodes}
    inner = spans["squeeze_excite.fc1"]
    assert inner is not None and str(inner) == "net.conv:3:12"
    assert re.fullmatch(r"in block squeeze_excite at std/gates\.conv:\d+", inner.inside)
    own = spans["y"]
    assert own is not None and str(own) == "net.conv:2:9" and not own.inside


def test_what_blocks_call_is_told_at_the_first_call() -> None:
    source = "network n(x: f32[1, 16, 8, 8]) {\n    return separable_conv(x, 4, 3)\n}\n"
    spans = [node.span for node in parse_graph(source, "net.conv").nodes]
    assert {str(span) for span in spans} == {"net.conv:2:12"}
    assert spans[0] is not None and "in block depthwise_conv" in spans[0].inside
