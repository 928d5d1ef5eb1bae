"""Which ops compute image by image: image i of a result from image i of the operands.

The images of a batch lie along the first axis, whatever they are: maps, rows, sequences. Operands that belong to no
image, weights first of all, are read whole for each. Such ops can be run for some images of a batch at a time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Fused, Op
from convc.ops.adaptive_pool import AdaptivePool
from convc.ops.common import Elementwise
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.ops.movement import Expand, Gather, Slice, Split, Tile, Transpose
from convc.ops.normalization import LocalResponseNorm
from convc.ops.pad import Pad
from convc.ops.pool import GlobalPool, WindowPool
from convc.ops.reduce import Reduce
from convc.ops.reshaping import Squeeze, Unsqueeze
from convc.ops.resize import Resize
from convc.ops.shape import Concat, Dropout, Flatten, Identity, Reorder, Reshape
from convc.ops.shuffle import ChannelShuffle, DepthToSpace, SpaceToDepth
from convc.ops.softmax import AlongAxis
from convc.ops.statistics import GroupNorm, InstanceNorm, LayerNorm, LpNorm

#: Ops whose first axis is that of the images by definition.
_OF_IMAGES = (
    Conv, ConvTranspose, DeformConv, WindowPool, GlobalPool, AdaptivePool, Resize, LocalResponseNorm, InstanceNorm,
    GroupNorm, ChannelShuffle, DepthToSpace, SpaceToDepth, Flatten, Identity, Dropout, Reorder,
)  # fmt: skip

#: Ops that may be no more than another name for the bytes of their operands.
_RENAMING = (Flatten, Reshape, Squeeze, Unsqueeze, Identity, Dropout, Concat)


def batch_of(graph: Graph) -> int:
    """The number of images a network takes at once: the largest first extent of its inputs of the highest rank."""
    rank = max((value.type.rank for value in graph.inputs), default=0)
    return max((value.type.shape[0] for value in graph.inputs if value.type.rank == rank > 1), default=1)


def image_values(graph: Graph) -> frozenset[str]:
    """Names of the values that can be computed image by image, the inputs among them."""
    batch = batch_of(graph)
    found = {value.name for value in graph.inputs if value.type.rank > 1 and value.type.shape[0] == batch}
    mixed: set[str] = set()  # other names for all images of a value: there when the last image is
    for node in graph.runtime_nodes():
        made = set() if any(v.name in mixed for v in node.inputs) else _made_by_image(node, found, graph.constants)
        if not made and isinstance(node.op, _RENAMING) and any(v.name in found or v.name in mixed for v in node.inputs):
            mixed.update(value.name for value in node.outputs)
        found |= made
    return frozenset(found)


def is_by_image(node: Node, images: Collection[str]) -> bool:
    """Whether a node computes image by image, where `images` are those of `image_values`."""
    return all(value.name in images for value in node.outputs)


def of_images(node: Node, images: Collection[str], count: int) -> Node:
    """The same computation for `count` images; layouts keep their strides."""

    def seen(value: Value) -> Value:
        return of_some(value, count) if value.name in images else value

    inputs, outputs = tuple(map(seen, node.inputs)), tuple(map(seen, node.outputs))
    op = node.op
    if isinstance(op, Fused):
        op = Fused(tuple(of_images(inner, images, count) for inner in op.nodes), tuple(map(seen, op.results)))
    elif isinstance(op, (Reshape, Expand)):
        op = replace(op, shape=(count, *op.shape[1:]))
    return replace(node, op=op, inputs=inputs, outputs=outputs)


def of_some(value: Value, count: int) -> Value:
    """A value as the part of it that `count` images have."""
    return Value(value.name, replace(value.type, shape=(count, *value.type.shape[1:])))


def _made_by_image(node: Node, images: Collection[str], constants: Collection[str]) -> set[str]:
    """The values of a node that are made image by image, those inside a region too; none if any result is not."""
    if not isinstance(node.op, Fused):
        return {value.name for value in node.outputs} if _is_by_image(node, images, constants) else set()
    known = set(images)
    for inner in node.op.nodes:
        known |= _made_by_image(inner, known, constants)
    inside = known - set(images)
    whole = [v for inner in node.op.nodes for v in inner.outputs if inner.inputs and v.name not in inside]
    return inside if not whole else set()


def _is_by_image(node: Node, images: Collection[str], constants: Collection[str]) -> bool:
    op, result = node.op, node.outputs[0].type
    read = [value for value in node.inputs if value.name in images]
    if not read or not result.rank or any(value.type.shape[0] != read[0].type.shape[0] for value in node.outputs):
        return False
    if isinstance(op, (Elementwise, MatMul)):
        return _broadcasts(node, images) and (not isinstance(op, MatMul) or _keeps_rows(op, node, images))
    others = [value for value in node.inputs if value.name not in images]
    if node.inputs[0].name not in images or any(value.name not in constants for value in others):
        return False
    return _keeps_first_axis(op, node)


def _broadcasts(node: Node, images: Collection[str]) -> bool:
    """Whether images meet images along the first axis, and what is no image has no extent there."""
    rank = node.outputs[0].type.rank
    return all(
        value.type.rank == rank if value.name in images else value.type.rank < rank or value.type.shape[0] == 1
        for value in node.inputs
    )


def _keeps_rows(op: MatMul, node: Node, images: Collection[str]) -> bool:
    """Whether the first axis of a product is one of its batch, or that of the rows on the left."""
    a, b = node.inputs
    return node.outputs[0].type.rank > 2 or (a.name in images and b.name not in images and not op.transpose_a)


def _keeps_first_axis(op: Op, node: Node) -> bool:
    """Whether an op of its operands' axes leaves the first one alone."""
    src, dst = node.inputs[0].type, node.outputs[0].type
    match op:
        case Linear():
            return src.rank > 1
        case AlongAxis() | LayerNorm() | LpNorm() | Slice() | Split() | Gather():
            return op.axis != 0
        case Concat():
            return op.axis != 0 and all(value.type.shape[0] == src.shape[0] for value in node.inputs)
        case Reduce() | Squeeze() | Unsqueeze():
            return 0 not in op.axes
        case Transpose():
            return op.order[0] == 0
        case Pad():
            return op.around(0) == (0, 0)
        case Tile():
            return op.repeats[0] == 1
        case Expand():
            return src.rank == dst.rank
        case Reshape():
            return True  # both have as many images, and so as many elements in each
    return isinstance(op, _OF_IMAGES)


__all__ = ["batch_of", "image_values", "is_by_image", "of_images", "of_some"]
