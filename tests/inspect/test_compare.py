"""The comparison of forms: counts by hand, figures that belong together, the picture, mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from convc.cli.main import run
from convc.inspect.compare import ratio


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Two forms beside the plain one, 32 channels over 8 x 6, and the picture."""
    folder = tmp_path_factory.mktemp("compare")
    import contextlib
    import io

    text = io.StringIO()
    options = ["--size", "8x6", "--channels", "32", "--form", "dilated", "--form", "depthwise_separable"]
    with contextlib.redirect_stdout(text):
        assert run(["compare", *options, "--time", "0", "--json", "--plot", str(folder / "forms.svg")]) == 0
    return json.loads(text.getvalue()), folder / "forms.svg"


def test_counts_are_those_of_the_formulas(compared: tuple[dict[str, Any], Path]) -> None:
    plain, dilated, separable = compared[0]["forms"]
    pixels = 8 * 6
    assert [row["form"] for row in (plain, dilated, separable)] == ["plain", "dilated", "depthwise_separable"]
    assert (plain["parameters"], plain["macs"]) == (32 * 32 * 9 + 32, pixels * 32 * 32 * 9)
    assert (dilated["parameters"], dilated["macs"]) == (plain["parameters"], plain["macs"])
    assert (separable["parameters"], separable["macs"]) == (32 * 9 + 32 * 32 + 32, pixels * 32 * (9 + 32))
    assert [row["field"] for row in (plain, dilated, separable)] == [[3, 3], [5, 5], [3, 3]]
    assert [row["layers"] for row in (plain, dilated, separable)] == [1, 1, 2]
    assert plain["bytes"] >= 4 * (2 * 32 * pixels + plain["parameters"])


def test_measured_figures_belong_together(compared: tuple[dict[str, Any], Path]) -> None:
    record = compared[0]
    assert record["peak_flops_per_second"] > 1e8
    for row in record["forms"]:
        assert row["timings"][0]["threads"] == 1
        assert row["flops_per_second"] == pytest.approx(row["flops"] / row["timings"][0]["seconds"])
        assert row["share_of_peak"] == pytest.approx(row["flops_per_second"] / record["peak_flops_per_second"])


def test_the_picture_has_a_row_for_every_form(compared: tuple[dict[str, Any], Path]) -> None:
    texts = [element.text for element in ElementTree.parse(compared[1]).iter() if element.tag.endswith("text")]
    assert {"plain", "dilated", "depthwise separable", "Forms of convolution: 32 channels over 8 x 6"} <= set(texts)


def test_ratios_are_short() -> None:
    texts = [ratio(1, 1), ratio(1, 8), ratio(142, 100), ratio(1234, 100), ratio(1, 0)]
    assert texts == ["1", "0.12", "1.42", "12", "0"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--channels", "24"], "24 channels"),
        (["--like", "resnet50"], "write the network and the layer"),
        (["--like", "lenet5:c33"], "did you mean `c3`"),
        (["--size", "0"], "is no size"),
        (["--size", "4x"], "is no size"),
        (["--like", "lenet5:f6"], "is no map of two axes"),
        (["--like", "lenet5:c3"], "6 channels"),
    ],
)
def test_mistakes_are_explained(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *options]) in (1, 2)
    assert words in capsys.readouterr().err
