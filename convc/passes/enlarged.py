"""Convolutions of enlarged images as nodes that read the small ones: whether they are to be, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Final

from convc.ir.graph import Node, Value, fresh_name
from convc.ir.op import Op
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.elementwise import Constant
from convc.ops.movement import Expand, Slice, Transpose
from convc.ops.resize import Resize
from convc.ops.shape import Reshape
from convc.passes.constants import Constants

Numbers = tuple[int, ...]

#: Pixels of a result, of all images, from which on a transposed convolution pays whatever its weights. Below, where its
#: weights leave the second-level cache, reading them takes what it saves: there are more of them than before.
_LARGE: Final = 1024
_CACHE: Final = 1024 * 1024

#: Channels below which interpolating the many that a convolution makes of them costs more than the convolution.
_FEW: Final = 6

#: How far the weights of an interpolation may add up to something else than 1.
_ROUNDING: Final = 1e-12


def resize_of(value: Value, nodes: Mapping[str, Node]) -> Node | None:
    """The resize that makes `value`, if one does."""
    node = nodes.get(value.name)
    return node if node is not None and isinstance(node.op, Resize) else None


def is_by_pixel(node: Node) -> bool:
    """Whether each result of a convolution, in groups too, is computed of one pixel."""
    conv, taps = node.op, node.inputs[1].type.shape[2:]
    assert isinstance(conv, Conv)
    return prod(taps) == prod(conv.stride) == 1 and not any(conv.pad)


def stays(resize: Node, node: Node) -> str:
    """Why a convolution is computed of the enlarged image all the same; empty if it is not."""
    return (_stays_after if is_by_pixel(node) else _stays_large)(resize, node)


def _stays_after(resize: Node, node: Node) -> str:
    """Why a pointwise convolution is not computed of the image as it is; empty if it is."""
    x, result, op = resize.inputs[0].type, resize.output.type, resize.op
    assert isinstance(op, Resize)
    if result.elements <= x.elements:
        return "it does not enlarge the image"
    if len(node.inputs) == 3 and not keeps_levels(resize):
        return "the weights of its pixels do not add up to 1, the bias would be another"
    more, mixed = node.output.type.shape[1] > x.shape[1], node.inputs[1].type.shape[1]
    copies = all(axis.copies for axis in op.taps(x.shape[2:]))
    if more and mixed < _FEW and not copies and not is_asked_for(resize, node):
        return f"mixing {mixed} channels takes less than interpolating what it makes of them"
    return ""


def _stays_large(resize: Node, node: Node) -> str:
    """Why a convolution is not computed as a transposed one; empty if it is."""
    conv, taps = node.op, node.inputs[1].type.shape[2:]
    assert isinstance(conv, Conv)
    factors = repeats(resize)
    if factors is None:
        return "its pixels are not repeated by whole factors"
    if prod(factors) == 1:
        return "it does not enlarge the image"
    if prod(conv.stride) > 1 or any(d > 1 for d, k in zip(conv.dilation, taps, strict=True) if k > 1):
        return "windows with strides or dilation do not read the copies of a pixel together"
    if any(before >= k or after >= k for before, after, k in zip(*_halves(conv.pad), taps, strict=True)):
        return "some windows lie in the padding alone"
    wide = prod(k + s - 1 for k, s in zip(taps, factors, strict=True))
    weights = prod(node.inputs[1].type.shape[:2]) * wide * node.output.type.dtype.size
    if pixels(node) < _LARGE and weights > _CACHE and not is_asked_for(resize, node):
        return f"{pixels(node)} pixels are too few for {weights:,} bytes of weights, which would take longer to read"
    return ""


def is_asked_for(resize: Node, node: Node) -> bool:
    """Whether the source says `@fuse`: then it is done even where it might not pay."""
    return bool(resize.fuse or node.fuse)


def pixels(node: Node) -> int:
    """Those of a result, of all images."""
    return node.output.type.elements // node.output.type.shape[1]


def keeps_levels(resize: Node) -> bool:
    """Whether an image of one number all over is resized to the same: the weights of every output add up to 1."""
    op = resize.op
    assert isinstance(op, Resize)
    sums = (sum(weights) for axis in op.taps(resize.inputs[0].type.shape[2:]) for weights in axis.weights)
    return all(abs(total - 1) <= _ROUNDING for total in sums)


def repeats(resize: Node) -> Numbers | None:
    """How often each pixel is repeated along each axis; None where it is anything else."""
    op, extents = resize.op, resize.inputs[0].type.shape[2:]
    assert isinstance(op, Resize)
    factors = tuple(out // extent for out, extent in zip(op.size, extents, strict=True))
    for axis, factor, extent in zip(op.taps(extents), factors, extents, strict=True):
        if not axis.copies or axis.places != tuple((i,) for i in range(extent) for _ in range(factor)):
            return None
    return factors


def _halves(pad: Numbers) -> tuple[Numbers, Numbers]:
    """What is added before each axis, and after each."""
    return pad[: len(pad) // 2], pad[len(pad) // 2 :]


def exchanged(resize: Node, node: Node, op: Op, constants: Constants) -> list[Node]:
    """The node before the resize, which takes its name."""
    inputs = tuple(resize.inputs[0] if value == resize.output else value for value in node.inputs)
    (type,) = op.infer(*(value.type for value in inputs))
    small = Value(fresh_name(f"{node.name}.small", constants.names), type)
    constants.names.add(small.name)
    return [Node(op, inputs, (small,), node.span, node.fuse), replace(resize, inputs=(small,), outputs=node.outputs)]


def transposed(x: Value, factors: Numbers, node: Node, pad: Numbers, constants: Constants) -> list[Node]:
    """The constant nodes of the new weights, and the transposed convolution of `x`.

    It is that of `node` of x enlarged by `factors` and padded by `pad` zeros; negative numbers crop.
    """
    conv, weight = node.op, node.inputs[1]
    assert isinstance(conv, Conv)
    ic, taps = weight.type.shape[1], weight.type.shape[2:]
    none, each = (0,) * len(taps), (1,) * len(taps)
    nodes: list[Node] = []

    def make(name: str, op: Op, *inputs: Value) -> Value:
        return constants.make(nodes, node, f"{node.name}.weight.{name}", op, *inputs)

    one = make("one", Constant(1.0))
    for axis, (k, s) in enumerate(zip(taps, factors, strict=True)):
        if k > 1:
            weight = make("turned", Slice(axis + 2, k - 1, -k - 1, -1), weight)
        if s > 1:
            window = make("window", Expand((ic, 1, *(s if a == axis else 1 for a in range(len(taps))))), one)
            around = tuple(s - 1 if a == axis else 0 for a in range(len(taps)))
            weight = make("summed", Conv(each, (*around, *around), each, ic, False), weight, window)
    weight = _by_inputs(weight, conv.groups, make)
    cut = tuple(k - 1 - p for k, p in zip((*taps, *taps), pad, strict=True))
    op = ConvTranspose(factors, cut, none, each, conv.groups, conv.bias)
    return [*nodes, Node(op, (x, weight, *node.inputs[2:]), node.outputs, node.span, node.fuse)]


def _by_inputs(weight: Value, groups: int, make: Callable[..., Value]) -> Value:
    """`[oc, ic / groups, ...]` as `[ic, oc / groups, ...]`."""
    oc, ic, *taps = weight.type.shape
    each = oc // groups
    if each > 1 and ic > 1 and groups > 1:
        weight = make("groups", Reshape((groups, each, ic, *taps)), weight)
        weight = make("exchanged", Transpose((0, 2, 1, *range(3, 3 + len(taps)))), weight)
    elif groups == 1:
        weight = make("exchanged", Transpose((1, 0, *range(2, 2 + len(taps)))), weight)
    shape = (ic * groups, each, *taps)
    return weight if weight.type.shape == shape else make("taken", Reshape(shape), weight)
