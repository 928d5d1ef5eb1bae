"""The zoo against the published sizes, and its files against the formatter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sizes import QUICK, small

from convc import zoo
from convc.cli.zoo import command
from convc.diagnostics import ConvcError
from convc.driver import make_options, translate
from convc.frontend import format_source, load_graph, parse_graph
from convc.inspect.cost import network_cost
from convc.ir import Graph
from convc.ir.printer import print_graph
from convc.passes.pipeline import run_pipeline
from convc.zoo import parse_header

ROOT = Path(__file__).parents[2]

#: Parameters as the reference implementations count them (running statistics left out), multiply-accumulates, and the
#: receptive field of the last map. That of a deformable network is that of its regular grid, and so of ResNet-50: 7, 11
#: after the pooling, and 2 * stride for each 3x3 convolution, of which each stage has its first before its own stride.
PUBLISHED = {
    "alexnet": (61_100_840, 714_188_480, 195),
    "alexnet_two_groups": (60_965_224, 724_406_816, 195),
    "context": (141_149_720, 211_678_453_584, 908),
    "deeplab_v3": (39_638_869, 168_731_205_888, 1019),
    "deformable_resnet50": (25_805_918, 4_101_377_024, 427),
    "deformable_resnet50_v2": (25_930_361, 4_107_473_408, 427),
    "densenet121": (7_978_856, 2_834_161_664, 2071),
    "efficientnet_b0": (5_288_548, 385_814_752, 851),
    "fcn16s": (134_815_994, 62_826_561_792, 452),
    "fcn32s": (136_152_917, 62_787_564_288, 436),
    "fcn8s": (134_489_759, 62_860_657_728, 460),
    "inception_v1": (6_998_552, 1_582_671_872, 715),
    "inception_v1_bn": (6_624_904, 1_498_376_192, 379),
    "inception_v2": (11_295_240, 2_032_600_064, 699),
    "inception_v3": (23_834_568, 5_713_216_096, 1311),
    "lenet5": (61_706, 416_520, 16),
    "mobilenet_v1": (4_231_976, 568_740_352, 315),
    "mobilenet_v2": (3_504_872, 300_774_272, 491),
    "mobilenet_v3_large": (5_483_032, 216_589_760, 595),
    "nin": (7_595_176, 1_100_188_800, 195),
    "resnet18": (11_689_512, 1_814_073_344, 435),
    "resnet50": (25_557_032, 4_089_184_256, 427),
    "se_inception_v1": (7_105_007, 1_498_850_464, 379),
    "se_resnet50": (28_088_024, 4_091_699_200, 427),
    "senet154": (115_088_984, 20_688_363_520, 1455),
    "shufflenet_v1": (1_865_728, 137_460_672, 527),
    "shufflenet_v2": (2_278_604, 144_907_992, 527),
    "squeezenet": (1_235_496, 349_151_936, 207),
    "unet": (31_030_658, 150_428_424_448, 200),
    "vgg16": (138_357_544, 15_470_264_320, 212),
    "vgg19": (143_667_240, 19_632_062_464, 268),
    "wavenet": (1_073_760, 4_320_133_120, 3071),
    "xception": (22_855_952, 8_357_403_496, 1083),
}
#: Networks that score every pixel or sample.
DENSE = {"context", "deeplab_v3", "fcn16s", "fcn32s", "fcn8s", "unet", "wavenet"}
LARGE = [
    pytest.param(name, marks=[] if name in ("densenet121", "senet154") else [pytest.mark.sweep]) for name in PUBLISHED
]
SOME = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.sweep]) for name in PUBLISHED]


@pytest.fixture(scope="module")
def loaded() -> dict[str, Graph]:
    """Every network, elaborated."""
    return {name: load_graph(zoo.find(name).path) for name in zoo.names()}


def calls(work: Callable[[], object]) -> int:
    """How many functions written in Python ``work`` calls: what it costs, on a machine that may do other things."""
    count = 0

    def see(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_every_network_is_listed_here() -> None:
    assert set(zoo.names()) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_size_is_as_published(name: str, loaded: dict[str, Graph]) -> None:
    cost = network_cost(loaded[name])
    assert (cost.parameters, cost.macs, cost.field[0]) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_file_is_formatted_and_cites_its_paper(name: str) -> None:
    entry = zoo.find(name)
    text = entry.path.read_text()
    assert format_source(text) == text
    assert max(map(len, text.splitlines())) <= 120
    header = entry.header
    assert header.title and header.forms
    assert ": " in header.paper  # authors, then the title
    assert header.year <= 2012 or ", arXiv " in header.paper
    if ", arXiv " in header.paper:  # the number begins with the year and the month
        assert header.paper.rpartition(" arXiv ")[2][:2] == str(header.year)[2:]


@pytest.mark.parametrize("name", SOME)
def test_its_dump_is_the_same_network(name: str, loaded: dict[str, Graph]) -> None:
    graph = loaded[name]
    assert parse_graph(print_graph(graph)) == graph


@pytest.mark.parametrize("name", SOME)
def test_parameters_change_the_shapes(name: str) -> None:
    graph = load_graph(zoo.find(name).path, {"classes": 8, "batch": 2, **small(name)})
    shape = graph.outputs[0].value.type.shape
    assert shape[:2] == (2, 8)
    assert len(shape) == 2 or name in DENSE


@pytest.mark.parametrize("name", LARGE)
def test_elaboration_and_passes_are_quick(name: str) -> None:
    """Under a second: the largest, SENet-154, makes 1.1 million calls in 0.4 s (see docs/build-cost.md)."""

    def work() -> None:
        run_pipeline(load_graph(zoo.find(name).path), make_options())

    work()  # what is kept from one network to the next
    assert calls(work) < 1_600_000


#: Blocks of ResNet with a gate, one like the other.
TALL = """
block bottleneck(x) {
    y = x |> conv_bn(16, 1) |> conv_bn(16, 3) |> conv_bn(64, 1, act = identity) |> squeeze_excite(reduction = 4)
    return relu(y + x)
}

