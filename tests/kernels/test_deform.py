"""Deformable convolution and resizing in C on real data, within bounds computed from the data; and wild offsets."""

from __future__ import annotations

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.interpreter import run
from convc.ir.graph import Graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.weights.store import Weights

EPS = float(np.finfo(np.float32).eps)

NETWORK = """network n(x: f32[2, 19, 11, 9], o: f32[2, 36, 6, 5], m: f32[2, 18, 6, 5]) {
    a = deform_conv(x, slice(o, 1, 0, 18), 21, 3, stride = 2, pad = 1)
    b = deform_conv(concat(x, x), o, 24, 3, stride = 2, pad = 1, offset_groups = 2, groups = 2, mask = m)
    return a, b
}"""


def compiled(graph: Graph, weights: Weights, target: str, level: int) -> Kernel:
    options = make_options(target, 1, level)
    return Kernel(build_library(Network(graph, weights), translate(graph, options), options), 1)


@pytest.mark.parametrize(("target", "level"), [("native", 2), ("generic", 1)])
def test_offsets_of_any_size(target: str, level: int) -> None:
    graph = parse_graph(NETWORK)
    weights = Weights.random(graph)
    generator = np.random.default_rng(3)
    inputs = {v.name: generator.standard_normal(v.type.shape).astype(np.float32) for v in graph.inputs}
    inputs["o"] *= 3
    wild = inputs["o"].reshape(-1)
    wild[::97] = np.nan
    wild[1::89], wild[2::83], wild[3::79] = np.inf, -1e30, 1e9
    kernel = compiled(graph, weights, target, level)
    results = kernel(*(inputs[port.name] for port in kernel.inputs))
    expected = run(graph, inputs, weights)
    # A position near 20 is off by half an ulp of it, which moves a sample by that times the slope between two pixels;
    # then there are sums of 38 * 9 products, whose magnitudes are bounded by the largest sample and weight.
    largest = max(float(np.abs(weights[p.name]).max()) for p in graph.parameters)
    terms = 38 * 9 * largest * float(np.abs(inputs["x"]).max()) * max(1.0, float(np.abs(inputs["m"]).max()))
    bound = terms * (32 * EPS * 2 + 38 * 9 * EPS)
    for port, got in zip(kernel.outputs, results, strict=True):
        assert np.isfinite(got).all()
        assert np.abs(got - expected[port.name]).max() <= bound


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolated_values_stay_in_bounds(mode: str) -> None:
    resizes = f"resize(x, size = [13, 5, 7], mode = {mode}), resize(x, scale = 0.6, mode = {mode}, antialias = true)"
    graph = parse_graph(f"network n(x: f32[1, 10, 6, 9, 8]) {{ return {resizes} }}")
    weights = Weights.bind({}, graph)
    x = np.random.default_rng(4).standard_normal((1, 10, 6, 9, 8)).astype(np.float32)
    kernel = compiled(graph, weights, "native", 2)
    expected = run(graph, {"x": x}, weights)
    # Weights of an axis add up to at most 1.6 in magnitude; each of up to 3 * 14 terms is rounded a few times.
    bound = 1.6**3 * float(np.abs(x).max()) * 3 * 14 * EPS
    for port, got in zip(kernel.outputs, kernel(x), strict=True):
        assert np.abs(got - expected[port.name]).max() <= bound
