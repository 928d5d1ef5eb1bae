"""fold-resize: an enlarged image is not made for the convolution that reads it.

    before:  u: f32[1, 8, 18, 18] = resize(x, size = [18, 18])                  x: f32[1, 8, 9, 9]
             y: f32[1, 4, 18, 18] = conv(u, weight = w, bias = b, pad = 1)      w: f32[4, 8, 3, 3]
    after:   y.weight.exchanged: f32[8, 4, 4, 4] = w turned around, summed over windows of 2x2, axes 0 and 1 exchanged
             y: f32[1, 4, 18, 18] = conv_transpose(x, weight = y.weight.exchanged, bias = b, stride = 2, pad = 1)

Where every pixel is repeated s times along an axis, taps that fall on one pixel become one. Output o sums w[j] * x[(o +
j - p) / s], rounded down, over j; pixel i is read by all j with 0 <= o + j - p - s * i < s. So it is a transposed
convolution of stride s with k + s - 1 taps, tap t the sum of w[k - 1 - t] to w[k - 1 - t + s - 1] as far as they exist,
and the padding k - 1 - p. It holds at the borders, as zeros repeated are zeros. For 3x3 taps on an image twice as large
each result takes 4 products instead of 9, by Winograd's method 25 / 16 instead of 36 / 16.

    before:  u: f32[1, 8, 18, 18] = resize(x, size = [18, 18], mode = linear)
             y: f32[1, 4, 18, 18] = conv(u, weight = w, bias = b)               w: f32[4, 8, 1, 1]
    after:   y.small: f32[1, 4, 9, 9] = conv(x, weight = w, bias = b)
             y: f32[1, 4, 18, 18] = resize(y.small, size = [18, 18], mode = linear)

A pointwise convolution mixes channels, a resize pixels: either may come first, also with a bias where the weights of
every output add up to 1. Functions of elements go before a resize that repeats pixels; of an image of one pixel, which
meets another image, nothing is made at all.

An enlarged image that is padded with its own pixels (in networks that transfer styles) is the small one padded with its
edge, as far as no others are repeated: of a mirror image, less than s pixels.

    before:  j: f32[1, 96, 56, 56] = concat(u, s)                               u: resized; s: f32[1, 32, 56, 56]
             y: f32[1, 64, 56, 56] = conv(j, weight = w, bias = b, pad = 1)
    after:   y.part: f32[1, 64, 56, 56] = conv(u, weight = w.0, pad = 1, bias = false), which becomes one of the above
             y.rest: f32[1, 64, 56, 56] = conv(s, weight = w.1, bias = b, pad = 1)
             y: f32[1, 64, 56, 56] = add(y.part, y.rest)

A convolution of joined channels is the sum of those of the operands.

Requires: batch norms folded, branches merged. Ensures: a resize that nobody reads any more is gone. Declines: images
that are not repeated by whole factors (for kernels beyond 1x1), strides and dilations, padding beyond the kernel's
reach, images that shrink, small maps under many weights, where reading them decides; of joined ones those with few
channels or pixels; where the source says `@nofuse`. `@fuse` overrides what concerns the gain alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.types import ceil_div
from convc.ops.common import Binary, Unary
from convc.ops.conv import Conv
from convc.ops.pad import Pad
from convc.ops.resize import Resize
from convc.passes.base import Pass, Report, unwanted
from convc.passes.constants import Constants
from convc.passes.enlarged import exchanged, is_by_pixel, keeps_levels, repeats, resize_of, stays, transposed
from convc.passes.enlarged_operands import concat_before, pieces_of


@dataclass(frozen=True)
class FoldResize(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fold-resize"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        nodes: dict[str, Node] = {}  # those so far, by name, in order
        constants = Constants.of(graph)
        passed: set[str] = set()  # what a reader no longer needs
        for whole in graph.nodes:
            concat = concat_before(whole, nodes, constants)
            pieces = [whole] if concat is None else pieces_of(graph, concat, whole, nodes, constants, report)
            passed.update([concat.name] if concat and len(pieces) > 1 else [])
            for piece in pieces:
                node = _spread(piece, nodes, passed, report)
                made, before = _folded(graph, node, nodes, constants, report)
                passed.update(other.name for other in before)
                nodes.update((new.name, new) for new in made)
        return graph.with_nodes(_needed(list(nodes.values()), passed, graph.output_names))


def _needed(nodes: Sequence[Node], passed: Collection[str], outputs: Collection[str]) -> list[Node]:
    """The nodes in order, without those that were passed and that nobody else reads."""
    read, kept = set(outputs), []
    for node in reversed(nodes):
        if node.name not in passed or node.name in read:
            kept.append(node)
            read.update(value.name for value in node.inputs)
    return kept[::-1]


def _folded(
    graph: Graph, node: Node, nodes: Mapping[str, Node], constants: Constants, report: Report
) -> tuple[list[Node], tuple[Node, ...]]:
    """The nodes that make the result of `node`, and which of those before it they do without."""
    before: tuple[Node, ...]
    if resize := _resize_before(node, nodes, constants):
        made, before = _fold(graph, resize, node, constants, report), (resize,)
    elif both := _padding_before(node, nodes, constants):
        made, before = _fold_padded(*both, node, constants, report), both
    else:
        return [node], ()
    return made, before if made[-1] is not node else ()


def _resize_before(node: Node, nodes: Mapping[str, Node], constants: Constants) -> Node | None:
    """The resize that enlarges what a convolution or a function of elements reads; the rest must be constant."""
    if not isinstance(node.op, (Conv, Unary, Binary)) or constants.all_known(node.inputs):
        return None
    if isinstance(node.op, Conv):
        image, others = node.inputs[0], node.inputs[1:]
    else:
        image = next(value for value in node.inputs if value.name not in constants.known)
        others = tuple(value for value in node.inputs if value != image)
    return resize_of(image, nodes) if constants.all_known(others) else None


def _fold(graph: Graph, resize: Node, node: Node, constants: Constants, report: Report) -> list[Node]:
    """The nodes that make the result of `node`: itself where it stays as it is."""
    if not isinstance(node.op, Conv):
        alone = _is_alone(graph, resize) and not unwanted(resize, node) and _is_by_channel(resize, node)
        if not alone:
            return [node]
        report.applied(node, f"computed before {resize.name} repeats pixels")
        return exchanged(resize, node, node.op, constants)
    if reason := unwanted(resize, node) or stays(resize, node):
        report.declined(node, f"computed of the result of {resize.name}: {reason}")
        return [node]
    if is_by_pixel(node):
        report.applied(node, f"computed before {resize.name} enlarges the image")
        return exchanged(resize, node, node.op, constants)
    factors = repeats(resize)
    assert factors is not None
    report.applied(node, f"a transposed convolution of {resize.inputs[0].name}, which {resize.name} repeats")
    return transposed(resize.inputs[0], factors, node, node.op.pad, constants)


def _spread(node: Node, nodes: Mapping[str, Node], passed: set[str], report: Report) -> Node:
    """A function of elements that meets an image of one pixel enlarged: the pixel meets all others by itself."""
    if not isinstance(node.op, Binary):
        return node
    pixel: dict[Value, Value] = {}
    for value in node.inputs:
        resize = resize_of(value, nodes)
        x = resize.inputs[0] if resize else value
        if resize and prod(x.type.shape[2:]) == 1 and keeps_levels(resize) and not unwanted(resize, node):
            pixel[value] = x
    inputs = tuple(pixel.get(value, value) for value in node.inputs)
    if not pixel or node.op.infer(*(value.type for value in inputs)) != (node.output.type,):
        return node
    for value in pixel:
        report.applied(node, f"takes the one pixel that {value.name} repeats")
        passed.add(value.name)
    return replace(node, inputs=inputs)


def _padding_before(node: Node, nodes: Mapping[str, Node], constants: Constants) -> tuple[Node, Node] | None:
    """The padding with elements of an enlarged image that a convolution reads, and the resize."""
    if not isinstance(node.op, Conv) or not constants.all_known(node.inputs[1:]) or any(node.op.pad):
        return None
    pad = nodes.get(node.inputs[0].name)
    if pad is None or not isinstance(pad.op, Pad) or pad.op.mode not in ("edge", "reflect"):
        return None
    resize = resize_of(pad.inputs[0], nodes)
    return None if resize is None or is_by_pixel(node) else (pad, resize)


def _fold_padded(pad: Node, resize: Node, node: Node, constants: Constants, report: Report) -> list[Node]:
    """The same of an enlarged image that is padded: the small one is, by as many pixels as it takes."""
    reason = unwanted(resize, pad, node) or stays(resize, node) or _stays_padded(pad, resize)
    if reason:
        report.declined(node, f"computed of the result of {pad.name}: {reason}")
        return [node]
    factors, x = repeats(resize), resize.inputs[0]
    assert factors is not None and isinstance(pad.op, Pad)
    sides = [(pad.op.around(axis), s) for axis, s in enumerate(factors, 2)]
    less = [[ceil_div(side[end], s) for side, s in sides] for end in (0, 1)]
    beyond = [side[end] - s * n for end in (0, 1) for (side, s), n in zip(sides, less[end], strict=True)]
    edge = Pad((0, 0, *less[0], 0, 0, *less[1]), "edge")
    small = Value(fresh_name(f"{pad.name}.small", constants.names), edge.infer(x.type)[0])
    constants.names.add(small.name)
    what = f"{x.name} and its edge, which {resize.name} and {pad.name} repeat"
    report.applied(node, f"a transposed convolution of {what}")
    padded = Node(edge, (x,), (small,), pad.span, pad.fuse)
    return [padded, *transposed(small, factors, node, tuple(beyond), constants)]


def _stays_padded(pad: Node, resize: Node) -> str:
    """Why padding is not that of the small image; empty if it is: its edge pixels, as often as they are repeated."""
    op, factors = pad.op, repeats(resize)
    assert isinstance(op, Pad) and factors is not None
    if any((*op.around(0), *op.around(1))) or min(op.pads) < 0:
        return "it is not padded around the spatial axes alone"
    if op.mode == "reflect" and any(n >= s and n for axis, s in enumerate(factors, 2) for n in op.around(axis)):
        return "its mirror image has more pixels than those at the edge"
    return ""


def _is_by_channel(resize: Node, node: Node) -> bool:
    """Whether a function of elements is the same for all copies of a pixel, and nothing else is read."""
    op, x = resize.op, resize.inputs[0].type
    assert isinstance(op, Resize)
    if resize.output.type.elements <= x.elements or not all(axis.copies for axis in op.taps(x.shape[2:])):
        return False
    others = [value.type.shape for value in node.inputs if value != resize.output]
    return node.output.type.shape == resize.output.type.shape and all(
        prod(shape) == prod(shape[: -(x.rank - 2)]) for shape in others
    )


def _is_alone(graph: Graph, resize: Node) -> bool:
    """Whether what is resized is computed for that alone, and the result read once."""
    x = resize.inputs[0]
    computed = x.name not in {value.name for value in graph.inputs}
    return computed and all(
        len(graph.users.get(name, ())) <= 1 and name not in graph.output_names for name in (x.name, resize.name)
    )
