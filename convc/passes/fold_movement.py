"""fold-movement: movements that undo each other, do nothing, or can be done by whoever reads them.

    before:  a: f32[1, 4, 8, 9, 9] = reshape(x, shape = [1, 4, 8, 9, 9])        x: f32[1, 32, 9, 9]
             b: f32[1, 8, 4, 9, 9] = transpose(a, order = [0, 2, 1, 3, 4])
             c: f32[1, 32, 9, 9] = reshape(b, shape = [1, 32, 9, 9])
             p: f32[1, 32, 11, 11] = pad(c, pads = [0, 0, 1, 1, 0, 0, 1, 1])
             y: f32[1, 8, 9, 9] = conv(p, weight = w)
    after:   c: f32[1, 32, 9, 9] = channel_shuffle(x, groups = 4)
             y: f32[1, 8, 9, 9] = conv(c, weight = w, pad = 1)

Transposes in a row become one, so do reshapes of any kind; a reshape to [n, rest] becomes `flatten`, which linear
layers take in. A slice of a concatenation reads the operand it lies in, a slice of a slice its source; a slice of the
rows or columns of a transposed convolution becomes its padding; a concatenation of all pieces of a split takes what was
split. Zero padding goes into the convolution or average that reads it, padding with minus infinity into a maximum; a
matrix product takes a transposed operand as it lies.
Requires: nothing. Ensures: what is no longer read is left for `remove-dead`. Declines: padding that its reader cannot
take in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import OpError
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.matmul import MatMul
from convc.ops.movement import Expand, Gather, Movement, Slice, Split, Tile, Transpose
from convc.ops.pad import Pad
from convc.ops.pool import AvgPool, MaxPool
from convc.ops.reshaping import Squeeze, Unsqueeze
from convc.ops.shape import Concat, Flatten, Reshape
from convc.ops.shuffle import ChannelShuffle
from convc.passes.base import Pass, Report
from convc.passes.rewrite import substitute

_RESHAPES: Final = (Reshape, Flatten, Squeeze, Unsqueeze)

#: No float32 is smaller.
_LEAST: Final = -3.4028235e38


@dataclass(frozen=True)
class FoldMovement(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fold-movement"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        aliases: dict[str, Value] = {}
        made: dict[str, Node] = {}  # the nodes so far, by the names of their results
        kept: list[Node] = []
        for original in graph.nodes:
            node = substitute(original, aliases)
            while (folded := _fold(node, made, report)) is not None and folded is not node:
                node = folded
            if (shorter := _crop(graph, node, made, report)) is not None:
                node = shorter
            if _does_nothing(node):
                report.applied(node, f"removed: {node.op.name} moves nothing")
                aliases[node.name] = node.inputs[0]
                continue
            kept.append(node)
            made.update((value.name, node) for value in node.outputs)
        outputs = tuple(replace(o, value=aliases.get(o.value.name, o.value)) for o in graph.outputs)
        if tuple(kept) == graph.nodes and outputs == graph.outputs:
            return graph
        return replace(graph, nodes=tuple(kept), outputs=outputs)


def _fold(node: Node, made: Mapping[str, Node], report: Report) -> Node | None:
    """The node with what makes its first operand folded in, one step; None where there is nothing to fold."""
    before = made.get(node.inputs[0].name) if node.inputs else None
    match node.op:
        case Reshape() | Flatten() | Squeeze() | Unsqueeze():
            return _reshape(node, before, made, report)
        case MatMul():
            return _product(node, made, report)
        case Concat():
            return _join(node, node.op, made, report)
    if before is None:
        return None
    match (node.op, before.op):
        case (Transpose(order), Transpose(first)):
            report.applied(node, f"one transpose with {before.name}")
            return replace(node, op=Transpose(tuple(first[axis] for axis in order)), inputs=before.inputs)
        case (Slice(), Slice() | Concat()):
            return _slice(node, node.op, before, report)
        case (Conv() | AvgPool() | MaxPool(), Pad()):
            return _window(node, before, before.op, report)
    return None


def _does_nothing(node: Node) -> bool:
    """Whether a movement hands on its operand as it is."""
    if not isinstance(node.op, (Movement, Concat, *_RESHAPES)) or node.inputs[0].type != node.outputs[0].type:
        return False
    x = node.inputs[0].type
    match node.op:
        case Transpose(order):
            return order == tuple(range(x.rank))
        case Slice():
            return node.op.step == 1
        case Gather():
            return node.op.indices == tuple(range(x.shape[node.op.axis]))
        case Pad():
            return not any(node.op.pads)
        case ChannelShuffle(groups):
            return groups in (1, x.shape[1])
        case Concat():
            return len(node.inputs) == 1
        case Expand() | Tile() | Split() | Reshape() | Flatten() | Squeeze() | Unsqueeze():
            return True
    return False


def _reshape(node: Node, before: Node | None, made: Mapping[str, Node], report: Report) -> Node | None:
    """Reshapes in a row are one; around a transpose they may be a shuffle; to [n, rest] they are `flatten`."""
    source, shape = node.inputs[0], node.output.type.shape
    if before is not None and isinstance(before.op, _RESHAPES):
        report.applied(node, f"one reshape with {before.name}")
        op = Flatten() if _is_flatten(before.inputs[0], node.output) else Reshape(shape)
        return replace(node, op=op, inputs=before.inputs)
    if before is not None and isinstance(before.op, Transpose):
        shuffled = _shuffle(node, before, before.op, made.get(before.inputs[0].name))
        if shuffled is not None:
            report.applied(node, f"a shuffle of {shuffled.op.groups} groups of channels")  # type: ignore[attr-defined]
            return shuffled
    if isinstance(node.op, (Reshape, Squeeze)) and source.type.rank > 2 and _is_flatten(source, node.output):
        report.applied(node, "a flatten")
        return replace(node, op=Flatten())
    return None


def _is_flatten(source: Value, result: Value) -> bool:
    return source.type.rank > 1 and result.type.rank == 2 and source.type.shape[0] == result.type.shape[0]


def _shuffle(node: Node, transpose: Node, op: Transpose, split: Node | None) -> Node | None:
    """[n, c, ...] -> [n, g, c / g, ...] -> [n, c / g, g, ...] -> [n, c, ...]."""
    if split is None or not isinstance(split.op, _RESHAPES):
        return None
    x, parts = split.inputs[0].type.shape, split.output.type.shape
    rank = len(parts)
    apart = len(x) > 1 and rank == len(x) + 1 and (parts[0], *parts[3:]) == (x[0], *x[2:])
    if not apart or op.order != (0, 2, 1, *range(3, rank)) or node.output.type.shape != x:
        return None
    return replace(node, op=ChannelShuffle(parts[1]), inputs=split.inputs)


def _slice(node: Node, op: Slice, before: Node, report: Report) -> Node | None:
    """A slice reads from where the slice or concatenation before it has its elements."""
    if getattr(before.op, "axis", None) != op.axis:
        return None
    taken = op.indices(before.output.type.shape[op.axis])
    first, last = min(taken), max(taken)
    if isinstance(before.op, Slice):
        if op.step < 0 or before.op.step < 0:
            return None
        source = before.inputs[0]
        inner = before.op.indices(source.type.shape[op.axis])
        taken = inner[taken.start : taken.stop : taken.step]
    else:
        start, source = 0, before.inputs[0]
        for source in before.inputs:
            extent = source.type.shape[op.axis]
            if start <= first and last < start + extent:
                break
            start += extent
        else:
            return None
        taken = range(taken.start - start, taken.stop - start, taken.step)
    report.applied(node, f"reads {source.name} where {before.name} has it from")
    stop = taken.stop if taken.stop >= 0 else -source.type.shape[op.axis] - 1
    return replace(node, op=Slice(op.axis, taken.start, stop, taken.step), inputs=(source,))


def _crop(graph: Graph, node: Node, made: Mapping[str, Node], report: Report) -> Node | None:
    """A slice of a transposed convolution that nobody else reads: what is cut off becomes its padding."""
    op = node.op
    if not isinstance(op, Slice) or op.step != 1 or op.axis < 2:
        return None
    before = made.get(node.inputs[0].name)
    if before is None or not isinstance(before.op, ConvTranspose) or before.name in graph.output_names:
        return None
    if tuple(user.name for user in graph.users[before.name]) != (node.name,):
        return None
    pad, axis, rank = list(before.op.pad), op.axis - 2, before.output.type.rank - 2
    pad[axis] += op.begin
    pad[rank + axis] += before.output.type.shape[op.axis] - op.end
    report.applied(node, f"taken from {before.name} by padding: the rest is not computed")
    return replace(before, op=replace(before.op, pad=tuple(pad)), outputs=node.outputs)


def _join(node: Node, op: Concat, made: Mapping[str, Node], report: Report) -> Node | None:
    """A concatenation that has all pieces of a split in order takes what was split instead."""
    for place, value in enumerate(node.inputs):
        split = made.get(value.name)
        if split is None or not isinstance(split.op, Split) or split.op.axis != op.axis:
            continue
        end = place + len(split.outputs)
        if node.inputs[place:end] == split.outputs:
            report.applied(node, f"takes {split.inputs[0].name} whole, not in pieces")
            return replace(node, inputs=(*node.inputs[:place], *split.inputs, *node.inputs[end:]))
    return None


def _window(node: Node, before: Node, pad: Pad, report: Report) -> Node | None:
    """Padding becomes that of the window that reads it."""
    reason = _refusal(node, pad)
    if not reason:
        rank = len(pad.pads) // 2
        more = (*pad.pads[2:rank], *pad.pads[rank + 2 :])
        op = node.op
        assert isinstance(op, (Conv, AvgPool, MaxPool))
        wider = replace(op, pad=tuple(a + b for a, b in zip(op.pad, more, strict=True)))
        if isinstance(wider, AvgPool):
            wider = replace(wider, count_include_pad=True)
        inputs = (before.inputs[0], *node.inputs[1:])
        try:
            (type,) = wider.infer(*(value.type for value in inputs))
        except OpError as error:
            reason = str(error)
        else:
            if type.shape == node.output.type.shape:
                report.applied(node, f"takes in the padding of {before.name}")
                return replace(node, op=wider, inputs=inputs)
            reason = "its last windows would begin elsewhere"
    report.declined(node, f"does not take in the padding of {before.name}: {reason}")
    return None


def _refusal(node: Node, pad: Pad) -> str:
    rank = len(pad.pads) // 2
    if pad.mode != "constant":
        return f"it is no constant ({pad.mode})"
    if any((*pad.pads[:2], *pad.pads[rank : rank + 2])) or min(pad.pads) < 0:
        return "it is not around the spatial axes alone"
    if isinstance(node.op, MaxPool):
        return "" if pad.value <= _LEAST else f"{pad.value} could be the largest"
    if pad.value != 0:
        return f"windows are padded with zeros, this is {pad.value}"
    if isinstance(node.op, AvgPool) and any(node.op.pad) and not node.op.count_include_pad:
        return "the mean counts it, and not the padding of its own"
    return ""


def _product(node: Node, made: Mapping[str, Node], report: Report) -> Node | None:
    """A product reads a transposed matrix as it lies."""
    op = node.op
    assert isinstance(op, MatMul)
    for place, flag in enumerate(("transpose_a", "transpose_b")):
        before = made.get(node.inputs[place].name)
        if before is None or not isinstance(before.op, Transpose):
            continue
        rank = len(before.op.order)
        if rank < 2 or before.op.order != (*range(rank - 2), rank - 1, rank - 2):
            continue
        report.applied(node, f"takes {before.inputs[0].name} transposed")
        inputs = tuple(before.inputs[0] if i == place else value for i, value in enumerate(node.inputs))
        turned = MatMul(op.transpose_a ^ (flag == "transpose_a"), op.transpose_b ^ (flag == "transpose_b"))
        return replace(node, op=turned, inputs=inputs)
    return None
