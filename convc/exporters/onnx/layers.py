"""Convolutions, poolings, linear layers, resizing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convc.exporters.onnx.emitter import Emitter
from convc.ir.graph import Node


def conv(e: Emitter, node: Node, op: Any) -> None:
    e.op("Conv", *names(node), into=node.name, kernel_shape=node.inputs[1].type.shape[2:], strides=op.stride,
         pads=op.pad, dilations=op.dilation, group=op.groups)  # fmt: skip


def conv_transpose(e: Emitter, node: Node, op: Any) -> None:
    e.op("ConvTranspose", *names(node), into=node.name, kernel_shape=node.inputs[1].type.shape[2:],
         strides=op.stride, pads=op.pad, dilations=op.dilation, output_padding=op.output_pad,
         group=op.groups)  # fmt: skip


def deform_conv(e: Emitter, node: Node, op: Any) -> None:
    given = dict(zip(op.operands(len(node.inputs)), names(node), strict=True))
    inputs = [given["x"], given["weight"], given["offset"], given.get("bias", ""), given.get("mask", "")]
    while not inputs[-1]:
        inputs.pop()
    kernel = node.inputs[list(given).index("weight")].type.shape[2:]
    e.op("DeformConv", *inputs, into=node.name, kernel_shape=kernel, strides=op.stride, pads=op.pad,
         dilations=op.dilation, group=op.groups, offset_group=op.offset_groups)  # fmt: skip


def maxpool(e: Emitter, node: Node, op: Any) -> None:
    e.op("MaxPool", *names(node), into=node.name, kernel_shape=op.kernel, strides=op.stride, pads=op.pad,
         dilations=op.dilation, ceil_mode=int(op.ceil))  # fmt: skip


def avgpool(e: Emitter, node: Node, op: Any) -> None:
    e.op("AveragePool", *names(node), into=node.name, kernel_shape=op.kernel, strides=op.stride, pads=op.pad,
         dilations=op.dilation, ceil_mode=int(op.ceil), count_include_pad=int(op.count_include_pad))  # fmt: skip


def lppool(e: Emitter, node: Node, op: Any) -> None:
    e.op("LpPool", *names(node), into=node.name, kernel_shape=op.kernel, strides=op.stride, pads=op.pad,
         dilations=op.dilation, ceil_mode=int(op.ceil), p=int(op.p))  # fmt: skip


def global_pool(kind: str) -> Any:
    def emit(e: Emitter, node: Node, op: Any) -> None:
        attributes = {"p": int(op.p)} if kind == "GlobalLpPool" else {}
        e.op(kind, *names(node), into=node.name, **attributes)

    return emit


def adaptive_avgpool(e: Emitter, node: Node, op: Any) -> None:
    """Windows of uneven sizes: a product with a matrix of shares along each axis, the last one first."""
    shape, out = node.inputs[0].type.shape, node.output.type.shape
    rank = len(shape)
    value = node.inputs[0].name
    for axis in reversed(range(2, rank)):
        shares = np.zeros((shape[axis], out[axis]), np.float32)
        for place, (begin, end) in enumerate(_bins(shape[axis], out[axis])):
            shares[begin:end, place] = 1 / (end - begin)
        swap = [*range(axis), *range(axis + 1, rank), axis]
        back = [*range(axis), rank - 1, *range(axis, rank - 1)]
        turned = value if axis == rank - 1 else e.op("Transpose", value, perm=swap)
        product = e.op("MatMul", turned, e.numbers(shares))
        value = product if axis == rank - 1 else e.op("Transpose", product, perm=back)
    e.op("Identity", value, into=node.name)


def adaptive_maxpool(e: Emitter, node: Node, op: Any) -> None:
    """The largest value of each window, axis by axis, put together again."""
    shape, out = node.inputs[0].type.shape, node.output.type.shape
    value = node.inputs[0].name
    for axis in range(2, len(shape)):
        parts = [
            e.op("ReduceMax", e.op("Slice", value, e.ints([begin]), e.ints([end]), e.ints([axis])), e.ints([axis]))
            for begin, end in _bins(shape[axis], out[axis])
        ]
        value = parts[0] if len(parts) == 1 else e.op("Concat", *parts, axis=axis)
    e.op("Identity", value, into=node.name)


def _bins(size: int, out: int) -> list[tuple[int, int]]:
    """Where each window begins and ends: floor(i * size / out) to ceil((i + 1) * size / out)."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def linear(e: Emitter, node: Node, op: Any) -> None:
    if node.inputs[0].type.rank == 2:
        e.op("Gemm", *names(node), into=node.name, transB=1)
        return
    x, weight = names(node)[:2]
    turned = e.op("Transpose", weight, perm=[1, 0])
    if op.bias:
        e.op("Add", e.op("MatMul", x, turned), node.inputs[2].name, into=node.name)
    else:
        e.op("MatMul", x, turned, into=node.name)


def resize(e: Emitter, node: Node, op: Any) -> None:
    """By its size where that is what the scale came from, otherwise by the scale."""
    extents = node.inputs[0].type.shape[2:]
    attributes: dict[str, Any] = {
        "mode": op.mode, "coordinate_transformation_mode": op.coordinates, "nearest_mode": op.rounding,
        "cubic_coeff_a": float(op.cubic), "exclude_outside": int(op.exclude_outside), "antialias": int(op.antialias),
    }  # fmt: skip
    if all(scale == out / extent for scale, out, extent in zip(op.scale, op.size, extents, strict=True)):
        e.op("Resize", node.inputs[0].name, "", "", e.ints(node.output.type.shape), into=node.name, **attributes)
    else:
        e.op("Resize", node.inputs[0].name, "", e.numbers([1, 1, *op.scale]), into=node.name, **attributes)


def matmul(e: Emitter, node: Node, op: Any) -> None:
    operands = []
    for value, turned in zip(node.inputs, (op.transpose_a, op.transpose_b), strict=True):
        rank = value.type.rank
        order = [*range(rank - 2), rank - 1, rank - 2]
        operands.append(e.op("Transpose", value.name, perm=order) if turned else value.name)
    e.op("MatMul", *operands, into=node.name)


def names(node: Node) -> list[str]:
    return [value.name for value in node.inputs]


HANDLERS: dict[str, Callable[[Emitter, Node, Any], None]] = {
    "conv": conv, "conv_transpose": conv_transpose, "deform_conv": deform_conv, "maxpool": maxpool, "avgpool": avgpool,
    "lppool": lppool, "global_avgpool": global_pool("GlobalAveragePool"),
    "global_maxpool": global_pool("GlobalMaxPool"), "global_lppool": global_pool("GlobalLpPool"),
    "adaptive_avgpool": adaptive_avgpool, "adaptive_maxpool": adaptive_maxpool, "linear": linear, "resize": resize,
    "matmul": matmul,
}  # fmt: skip
