"""Random networks compiled at every level and with each pass left out, against the interpreter.

Networks are joined into one, so that a build serves several; `make test` takes 60, `make sweep` 5,000. What fails is
shrunk and written to the folder `failures`; a case that taught something is kept here as `*.conv`, and run at every
setting from then on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from convc.frontend import load_graph, parse_graph
from convc.ir.graph import Graph
from convc.ir.printer import print_graph
from convc.native.target import native
from convc.passes.pipeline import all_passes
from fuzz.compare import Setting, differences, shrink
from fuzz.networks import joined

HERE = Path(__file__).parent

SETTINGS = (
    Setting("native", 0), Setting("generic", 1), Setting("native", 2, 2), Setting("generic", 2),
    *(Setting("native", without=(item.name,)) for item in all_passes(native())),
)  # fmt: skip
KEPT = sorted(HERE.glob("*.conv"))


def check(graph: Graph, setting: Setting, seeds: range) -> None:
    wrong = differences(graph, setting)
    if not wrong:
        return
    small = shrink(graph, lambda smaller: bool(differences(smaller, setting)))
    folder = HERE / "failures"
    folder.mkdir(exist_ok=True)
    path = folder / f"seed{seeds.start}.conv"
    path.write_text(f"# {setting}\n{print_graph(small)}")
    pytest.fail("\n".join([f"{setting}, seeds {seeds.start} to {seeds.stop - 1}", *wrong, print_graph(small)]))


@pytest.mark.parametrize("number", range(12))
def test_a_few(number: int) -> None:
    """Five networks, each lot at another setting."""
    seeds = range(number * 5, number * 5 + 5)
    check(parse_graph(joined(seeds)), SETTINGS[number % len(SETTINGS)], seeds)


@pytest.mark.sweep
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("lot", range(200))
def test_many(lot: int, setting: Setting) -> None:
    seeds = range(1000 + lot * 25, 1000 + lot * 25 + 25)
    check(parse_graph(joined(seeds)), setting, seeds)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept(path: Path) -> None:
    graph = load_graph(path)
    for setting in SETTINGS:
        assert not differences(graph, setting), setting


def test_a_wrong_network_is_shrunk_to_the_guilty_node() -> None:
    """Failing means: there is a tanh. All else goes."""
    graph = parse_graph("network n(x: f32[1, 8, 4, 4]) { a = conv(x, 8, 3, pad = 1) |> relu\nb = tanh(a) * a\n"
                        "return p = b |> relu |> global_avgpool, q = relu(a) }")  # fmt: skip
    small = shrink(graph, lambda smaller: any(node.op.name == "tanh" for node in smaller.nodes))
    assert [node.op.name for node in small.nodes] == ["tanh"] and len(small.inputs) == len(small.outputs) == 1
