"""Every elementwise function as an epilogue: of convolutions, depthwise ones, pools, linear layers, at every width."""

from __future__ import annotations

import pytest
from plan.test_random_formulas import OPTIONS, wrong

from convc.driver import translate
from convc.frontend import parse_graph
from convc.ir import Fused

#: Chains over `c`, what the kernel computes, and operands: s one number a channel, m a map, p a parameter of the map's
#: shape, k one for each channel.
CHAINS = (
    "prelu(c) |> clip(-1.5, 2.0) |> gelu |> hard_swish",
    "where(less(c, s), c * sigmoid(c), tanh(m)) |> softplus",
    "pow(abs(c) + 0.5, m * 0.1) |> log |> mish |> erf",
    "minimum(maximum(c, s), p) |> elu(alpha = 0.5) |> selu |> softsign",
    "prelu(c, p) % 0.75 |> exp |> reciprocal |> floor",
    "batchnorm(c) |> sin |> celu(alpha = 2.0) |> hard_sigmoid |> logical_not",
    "-c |> gelu(approximate = true) |> thresholded_relu(alpha = 0.25) |> asinh",
    "sqrt(relu(c)) |> silu |> leaky_relu(0.2) |> round |> equal(1)",
    "c * k + s |> relu6 |> atan |> cosh",
)  # fmt: skip
ANCHORS = ("conv(x, 11, 1)", "conv(x, 11, 3, pad = 1, groups = 11)", "maxpool(x, 3, stride = 1, pad = 1)")


def network() -> str:
    lines, results = [], []
    for number, chain in enumerate(CHAINS):
        anchor = ANCHORS[number % len(ANCHORS)]
        lines += [f"    c = {anchor}", f"    y{number} = {chain}"]
        results.append(f"y{number}")
    return (
        "network n(x: f32[2, 11, 5, 7], s: f32[2, 11, 1, 1], m: f32[5, 7], v: f32[3, 40], w: f32[3, 21]) {\n"
        "    p: f32[1, 11, 5, 7] = parameter()\n    k: f32[11, 1, 1] = parameter()\n    b: f32[3, 21] = parameter()\n"
        + "\n".join(lines)
        + "\n    z = prelu(linear(v, 21)) * w + b |> gelu"
        + f"\n    return {', '.join(results)}, z\n}}"
    )


@pytest.mark.parametrize("name", ["native", *(pytest.param(name, marks=pytest.mark.sweep) for name in OPTIONS)])
def test_every_function_as_an_epilogue(name: str) -> None:
    graph = parse_graph(network())
    assert not wrong(graph, OPTIONS[name])


def test_they_are_computed_with_what_comes_before() -> None:
    nodes = list(translate(parse_graph(network()), OPTIONS["native"]).graph.runtime_nodes())
    regions = [node.op.nodes[0].op.name for node in nodes if isinstance(node.op, Fused)]
    assert {"conv", "maxpool", "linear"} <= set(regions)
    assert not [node.name for node in nodes if node.op.name in ("conv", "maxpool", "linear")]
