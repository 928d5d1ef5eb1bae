"""Draws docs/figures/*.svg, the pictures of docs/forms.md: run `python docs/make_figures.py`."""

from __future__ import annotations

from pathlib import Path

from convc.frontend import parse_graph
from convc.inspect.diagrams import draw_causal, draw_channels
from convc.inspect.svg import Svg, beside
from convc.inspect.taps import Geometry, draw_node, draw_taps
from convc.ir.graph import Node

FIGURES = Path(__file__).parent / "figures"


def node(call: str) -> Node:
    """The convolution in this expression over an image x."""
    graph = parse_graph(f"network picture(x: f32[1, 4, 20, 20], o: f32[1, 18, 20, 20]) {{ return {call} }}")
    return graph.nodes[-1]


def figures() -> dict[str, Svg]:
    """Every picture by its name."""
    taps = {
        "plain": draw_node(node("conv(x, 4, 3, pad = 1)"), "plain: 3 x 3, padding 1"),
        "strided": draw_node(node("conv(x, 4, 3, stride = 2)"), "strided: the window moves by 2"),
        "dilated": draw_node(node("conv(x, 4, 3, dilation = 2)"), "dilated: 9 taps over 5 x 5 pixels"),
        "spatially_separable": beside(
            draw_node(node("conv(x, 4, [1, 5])"), "1 x 5, ..."), draw_node(node("conv(x, 4, [5, 1])"), "then 5 x 1")
        ),
        "transposed": draw_taps(
            "transposed, stride 2: an input pixel is spread over 3 x 3 outputs",
            Geometry((3, 3), (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), transposed=True), [(0, 0), (1, 2)],
            ["windows overlap where the kernel is larger than the stride; there the results add up"],
        ),
        "deformable": draw_node(
            node("deform_conv(x, o, 4, 3, pad = 1)"), "deformable: every tap moved by an offset",
            [(-0.6, -0.3), (-0.8, 0.4), (-0.2, 0.9), (0.3, -0.9), (0.2, 0.3), (-0.4, 0.7), (0.9, -0.5), (0.4, 0.2),
             (0.8, 0.9)],
        ),
    }  # fmt: skip
    channels = {
        "grouped": draw_channels(
            "grouped: 2 groups of channels do not mix", [("3 x 3, groups = 2", 6, 6, lambda o, i: o // 3 == i // 3)]
        ),
        "depthwise": draw_channels(
            "depthwise: a filter per channel, here two", [("3 x 3, multiplier 2", 4, 8, lambda o, i: o // 2 == i)],
            ["outputs 2c and 2c + 1 read input c"],
        ),
        "depthwise_separable": draw_channels(
            "depthwise separable: space first, then channels",
            [("3 x 3, one channel each", 6, 6, lambda o, i: o == i), ("1 x 1, all channels", 6, 6, lambda o, i: True)],
        ),
        "group_shuffle": draw_channels(
            "groups with a shuffle between them",
            [("1 x 1, groups = 2", 6, 6, lambda o, i: o // 3 == i // 3), ("shuffle", 6, 6, lambda o, i: _dealt(o) == i),
             ("1 x 1, groups = 2", 6, 6, lambda o, i: o // 3 == i // 3)],
        ),
        "causal": draw_causal(
            "causal and dilated: 2 taps, dilations 1, 2, 4, 8", 2, (1, 2, 4, 8),
            ["the last output sees 16 inputs, none of them later than itself"],
        ),
    }  # fmt: skip
    return {**taps, **channels}


def _dealt(output: int) -> int:
    """The channel that a shuffle of 2 groups of 3 puts at this place."""
    return output % 2 * 3 + output // 2


def main() -> None:
    FIGURES.mkdir(exist_ok=True)
    for name, picture in figures().items():
        (FIGURES / f"{name}.svg").write_text(str(picture))


if __name__ == "__main__":
    main()
