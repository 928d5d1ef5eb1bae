"""The arena planner: nothing alive together overlaps, and the arena is near its lower bound."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from convc import zoo
from convc.driver import make_options, translate
from convc.frontend import load_graph
from convc.plan.memory import ALIGNMENT, Buffer, arena_bytes, lower_bound, overlaps, place
from convc.plan.program import Placed


def random_buffers(seed: int) -> list[Buffer]:
    generator = random.Random(seed)
    firsts = [generator.randrange(40) for _ in range(60)]
    return [
        Buffer(f"b{i}", generator.randrange(1, 5000), first, first + generator.randrange(6))
        for i, first in enumerate(firsts)
    ]


QUICK = ("alexnet", "inception_v1", "lenet5", "resnet50", "squeezenet", "vgg16")
SOME = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.sweep]) for name in zoo.names()]


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


@pytest.mark.parametrize("name", SOME)
def test_zoo_networks_need_little_more_than_the_bound(name: str) -> None:
    program = translate(load_graph(zoo.find(name).path), make_options("generic", 1)).program
    assert program.lower_bound_bytes <= program.arena_bytes <= 1.05 * program.lower_bound_bytes


def test_an_overlap_is_found() -> None:
    a, b, c = (Placed(name, offset, 100, first, last) for name, offset, first, last in
               (("a", 0, 0, 2), ("b", 64, 2, 3), ("c", 64, 4, 4)))  # fmt: skip
    assert overlaps([c, b, a]) == [(a, b)]


def test_no_buffers_need_no_arena() -> None:
    assert place([]) == () and arena_bytes(()) == 0 and lower_bound([]) == 0
