"""The arena planner: nothing alive together overlaps, and the arena is near its lower bound."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from convc import zoo
from convc.driver import bisect, make_options
from convc.frontend import load_graph, parse_graph
from convc.network import Network
from convc.passes.pipeline import run_pipeline
from convc.plan.lower import lower
from convc.plan.memory import ALIGNMENT, Buffer, arena_bytes, live_bytes, lower_bound, overlaps, place
from convc.plan.program import Placed
from convc.weights.store import Weights


def random_buffers(seed: int) -> list[Buffer]:
    generator = random.Random(seed)
    firsts = [generator.randrange(40) for _ in range(60)]
    return [
        Buffer(f"b{i}", generator.randrange(1, 5000), first, first + generator.randrange(6))
        for i, first in enumerate(firsts)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_buffers_alive_together_do_not_overlap(seed: int) -> None:
    buffers = random_buffers(seed)
    places = place(buffers)
    assert {(p.name, p.bytes) for p in places} == {(b.name, b.bytes) for b in buffers}
    for a, b in combinations(places, 2):
        if a.first <= b.last and b.first <= a.last:
            assert a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset, (a, b)
    assert overlaps(places) == []
    assert all(p.offset % ALIGNMENT == 0 for p in places)
    assert arena_bytes(places) >= lower_bound(buffers)


@pytest.mark.parametrize("name", zoo.names())
def test_zoo_networks_need_little_more_than_the_bound(name: str) -> None:
    """All of them, as far as the plan: nothing is compiled."""
    options = make_options("generic", 1)
    program = lower(run_pipeline(load_graph(zoo.find(name).path), options).graph, options)
    assert program.lower_bound_bytes <= program.arena_bytes <= 1.05 * program.lower_bound_bytes
    assert overlaps(program.memory) == []
    assert max(live_bytes(program.memory, len(program.steps))) == program.lower_bound_bytes


IN_PLACE = """network n(x: f32[1, {c}, 6, 5], y: f32[1, {c}, 6, 5]) {{
    a = conv(x, {c}, 3, pad = 1)
    b = conv(y, {c}, 3, pad = 1)
    c = a * sigmoid(global_avgpool(a))
    d = c + b * 0.5
    e = tanh(d) |> conv({c}, 3, pad = 1)
    return e, d - reduce_max(d, axes = [1])
}}"""


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("channels", [3, 8, 19])
def test_results_over_dying_operands_are_right(channels: int, level: int) -> None:
    """Blocked and plain, whole vectors and ragged ones: elementwise results take over operands, and stay right."""
    graph = parse_graph(IN_PLACE.format(c=channels))
    for options in (make_options("generic", 2, level), make_options("native", 1, level)):
        assert bisect(Network(graph, Weights.random(graph)), options).guilty == ()


def test_an_operand_that_is_read_again_is_not_written_over() -> None:
    """`c` lies where `a` was; `d` cannot lie where `c` is, which is read once more, but may take over `b`."""
    graph = parse_graph("""network n(x: f32[1, 8, 4, 4]) {
        a = conv(x, 8, 3, pad = 1)
        b = conv(a, 8, 3, pad = 1)
        c = a * global_avgpool(b)
        d = abs(b) * reduce_max(c)
        return conv(c, 8, 3) + conv(d, 8, 3)
    }""")
    options = make_options("generic", 1)
    names = {place.name for place in lower(run_pipeline(graph, options).graph, options).memory}
    assert {"a", "b"} <= names and not {"c", "d"} & names


def test_an_overlap_is_found() -> None:
    a, b, c = (Placed(name, offset, 100, first, last) for name, offset, first, last in
               (("a", 0, 0, 2), ("b", 64, 2, 3), ("c", 64, 4, 4)))  # fmt: skip
    assert overlaps([c, b, a]) == [(a, b)]


def test_no_buffers_need_no_arena() -> None:
    assert place([]) == () and arena_bytes(()) == 0 and lower_bound([]) == 0
