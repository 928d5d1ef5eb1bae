"""A pointwise convolution of an image whose channels are scaled: the weights are scaled in place of the pixels.

    conv(mul(x, s), w)  =  conv(x, w * s)       with s a number for every input channel of every image

as after squeeze-and-excitation, whose scale is known only at run time. Of a large map with few output channels the
weights are a hundredth of the pixels, so the scale costs nothing, and the convolution reads the map as any other does.
"""

from __future__ import annotations

from dataclasses import replace

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import members
from convc.ir.types import TensorType
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.conv_packing import ConvPacking
from convc.kernels.scale_weights import ScaleWeights
from convc.ops.elementwise import Mul
from convc.options import Target
from convc.plan.call import Call, Packed
from convc.plan.direct import direct_call


def scaled_calls(graph: Graph, node: Node, before: Node, after: Node, target: Target) -> tuple[Call, ...]:
    """The calls for `node`, whose region is `before` and then `after`, a pointwise convolution with its epilogue.

    There are none where `before` is something else than a scale, or where the weights are more than the pixels.
    """
    scaled = _scaled(graph, before)
    if scaled is None:
        return ()
    image, scale = scaled
    conv, *followers = members(after)
    call = direct_call(graph, node, replace(conv, inputs=(image, *conv.inputs[1:])), followers, target)
    kernel, (source, packed, *others) = call.kernel, call.operands
    assert isinstance(kernel, ConvDirect)
    assert isinstance(packed, Packed)
    assert isinstance(packed.packing, ConvPacking)
    scaling = _scaling(kernel, packed.packing, scale.type)
    numbers = image.type.elements // kernel.n
    if scaling.size >= numbers:
        return ()
    weights = Value(f"{before.name}.weights", TensorType.plain((scaling.n, scaling.size)))
    reason = f"the {scaling.size:,} weights are scaled, in place of the {numbers:,} numbers of an image"
    scaling_node = Node(before.op, (packed.value, scale), (weights,), before.span)
    first = Call(scaling, (packed, scale, weights), scaling.items, scaling_node, reason)
    kernel = replace(kernel, own_weights=scaling.n > 1)
    return (first, replace(call, kernel=kernel, operands=(source, weights, *others)))


def _scaled(graph: Graph, before: Node) -> tuple[Value, Value] | None:
    """The image and the numbers that `before` scales its channels by; None where it does something else."""
    if not isinstance(before.op, Mul):
        return None
    type = before.output.type
    image, scale = before.inputs if before.inputs[0].type.shape == type.shape else before.inputs[::-1]
    by_channel = scale.type.rank == type.rank and scale.type.shape[1:] == (type.shape[1], *(1,) * (type.rank - 2))
    side_by_side = by_channel and scale.type.strides[1] == scale.type.block
    fits = image.type == type and side_by_side and scale.name not in graph.constants
    return (image, scale) if fits else None


def _scaling(kernel: ConvDirect, packing: ConvPacking, scale: TensorType) -> ScaleWeights:
    split, channels = packing.split, packing.reduction.channels
    part = split.blocks * packing.reduction.block if split else channels
    n, step = scale.shape[0], scale.strides[0]
    return ScaleWeights(kernel.lanes, kernel.vectors, n, channels, kernel.oc_tiles, part, step if n > 1 else 0)
