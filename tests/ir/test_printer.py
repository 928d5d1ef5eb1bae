"""`parse(print(graph)) == graph`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import convc
from convc.frontend import load_graph, parse_graph
from convc.ir import Fused, Graph
from convc.ir.printer import print_graph
from convc.options import Options, Target
from convc.passes.pipeline import run_pipeline

HERE = Path(__file__).parent
ZOO = sorted((Path(convc.__file__).parent / "zoo").glob("*.conv"))


def round_trip(graph: Graph) -> None:
    text = print_graph(graph)
    again = parse_graph(text)
    assert again == graph
    assert _without_comments(print_graph(again)) == _without_comments(text)


def _without_comments(text: str) -> str:
    return "\n".join(line.partition("  #")[0] for line in text.split("\n"))


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_zoo(path: Path) -> None:
    round_trip(load_graph(path))


@pytest.mark.parametrize("name", ["lenet5", "alexnet_two_groups", "resnet50"])
def test_every_stage(name: str) -> None:
    graph = load_graph(Path(convc.__file__).parent / "zoo" / f"{name}.conv")
    for stage in run_pipeline(graph, Options(Target("wide", lanes=16, registers=32))).all:
        assert parse_graph(print_graph(stage.graph)) == stage.graph, stage.name


def test_every_attribute() -> None:
    round_trip(
        parse_graph("""
    network n(x: f32[2, 8, 9, 7], y: f32[2, 8, 9, 7]) {
        a = x |> conv(8, (3, 5), stride = (2, 1), pad = (1, 2, 3, 4), dilation = (1, 2), groups = 4)
        b = y |> conv(8, 3, pad = same, bias = false, weight = "shared.w")
        c = b |> maxpool(3, stride = 1, pad = 1, ceil = true) |> avgpool((2, 3), count_include_pad = false)
        d = c |> batchnorm(eps = 0.001) |> local_response_norm(3, alpha = 0.5, k = 2.0) |> leaky_relu(0.125)
        e = d |> flatten |> linear(16, bias = false) |> softmax(axis = 1) |> dropout(p = 0.25)
        f = concat(a, a, axis = 2) * 0.1 - 3
        g = e |> reshape([2, 4, 2, 2]) |> reshape([4, 8]) |> reshape([4, 4, -1])
        return f, probabilities = e, e, g
    }
    """)
    )


DUMP = """network n(x: f32[1, 16, 8, 8]) {
    layer1.0.eps: f32[] = constant(1e-05)
    blocked: f32[1, 16, 8, 8; nChw8c] = reorder(x)
    unused: f32[3] = parameter()
    conv.weight: f32[16, 16, 1, 1] = parameter()
    layer1.0.relu: f32[1, 16, 8, 8; nChw8c(2048, 512, 64, 8)] = fused {
        conv: f32[1, 16, 8, 8; nChw8c] = conv(blocked, weight = conv.weight, bias = false)
        layer1.0.relu: f32[1, 16, 8, 8; nChw8c(2048, 512, 64, 8)] = relu(conv)
        return layer1.0.relu
    }
    joined: f32[1, 32, 8, 8; nChw8c] = concat(layer1.0.relu, blocked, in_place = true)
    a: f32[1, 16, 8, 8], b: f32[1, 16, 8, 8] = fused {
        a: f32[1, 16, 8, 8] = tanh(x)
        b: f32[1, 16, 8, 8] = sigmoid(a)
        return a, b
    }
    last: f32[7] = parameter()
    return joined, first = a, b
}
"""


def test_regions_and_layouts() -> None:
    graph = parse_graph(DUMP)
    assert _without_comments(print_graph(graph)) == DUMP
    round_trip(graph)
    region = graph.producers["layer1.0.relu"]
    assert isinstance(region.op, Fused)
    assert [node.op.name for node in region.op.nodes] == ["conv", "relu"]
    assert [value.name for value in region.inputs] == ["blocked", "conv.weight"]


def test_dump_of_a_small_network(golden: Callable[[Path, str], None]) -> None:
    graph = parse_graph(
        "network tiny(image: f32[1, 1, 8, 8], classes = 3) {\n"
        '    x = image |> conv(4, 3, pad = same, name = "stem") |> batchnorm |> relu |> maxpool(2)\n'
        "    return logits = x |> flatten |> linear(classes)\n"
        "}\n",
        "tiny.conv",
    )
    golden(HERE / "tiny.dump", print_graph(graph))


def test_every_result_of_a_node_keeps_its_layout() -> None:
    text = ("network n(x: f32[1, 8, 2, 2; nChw4c]) {\n"
            "    a: f32[1, 4, 2, 2; nChw4c], b: f32[1, 4, 2, 2; nChw4c] = split(x, sizes = [4, 4])\n"
            "    return a, b\n}\n")
    graph = parse_graph(text)
    assert [value.type.block for value in graph.nodes[0].outputs] == [4, 4]
    assert parse_graph(print_graph(graph)) == graph
