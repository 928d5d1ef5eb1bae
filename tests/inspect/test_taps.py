"""Pictures of taps: places by the formula, well-formed SVG, and the figures of the pages as the code draws them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from convc.frontend import parse_graph
from convc.inspect.taps import Geometry, draw_node, draw_taps, geometry_of
from convc.ir import Node
from convc.ir.op import OpError

DOCS = Path(__file__).parents[2] / "docs"


def node(call: str, shape: str = "1, 4, 20, 20") -> Node:
    return parse_graph(f"network n(x: f32[{shape}]) {{ return {call} }}").nodes[-1]


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_figures", DOCS / "make_figures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_figures"] = module
    spec.loader.exec_module(module)
    return module


def test_taps_lie_where_the_formula_says() -> None:
    geometry = geometry_of(node("conv(x, 4, [3, 2], stride = [2, 1], dilation = [1, 3], pad = [1, 0, 0, 2])"))
    assert (geometry.kernel, geometry.stride, geometry.dilation, geometry.pad) == ((3, 2), (2, 1), (1, 3), (1, 0, 0, 2))
    assert geometry.out == (3, 3)
    assert geometry.taps((1, 2)) == [(1, 2), (1, 5), (2, 2), (2, 5), (3, 2), (3, 5)]


def test_one_axis_is_a_row_and_pools_have_taps() -> None:
    assert geometry_of(node("conv(x, 4, 3, pad = causal)", "1, 4, 20")).pad == (0, 2, 0, 0)
    assert geometry_of(node("maxpool(x, 3, stride = 2)")).kernel == (3, 3)


def test_a_picture_shows_every_tap() -> None:
    picture = str(draw_taps("t", Geometry((4, 4), (2, 2)), [(0, 0), (1, 1)], ["a < b & c"]))
    root = ElementTree.fromstring(picture)
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 8
    assert "a &lt; b &amp; c" in picture


@pytest.mark.parametrize(("call", "shape"), [("relu(x)", "1, 4, 20, 20"), ("conv(x, 4, 3)", "1, 4, 5, 5, 5")])
def test_what_has_no_taps_is_refused(call: str, shape: str) -> None:
    with pytest.raises(OpError, match="taps"):
        draw_node(node(call, shape))


def test_figures_are_as_drawn_and_shown(figures: ModuleType) -> None:
    pages = "".join(path.read_text() for path in DOCS.glob("*.md"))
    drawn = figures.figures()
    for name, picture in drawn.items():
        path = DOCS / "figures" / f"{name}.svg"
        assert path.read_text() == str(picture), "run python docs/make_figures.py"
        assert f"figures/{name}.svg" in pages
        assert ElementTree.fromstring(str(picture)).tag.endswith("svg")
        assert path.stat().st_size < 20_000
    assert {path.stem for path in (DOCS / "figures").glob("*.svg")} - {"compare", "race"} == set(drawn)
