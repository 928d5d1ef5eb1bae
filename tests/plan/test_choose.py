"""The choice of an algorithm: what the model prefers, what options decide, and what measuring remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convc import driver, interpreter, tuning
from convc.driver import make_options, translate
from convc.frontend import parse_graph
from convc.kernels.winograd import Winograd
from convc.network import Network
from convc.options import Options, Target
from convc.plan.choose import MOST_WEIGHTS, candidates, choose, contenders
from convc.plan.portions import problems
from convc.plan.problem import Problem
from convc.plan.winograd_shape import WinogradShape
from convc.weights.store import Weights

WIDE = Target("wide", 16, 32)
NARROW = Target("narrow", 8, 16)

#: Sums that follow one another in a network where rounding adds up.
DEEP = 50


def problem(text: str, options: Options) -> Problem:
    channels, size, call = text.split(maxsplit=2)
    graph = parse_graph(f"network one(x: f32[1, {channels}, {size}, {size}]) {{ return x |> {call} }}")
    (found,) = problems(translate(graph, options).graph, options)
    return found


@pytest.mark.parametrize("target", [WIDE, NARROW], ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("text", "likely"),
    [
        ("64 112 conv(64, 3, pad = 1)", ("winograd 4x4",)),
        ("256 14 conv(256, 3, pad = 1)", ("winograd 4x4",)),
        ("512 7 conv(512, 3, pad = 1)", ("winograd 2x2", "direct")),
        ("512 28 conv(512, 3, pad = 4, dilation = 4)", ("winograd 4x4", "winograd 2x2")),
        ("512 14 conv(512, 1)", ("strassen",)),
        ("24 56 conv(144, 1)", ("direct",)),
        ("512 14 conv(512, 1, groups = 2)", ("direct",)),
        ("128 56 conv(128, 3, pad = 1, stride = 2)", ("winograd 4x4", "winograd 5x5")),
        ("512 14 conv(512, 3, pad = 1, stride = 2)", ("direct",)),  # transformed weights stream longer
        ("64 56 conv(64, 2, stride = 2)", ("direct",)),
        ("64 56 conv(64, 3, pad = 1, stride = 2, dilation = 2)", ("direct",)),
        ("64 56 conv(64, 3, pad = 1, groups = 64)", ("direct",)),
        ("3 224 conv(64, 3, pad = 1)", ("direct",)),
    ],
)
def test_what_the_model_prefers(text: str, likely: tuple[str, ...], target: Target) -> None:
    options = Options(target)
    found = replace(problem(text, options), sums_in_a_row=DEEP)
    assert choose(found, options).candidate.name.startswith(likely)


def test_options_decide() -> None:
    options = Options(NARROW)
    found = problem("64 56 conv(64, 3, pad = 1)", options)
    assert choose(found, replace(options, winograd=False)).candidate.is_direct
    assert choose(found, replace(options, level=1)).candidate.is_direct
    assert choose(found, replace(options, choices=(("*", "winograd 2x2"),))).candidate.outputs == (2, 2)
    assert choose(found, replace(options, choices=((found.signature, "direct"),))).candidate.is_direct
    named = replace(options, choices=(("*", "direct"), ("y", "winograd 4x4")))
    assert choose(found, named, "y").candidate.outputs == (4, 4)


def test_what_rounds_coarsely_is_used_in_networks_of_few_sums_or_where_it_is_asked_for() -> None:
    options = Options(NARROW)
    short = problem("64 112 conv(64, 3, pad = 1)", options)
    deep = replace(short, sums_in_a_row=DEEP)
    assert short.sums_in_a_row == 1 and choose(short, options).candidate.outputs == (6, 6)
    assert any(candidate.outputs == (6, 6) for candidate in candidates(deep))
    assert all(max(candidate.outputs) <= 4 for candidate in contenders(deep))
    assert choose(deep, replace(options, choices=(("*", "winograd 6x6"),))).candidate.outputs == (6, 6)
    small = problem("16 20 conv(16, 3, pad = 1)", options)  # too little to gain
    assert all(max(candidate.outputs) <= 4 for candidate in contenders(small))


def test_sums_in_a_row_are_those_of_the_longest_path() -> None:
    graph = parse_graph("""network paths(x: f32[1, 16, 8, 8]) {
        a = conv(x, 16, 3, pad = 1) |> relu
        b = a |> conv(16, 1) |> conv(16, 3, pad = 1)
        return linear(flatten(a + b), 5)
    }""")
    assert graph.sums_in_a_row == 4
    assert all(p.sums_in_a_row == 4 for p in problems(translate(graph, Options(NARROW)).graph, Options(NARROW)))


def test_contenders_are_candidates_and_hold_the_models_choice() -> None:
    options = Options(NARROW)
    for text in ("64 56 conv(64, 3, pad = 1)", "512 7 conv(512, 3, pad = 1)", "64 56 conv(64, 1)"):
        found = problem(text, options)
        assert set(contenders(found)) <= set(candidates(found))
        assert choose(found, options).candidate in contenders(found)
        assert len(contenders(found)) == len(set(contenders(found))) <= 5


def test_transformed_weights_stay_small_enough_for_a_library() -> None:
    """The fully connected layer of VGG as a convolution, whose weights are 411 MB."""
    found = problem("512 52 conv(4096, 7, dilation = 4)", Options(WIDE))
    assert all(WinogradShape(found, c).weights_bytes <= MOST_WEIGHTS for c in candidates(found) if not c.is_direct)
    assert choose(found, Options(WIDE)).candidate.outputs == (2, 2)


def test_threads_have_items_to_share() -> None:
    """Sixteen tiles: threads share out the output channels, so that each reads weights of its own."""
    graph = parse_graph("network one(x: f32[1, 256, 14, 14]) { return conv(x, 256, 3, pad = 1) }")
    steps = translate(graph, replace(make_options("generic", 2), choices=(("*", "winograd 4x4, 16"),))).program.steps
    (found,) = [step for step in steps if isinstance(step.kernel, Winograd)]
    assert found.items >= 4
    found_problem = problem("256 14 conv(256, 3, pad = 1)", Options(NARROW, threads=2))
    assert choose(found_problem, Options(NARROW, threads=2)).candidate.block == 16


def test_what_was_measured_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    monkeypatch.setattr(tuning, "SECONDS", 0.0)
    text = """network two(x: f32[1, 16, 12, 12]) {
        return conv(x, 16, 3, pad = 1) |> relu |> conv(16, 3, pad = 1) |> conv(8, [2, 1], pad = [1, 0, 0, 0])
    }"""
    net = Network(graph := parse_graph(text), Weights.random(graph))
    told: list[tuple[int, int]] = []
    options = driver.tune_options(net, make_options("generic", 1), lambda done, all: told.append((done, all)))
    ((signature, winner),) = options.choices  # the two are alike, the last has no rival
    assert winner in [candidate.name for candidate in contenders(problem("16 12 conv(16, 3, pad = 1)", options))]
    assert "kernel 1x3x3" in signature and told == [(0, 1), (1, 1)]
    monkeypatch.setattr(tuning, "_race", None)  # would fail if it were called
    assert driver.tune_options(net, make_options("generic", 1)) == options
    x = np.random.default_rng(0).standard_normal((1, 16, 12, 12), np.float32)
    (expected,) = interpreter.run(graph, {"x": x}, net.weights).values()
    y = driver.compile(net, target="generic", threads=1, tune=True)(x)
    assert np.abs(y - expected).max() <= 1e-4 * np.abs(expected).max()  # 5e-5 a layer, whichever won