network tall(x: f32[1, 64, 14, 14], depth) {
    for i in 0..depth { x = bottleneck(x) }
    return x
}
"""


def test_cost_grows_in_step_with_the_network(tmp_path: Path) -> None:
    """Eight times the blocks take at most eight times the calls of Python, from the source to the C."""
    source = tmp_path / "tall.conv"
    source.write_text(TALL)

    def work(depth: int) -> Callable[[], object]:
        return lambda: translate(load_graph(source, {"depth": depth}), make_options())

    work(1)()  # what is kept from one network to the next
    assert calls(work(32)) < 8 * calls(work(4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network n() {}", "a header has a title"),
        ("# Net\n# Form: plain", "with its year"),
        ("# Net\n# Paper: A: b, c\n# Form: plain", "with its year"),
        ("# Net\n# Paper: A: b, 2015\n# Form: cubic", "`cubic` is no form"),
        ("# Net\n# Paper: A: b, 2015\n# Paper: A: b, 2015\n# Form: plain", "once each"),
        ("# Net\n# Autor: A: b, 2015", "not `Autor"),
    ],
)
def test_a_header_that_is_none(text: str, message: str) -> None:
    with pytest.raises(ConvcError, match=message):
        parse_header(text)


def test_a_line_of_a_header_goes_on() -> None:
    header = parse_header("# Net\n# Paper: A, B: c, 2015,\n#     arXiv 1\n# Form: plain, dilated\n#\n# notes")
    assert (header.paper, header.year, header.forms) == ("A, B: c, 2015, arXiv 1", 2015, ("plain", "dilated"))


def test_the_page_has_the_table() -> None:
    listed = CliRunner().invoke(command, ["list", "--format", "markdown"])
    assert listed.output in (ROOT / "docs" / "zoo.md").read_text()


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConvcError, match="did you mean `resnet50`"):
        zoo.find("resnet5")
