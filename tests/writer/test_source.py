"""Sources written for graphs: they mean the same network, and read as a person would have written them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from importers.models import model, normal

from convc import driver, interpreter, zoo
from convc.cli.main import run
from convc.frontend import format_source, load_graph, parse_graph
from convc.importers.onnx import import_model
from convc.ir import Graph
from convc.ir.match import match
from convc.passes.base import Report
from convc.passes.remove_dead import RemoveDead
from convc.passes.remove_identities import RemoveIdentities
from convc.weights import Weights
from convc.writer import write_source


def body(text: str) -> list[str]:
    """The source written for a source, without the header."""
    return written(text).splitlines()[1:-1]


def written(text: str) -> str:
    graph = parse_graph(f"network n(x: f32[1, 8, 6, 6], z: f32[1, 8, 6, 6]) {{ {text} }}")
    result = write_source(graph)
    assert match(graph, result.graph) is not None
    assert format_source(result.text) == result.text
    return result.text


def test_a_chain_is_a_pipe() -> None:
    assert body('return y = x |> conv(8, 3, pad = 1, stride = 2, name = "a") |> relu |> maxpool(2)') == [
        '    return y = x |> conv(8, 3, stride = 2, pad = half, name = "a") |> relu |> maxpool(2)',
    ]


def test_operators_and_numbers() -> None:
    assert body("y = relu(x) return y = (y + x) * 0.5 - z") == [
        "    relu = x |> relu",
        "    x = relu + x |> mul(0.5)",
        "    return y = x - z",
    ]


def test_names_are_given_where_weights_need_them() -> None:
    lines = body('a = x |> conv(4, 1, name = "left") b = x |> conv(4, 1) return y = concat(a, b)')
    assert lines == ["    left = x |> conv(4, 1)", "    b = x |> conv(4, 1)", "    return y = concat(left, b)"]


def test_shared_and_declared_weights() -> None:
    text = 'return y = x + conv(x, 8, 1, weight = "w", bias = false) + conv(z, 8, 1, weight = "w", bias = false)'
    assert "w: f32[8, 8, 1, 1] = parameter()" in written(text)
    assert "shift: f32[8, 1, 1] = parameter()" in written("shift: f32[8, 1, 1] = parameter() return y = x + shift")


def test_alike_scopes_become_a_block_with_what_differs_as_parameters() -> None:
    calls = " ".join(f'x = unit(x, {w}, {s}, name = "s.{n}")' for n, w, s in (("a", 4, 1), ("b", 8, 2), ("c", 8, 1)))
    unit = (
        "block unit(x, width, stride) { a = x |> conv(width, 3, stride = stride, pad = half) |> relu "
        'return conv(a, 2 * width, 1, name = "b") }'
    )
    result = write_source(parse_graph(f"{unit} network n(x: f32[1, 8, 6, 6]) {{ {calls} return y = x }}")).text
    assert "(x, width, stride = 1) {" in result
    assert "conv(2 * width, 1" in result
    assert 'conv_relu_conv(8, stride = 2, name = "s.b")' in result


def test_equal_calls_that_count_up_become_a_loop() -> None:
    source = 'block unit(x) { return x |> conv(8, 3, pad = half, name = "a") |> relu |> conv(8, 1, name = "b") } ' \
        'network n(x: f32[1, 8, 6, 6]) { for i in 0..5 { x = unit(x, name = "s.{i}") } return y = x }'  # fmt: skip
    result = write_source(parse_graph(source)).text
    assert "for i in 0..5 {" in result or "for i in 0..4 {" in result
    assert len(result.splitlines()) < 12


def test_growing_concatenations_become_a_list() -> None:
    source = "network n(x: f32[1, 8, 6, 6]) { f = [x, conv(x, 4, 3, pad = 1)] " \
        "for i in 0..4 { f = f + [concat(f) |> conv(4, 3, pad = 1)] } return y = concat(f) }"  # fmt: skip
    graph = parse_graph(source)
    result = write_source(graph)
    assert match(graph, result.graph) is not None
    assert "features = features + [concat(features) |> conv(4, 3, pad = half" in result.text


def test_parts_without_scopes_are_found_by_their_structure() -> None:
    unit = " |> conv(8, 3, pad = 1) |> tanh |> batchnorm |> sigmoid |> conv(4, 1) |> leaky_relu"
    graph = parse_graph(f"network n(x: f32[1, 8, 6, 6]) {{ return y = x{unit * 12} }}")
    result = write_source(graph)
    assert match(graph, result.graph) is not None
    assert result.text.count("batchnorm") < 6
    assert len(result.text.splitlines()) < 30


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo(name: str) -> None:
    graph = RemoveIdentities().run(driver.load(zoo.find(name).path).graph, Report("test"))
    graph = RemoveDead().run(graph, Report("test"))  # WaveNet's last residual, which its weights have and nobody reads
    result = write_source(graph)
    assert match(graph, result.graph) is not None
    assert format_source(result.text) == result.text
    assert set(result.weights.values()) == {value.name for value in graph.parameters}
    assert result.text == write_source(graph).text


def test_resnet50_reads_as_a_person_would_write_it() -> None:
    graph = RemoveIdentities().run(driver.load(zoo.find("resnet50").path).graph, Report("test"))
    text = write_source(graph).text
    assert len(text.splitlines()) < 60
    assert "block bottleneck(x, width)" in text
    assert "for i in 1..6 {" in text


# The command


@pytest.fixture
def small(tmp_path: Path) -> Path:
    proto = model(
        "a = Conv <pads = [1, 1, 1, 1]> (x, w, b) r = Relu (a) s = Shape (r) q = Reshape (r, s) y = PRelu (q, slope)",
        "float[n,3,8,8] x", w=normal(4, 3, 3, 3), b=normal(4), slope=normal(4, 1, 1),
    )  # fmt: skip
    path = tmp_path / "small.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_the_pair_reloads_to_the_same_graph_and_numbers(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "deep"
    assert run(["import", str(small), "-o", str(out), "--shape", "x=2,3,8,8"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["small.conv", "small.safetensors"]
    original = import_model(small, {"x": (2, 3, 8, 8)})
    again = load_graph(out / "small.conv")
    assert match(original.graph, again) is not None
    x = normal(2, 3, 8, 8)
    weights = Weights.load(out / "small.safetensors", again)
    (ours,) = interpreter.run(again, {"x": x}, weights).values()
    (theirs,) = interpreter.run(original.graph, {"x": x}, original.arrays).values()
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--shape x=1,3,8,8"),
        (["--shape", "x=1,3,8"], "does not fit"),
        (["--shape", "x=1,3,h,8"], "is not NAME=1,3,224,224"),
        (["--shape", "y=1"], "has no input `y`"),
    ],
)
def test_mistakes(small: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(small), *options]) in (1, 2)
    assert message in capsys.readouterr().err


def test_an_onnx_model_in_the_place_of_a_network(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(small)]) == 1
    assert f"convc import {small}" in capsys.readouterr().err


# Isomorphism


def parsed(text: str) -> Graph:
    return parse_graph(f"network n(x: f32[1, 4, 6, 6], z: f32[1, 4, 6, 6]) {{ {text} }}")


@pytest.mark.parametrize(
    "other",
    [
        "return y = conv(x, 4, 3) |> tanh",
        "return y = conv(x, 4, 3, bias = false) |> relu",
        "return y = conv(x, 4, 3, stride = 2) |> relu",
        "return y = conv(z, 4, 3) |> relu",
        "return u = conv(x, 4, 3) |> relu",
        "return y = conv(x, 4, 3)",
    ],
)
def test_other_networks_do_not_match(other: str) -> None:
    graph = parsed("return y = conv(x, 4, 3) |> relu")
    assert match(graph, parsed(other)) is None
    same = match(graph, parsed('return y = conv(x, 4, 3, name = "other") |> relu'))
    assert same == {"other.weight": "conv.weight", "other.bias": "conv.bias"}


def test_one_weight_is_not_two() -> None:
    one = parsed('return y = conv(x, 4, 3, weight = "w", bias = false) + conv(z, 4, 3, weight = "w", bias = false)')
    two = parsed("return y = conv(x, 4, 3, bias = false) + conv(z, 4, 3, bias = false)")
    assert match(one, two) is None
    assert match(two, one) is None
    assert match(one, one) == {"w": "w"}
