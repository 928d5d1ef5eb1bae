"""Batches in portions: the results, the plan, and what is chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fuzz.compare import wrong_results
from fuzz.networks import networks
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from convc import interpreter, zoo
from convc.driver import Compiled, build_library, make_options, translate
from convc.frontend import load_graph, parse_graph
from convc.ir.graph import Graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.options import Options
from convc.plan.memory import overlaps
from convc.plan.program import Space
from convc.weights.store import Weights

#: Blocked and plain maps, a region of two results, a concatenation in place, results over operands, an input for all
#: images, one of two axes, a result read again, and a mean over the batch between two segments.
SOURCE = """network n(x: f32[6, 3, 20, 20], v: f32[6, 16], m: f32[1, 16, 10, 10]) {
    a = x |> conv(16, 3, pad = same, stride = 2) |> relu
    b = a * (a |> global_avgpool |> conv(16, 1) |> sigmoid) + exp(m)
    c = concat(b |> conv(16, 3, pad = 1), b |> conv(16, 1))
    d = c |> conv(19, 3, pad = 1) |> relu
    e = (d |> global_avgpool |> flatten |> linear(11)) + linear(v, 11)
    f = e - reduce_mean(e, axes = [0])
    return f, softmax(f), c, tanh(reshape(d, [3, 3800])), exp(m)
}"""


def compiled(graph: Graph, options: Options) -> tuple[Compiled, Kernel]:
    made = translate(graph, options)
    network = Network(graph, Weights.random(graph))
    return made, Kernel(build_library(network, made, options), options.threads)


def data_of(graph: Graph) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {v.name: generator.standard_normal(v.type.shape).astype(np.float32) for v in graph.inputs}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("portion", [1, 2, 6])
def test_results_do_not_depend_on_portions(portion: int, level: int) -> None:
    graph = parse_graph(SOURCE)
    inputs = data_of(graph)
    expected = interpreter.run(graph, inputs, Weights.random(graph))
    options = make_options("generic", 1, level, portion=portion)
    made, one = compiled(graph, options)
    for threads in (1, 2, 3, 4):  # four take a portion each of six and share two, or share all three
        kernel = Kernel(one.path, threads)
        for _ in range(2):
            for port, got in zip(kernel.outputs, kernel(*inputs.values()), strict=True):
                np.testing.assert_allclose(got, expected[port.name], rtol=1e-4, atol=1e-5, err_msg=port.name)
        assert all(taken > 0 for _, taken in kernel.profile(*inputs.values()))
    segments = made.program.segments
    assert [step for s in segments for step in range(s.first, s.end)] == list(range(len(made.program.steps)))
    assert all(s.images * s.portions == 6 for s in segments)
    assert {s.images for s in segments} == {portion, 6}


def test_only_values_that_cross_segments_are_kept_for_all_images() -> None:
    program = translate(parse_graph(SOURCE), make_options("generic", 1, portion=1)).program
    kept = {p.name: p for p in program.memory}
    (own,) = (s for s in program.segments if s.bytes)
    assert kept["a"].bytes == 4 * 16 * 100 and own.offset <= kept["a"].offset < own.offset + own.bytes
    assert kept["e"].bytes == 6 * 4 * 11 and kept["e"].first == own.first and kept["e"].last >= own.end
    assert kept["exp.blocked"].bytes == 6400 and kept["exp.blocked"].last == own.end - 1
    assert program.arena_bytes <= 1.01 * program.lower_bound_bytes and overlaps(program.memory) == []
    inside = {a.stride for s in program.steps for a in s.arguments if a.space is Space.PORTION}
    whole = {a.stride for s in program.steps for a in s.arguments if a.space is Space.INPUT}
    assert inside == {0} and whole == {4 * 3 * 400, 4 * 16, 0}


@pytest.mark.parametrize("name", ["mobilenet_v2", "vgg16", "resnet50", "densenet121", "fcn8s"])
def test_the_arena_of_a_batch_is_at_its_bound(name: str) -> None:
    """As far as the plan; the arena of 64 images is far from 64 times that of one."""
    options = make_options("generic", 1)
    one, many = (translate(load_graph(zoo.find(name).path, {"batch": n}), options).program for n in (1, 64))
    assert many.lower_bound_bytes <= many.arena_bytes <= 1.05 * many.lower_bound_bytes
    assert many.arena_bytes < 30 * one.arena_bytes
    assert overlaps(many.memory) == []


def test_a_network_of_one_image_knows_no_portions() -> None:
    options = make_options("generic", 2)
    made = translate(load_graph(zoo.find("resnet18").path, {}), options)
    (segment,) = made.program.segments
    assert (segment.portions, segment.bytes) == (1, 0)
    assert "f->number" not in "".join(unit.text for unit in made.emitted.units)


def test_weights_that_dominate_are_read_once_for_all_images() -> None:
    """Maps of VGG-16 in portions, its linear layers, 494 MB of weights, for all images at once."""
    program = translate(load_graph(zoo.find("vgg16").path, {"batch": 64}), make_options("generic", 1)).program
    assert program.segments[0].portions >= 16
    assert program.segments[-1].portions == 1 and program.segments[-1].end - program.segments[-1].first <= 8


def test_every_thread_has_a_portion() -> None:
    for threads in (1, 2, 4):
        options = make_options("generic", threads)
        program = translate(load_graph(zoo.find("mobilenet_v1").path, {"batch": 8}), options).program
        assert program.segments[0].portions >= threads


@pytest.mark.parametrize(("target", "threads", "portion"), [("native", 2, 1), ("generic", 3, 2)])
def test_random_networks_in_portions(
    target: str, threads: int, portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four images each, compiled in every way."""
    monkeypatch.setenv("CONVC_CFLAGS", "-O1")
    options = replace(make_options(target, threads), portion=portion)

    @settings(max_examples=1, deadline=None, database=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @seed(portion)
    @given(st.lists(networks(batch=4), min_size=12, max_size=12))
    def run(sources: list[str]) -> None:
        wrong = wrong_results([parse_graph(source) for source in sources], options)
        assert not wrong, "\n".join([sources[wrong[0].number], *(one.text for one in wrong)])

    run()
