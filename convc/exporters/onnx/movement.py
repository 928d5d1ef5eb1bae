"""Ops that move elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convc.exporters.onnx.emitter import Emitter
from convc.exporters.onnx.layers import names
from convc.ir.graph import Node


def transpose(e: Emitter, node: Node, op: Any) -> None:
    e.op("Transpose", *names(node), into=node.name, perm=op.order)


def slice_(e: Emitter, node: Node, op: Any) -> None:
    numbers = (op.begin, op.end, op.axis, op.step)
    e.op("Slice", *names(node), *(e.ints([number]) for number in numbers), into=node.name)


def split(e: Emitter, node: Node, op: Any) -> None:
    e.ops("Split", [*names(node), e.ints(op.sizes)], [value.name for value in node.outputs], axis=op.axis)


def pad(e: Emitter, node: Node, op: Any) -> None:
    value = [e.numbers(op.value)] if op.mode == "constant" else []
    e.op("Pad", *names(node), e.ints(op.pads), *value, into=node.name, mode=op.mode)


def with_axes(kind: str) -> Any:
    def emit(e: Emitter, node: Node, op: Any) -> None:
        e.op(kind, *names(node), e.ints(op.axes), into=node.name)

    return emit


def expand(e: Emitter, node: Node, op: Any) -> None:
    e.op("Expand", *names(node), e.ints(op.shape), into=node.name)


def tile(e: Emitter, node: Node, op: Any) -> None:
    e.op("Tile", *names(node), e.ints(op.repeats), into=node.name)


def gather(e: Emitter, node: Node, op: Any) -> None:
    e.op("Gather", *names(node), e.ints(op.indices), into=node.name, axis=op.axis)


def channel_shuffle(e: Emitter, node: Node, op: Any) -> None:
    n, c, *rest = node.inputs[0].type.shape
    apart = e.op("Reshape", *names(node), e.ints([n, op.groups, c // op.groups, *rest]))
    order = [0, 2, 1, *range(3, 3 + len(rest))]
    e.op("Reshape", e.op("Transpose", apart, perm=order), e.ints([n, c, *rest]), into=node.name)


def depth_to_space(e: Emitter, node: Node, op: Any) -> None:
    e.op("DepthToSpace", *names(node), into=node.name, blocksize=op.factor, mode=op.mode.upper())


def space_to_depth(e: Emitter, node: Node, op: Any) -> None:
    e.op("SpaceToDepth", *names(node), into=node.name, blocksize=op.factor)


def concat(e: Emitter, node: Node, op: Any) -> None:
    e.op("Concat", *names(node), into=node.name, axis=op.axis)


def flatten(e: Emitter, node: Node, op: Any) -> None:
    e.op("Flatten", *names(node), into=node.name, axis=1)


def reshape(e: Emitter, node: Node, op: Any) -> None:
    e.op("Reshape", *names(node), e.ints(op.shape), into=node.name)


HANDLERS: dict[str, Callable[[Emitter, Node, Any], None]] = {
    "transpose": transpose, "slice": slice_, "split": split, "pad": pad, "squeeze": with_axes("Squeeze"),
    "unsqueeze": with_axes("Unsqueeze"), "expand": expand, "tile": tile, "gather": gather,
    "channel_shuffle": channel_shuffle, "depth_to_space": depth_to_space, "space_to_depth": space_to_depth,
    "concat": concat, "flatten": flatten, "reshape": reshape,
}  # fmt: skip
