"""Random networks of all ops at O0, O1, O2 and with each pass left out, against the interpreter.

`make test` takes 80, `make sweep` 5,040. Hypothesis shrinks what fails; the network is written to `failures/`. A case
that taught something is kept here as `*.conv`, and compiled in every way from then on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st
from trust.broken import TakesAnother, break_pooling, use_passes

from convc import ops
from convc.driver import make_options
from convc.frontend import load_graph, parse_graph
from convc.ir.graph import Graph
from convc.options import Options
from fuzz.compare import ways, wrong_results
from fuzz.networks import networks
from fuzz.vocabulary import CALLS

HERE = Path(__file__).parent
KEPT = sorted(HERE.glob("*.conv"))

#: Networks in one build. What Hypothesis draws first is the simplest there is, a lot of one network, so it draws two.
LOT = 20
LOTS = st.lists(networks(), min_size=LOT, max_size=LOT)
OPTIONS = {
    "native": make_options("native", 1),
    "threads": make_options("native", 2),
    "generic": make_options("generic", 1),
    "strassen": replace(make_options("generic", 2), choices=(("*", "strassen"),)),  # wherever it can compute a layer
}
SETTINGS = settings(
    max_examples=2, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

MANY = settings(SETTINGS, max_examples=2000)
OPTIONS_HERE = make_options("generic", 1)


def break_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    use_passes(monkeypatch, TakesAnother())


def check(sources: Sequence[str], options: Options) -> None:
    wrong = wrong_results([parse_graph(source) for source in sources], options)
    if not wrong:
        return
    source = sources[wrong[0].number]
    folder = HERE / "failures"
    folder.mkdir(exist_ok=True)
    (folder / f"{options.target.name}.conv").write_text(f"# {wrong[0].text}\n{source}")
    told = [one.text for one in wrong if one.number == wrong[0].number]
    pytest.fail("\n".join([f"target {options.target.name}, {options.threads} threads", source, *told]))


def check_a_lot(number: int, name: str) -> None:
    """The lot of that number, of each setting another; equal for equal numbers."""

    @SETTINGS
    @seed(len(OPTIONS) * number + [*OPTIONS].index(name))
    @given(LOTS)
    def run(sources: list[str]) -> None:
        check(list(dict.fromkeys(sources)), OPTIONS[name])

    run()


@pytest.mark.parametrize("name", OPTIONS)
def test_a_few(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """80 networks; compiled with less effort than usual, which is most of the time."""
    monkeypatch.setenv("CONVC_CFLAGS", "-O1")
    check_a_lot(0, name)


@pytest.mark.sweep
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("number", range(63))
def test_many(number: int, name: str) -> None:
    """63 times 4 times 20 networks: 5,040."""
    check_a_lot(250 + number, name)


@pytest.mark.parametrize("name", OPTIONS)
def test_kept(name: str) -> None:
    graphs: list[Graph] = [load_graph(path) for path in KEPT]
    assert not wrong_results(graphs, OPTIONS[name])


def test_networks_are_made_of_every_op() -> None:
    """All but `reorder`, which layouts bring in."""
    calls = " ".join(call for *_, group in CALLS for call in group)
    signs = {"add": "{a} + {b}", "sub": "{a} - {b}", "div": "{a} / ("}
    written = [name for name in ops.names() if re.search(rf"\b{name}\(", calls) or signs.get(name, "?") in calls]
    missing = [name for name in ops.names() if name not in written]
    assert missing == ["reorder"]


def test_what_a_wrong_pass_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two networks the one with a `tanh`, in every way but O0, where no pass runs."""
    use_passes(monkeypatch, TakesAnother())
    graphs = [parse_graph(f"network n(x: f32[1, 8, 3, 3]) {{ return {name}(x) }}") for name in ("sin", "tanh")]
    wrong = wrong_results(graphs, OPTIONS_HERE)
    assert {one.number for one in wrong} == {1}
    assert [one.way for one in wrong] == [way for way in ways() if way.level]


def test_hypothesis_shrinks_a_network_to_what_matters() -> None:
    source = find(networks(), lambda source: "maxpool(" in source and "tanh(" in source, settings=MANY)
    assert len(source.splitlines()) < 15, source  # nearly always 3 to 5; how far depends on where the search begins


@pytest.mark.sweep
@pytest.mark.parametrize(("broken", "op"), [(break_pooling, "maxpool("), (break_tanh, "tanh(")])
def test_what_is_broken_is_found_and_shrunk(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None], op: str
) -> None:
    broken(monkeypatch)
    source = find(networks(), lambda source: bool(wrong_results([parse_graph(source)], OPTIONS_HERE)), settings=MANY)
    assert op in source and len(source.splitlines()) < 15, source
