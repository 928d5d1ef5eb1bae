"""The zoo against the published sizes, and its files against the formatter."""

from __future__ import annotations

import pytest

from convc import zoo
from convc.diagnostics import ConvcError
from convc.frontend import format_source, load_graph, parse_graph
from convc.inspect.cost import network_cost
from convc.ir.printer import print_graph

#: Parameters as the reference implementations count them (running statistics left out), and multiply-accumulates.
PUBLISHED = {
    "lenet5": (61_706, 416_520),
    "alexnet": (61_100_840, 714_188_480),
    "alexnet_two_groups": (60_965_224, 724_406_816),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "resnet50": (25_557_032, 4_089_184_256),
}


def test_every_network_is_listed_here() -> None:
    assert set(zoo.names()) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_size_is_as_published(name: str) -> None:
    cost = network_cost(load_graph(zoo.find(name).path))
    assert (cost.parameters, cost.macs) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_file_is_formatted_and_cites_its_paper(name: str) -> None:
    entry = zoo.find(name)
    text = entry.path.read_text()
    assert format_source(text) == text
    assert any(year in entry.citation for year in ("1998", "2012", "2014", "2015"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_dump_is_the_same_network(name: str) -> None:
    graph = load_graph(zoo.find(name).path)
    assert parse_graph(print_graph(graph)) == graph


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_change_the_shapes(name: str) -> None:
    graph = load_graph(zoo.find(name).path, {"classes": 7, "batch": 2})
    assert graph.outputs[0].value.type.shape == (2, 7)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConvcError, match="did you mean `resnet50`"):
        zoo.find("resnet5")
