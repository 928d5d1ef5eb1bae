"""Normalisation and reductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from convc.exporters.onnx.emitter import Emitter
from convc.exporters.onnx.layers import names
from convc.ir.graph import Node

REDUCE = {
    "reduce_sum": "ReduceSum", "reduce_mean": "ReduceMean", "reduce_max": "ReduceMax", "reduce_min": "ReduceMin",
    "reduce_prod": "ReduceProd", "reduce_l1": "ReduceL1", "reduce_l2": "ReduceL2",
    "reduce_sum_square": "ReduceSumSquare", "reduce_log_sum": "ReduceLogSum",
    "reduce_log_sum_exp": "ReduceLogSumExp",
}  # fmt: skip


def reduce(kind: str, e: Emitter, node: Node, op: Any) -> None:
    axes = op.axes or ()
    e.op(kind, *names(node), e.ints(axes), into=node.name, keepdims=int(op.keepdims), noop_with_empty_axes=1)


def batchnorm(e: Emitter, node: Node, op: Any) -> None:
    e.op("BatchNormalization", *names(node), into=node.name, epsilon=op.eps)


def local_response_norm(e: Emitter, node: Node, op: Any) -> None:
    """ONNX centres windows of even size differently: those are averaged over a padded axis of their own."""
    if op.size % 2:
        e.op("LRN", *names(node), into=node.name, size=op.size, alpha=op.alpha, beta=op.beta, bias=op.k)
        return
    (x,) = names(node)
    square = e.op("Unsqueeze", e.op("Mul", x, x), e.ints([1]))
    before, after = op.size // 2, (op.size - 1) // 2
    padded = e.op("Pad", square, e.ints([0, 0, before, 0, 0, 0, 0, after, 0, 0]))
    mean = e.op("Squeeze", e.op("AveragePool", padded, kernel_shape=[op.size, 1, 1]), e.ints([1]))
    base = e.op("Add", e.op("Mul", mean, e.numbers(op.alpha)), e.numbers(op.k))
    e.op("Div", x, e.op("Pow", base, e.numbers(op.beta)), into=node.name)


def _weights(e: Emitter, node: Node, op: Any, shape: tuple[int, ...]) -> list[str]:
    """Scale and shift: ONNX wants both."""
    given = dict(zip(op.operands(len(node.inputs)), names(node), strict=True))
    scale = given.get("weight") or e.numbers(np.ones(shape))
    return [given["x"], scale, given.get("bias") or e.numbers(np.zeros(shape))]


def instance_norm(e: Emitter, node: Node, op: Any) -> None:
    shape = node.inputs[0].type.shape[1:2]
    e.op("InstanceNormalization", *_weights(e, node, op, shape), into=node.name, epsilon=op.eps)


def group_norm(e: Emitter, node: Node, op: Any) -> None:
    shape = node.inputs[0].type.shape[1:2]
    inputs = _weights(e, node, op, shape)
    e.op("GroupNormalization", *inputs, into=node.name, epsilon=op.eps, num_groups=op.groups)


def layer_norm(e: Emitter, node: Node, op: Any) -> None:
    shape = node.inputs[0].type.shape[op.axis :]
    e.op("LayerNormalization", *_weights(e, node, op, shape), into=node.name, epsilon=op.eps, axis=op.axis)


def lp_norm(e: Emitter, node: Node, op: Any) -> None:
    (x,) = names(node)
    length = e.op("ReduceL1" if op.p == 1 else "ReduceL2", x, e.ints([op.axis]), keepdims=1)
    e.op("Div", x, e.op("Max", length, e.numbers(op.eps)), into=node.name)


HANDLERS: dict[str, Callable[[Emitter, Node, Any], None]] = {
    **{name: partial(reduce, kind) for name, kind in REDUCE.items()},
    "batchnorm": batchnorm, "local_response_norm": local_response_norm, "instance_norm": instance_norm,
    "group_norm": group_norm, "layer_norm": layer_norm, "lp_norm": lp_norm,
}  # fmt: skip
