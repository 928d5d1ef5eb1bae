"""Reductions, products of matrices, attention."""

from __future__ import annotations

from math import prod
from typing import Any, Final

import numpy as np

from convc.importers.onnx.errors import Declined
from convc.importers.torch.call import Call, Handler, Weight
from convc.ir.graph import Value

_REDUCTIONS: Final = {
    "mean": "reduce_mean", "sum": "reduce_sum", "amax": "reduce_max", "amin": "reduce_min", "prod": "reduce_prod",
    "logsumexp": "reduce_log_sum_exp",
}  # fmt: skip


def _axes(call: Call, rank: int) -> tuple[int, ...]:
    """Those named, else all."""
    return tuple(sorted(axis % rank for axis in call.numbers("dim", 1))) or tuple(range(rank))


def reduce(call: Call) -> Value:
    """A mean over whole maps is a global pooling."""
    if call.argument("dtype") is not None:
        raise Declined("a sum of another type")
    x, keepdims = call.value("self"), bool(call.argument("keepdim", False))
    rank = x.type.rank
    axes = _axes(call, rank)
    if call.op == "mean" and rank >= 3 and axes == tuple(range(2, rank)):
        if keepdims:
            return call.emit("global_avgpool", x)
        return call.emit("flatten", call.inner("global_avgpool", x))
    return call.emit(_REDUCTIONS[call.op], x, axes=axes, keepdims=keepdims)


def extreme(call: Call) -> Any:
    """`max` and `min` of two tensors, of one over an axis (whose positions are not computed), or of all of it."""
    if "other" in call.arguments:
        return call.emit(f"{call.op}imum", call.value("self"), call.value("other"))
    x, keepdims = call.value("self"), bool(call.argument("keepdim", False))
    result = call.emit(f"reduce_{call.op}", x, axes=_axes(call, x.type.rank), keepdims=keepdims)
    return (result, None) if "dim" in call.arguments else result


def variance(call: Call) -> Any:
    """`var`, `std` and `var_mean`: mean squares of what is left without the mean, times n / (n - correction)."""
    x = call.value("self")
    axes = _axes(call, x.type.rank)
    keepdims, count = bool(call.argument("keepdim", False)), prod(x.type.shape[axis] for axis in axes)
    unbiased = call.argument("unbiased", True)
    correction = call.number("correction", float(unbiased))
    if count <= correction:
        raise Declined(f"a variance of {count} numbers with a correction of {correction:g}")
    mean = call.inner("reduce_mean", x, axes=axes, keepdims=True)
    rest = call.inner("sub", x, mean)
    squares = call.inner("reduce_mean", call.inner("mul", rest, rest), axes=axes, keepdims=keepdims)
    result = squares
    if correction:
        result = call.inner("mul", squares, call.builder.number(count / (count - correction)))
    if call.op == "std":
        return call.emit("sqrt", result)
    if call.op == "var":
        return result
    return result, mean if keepdims else call.inner("reshape", mean, shape=result.type.shape)


def vector_norm(call: Call) -> Value:
    order, x = call.number("ord", 2.0), call.value("self")
    if call.argument("dtype") is not None or order not in (1, 2):
        raise Declined(f"a norm of order {order:g}; there are 1 and 2")
    keepdims = bool(call.argument("keepdim", False))
    return call.emit(f"reduce_l{order:.0f}", x, axes=_axes(call, x.type.rank), keepdims=keepdims)


def cumulative_sum(call: Call) -> Value:
    """A product with a triangle of ones."""
    if call.argument("dtype") is not None:
        raise Declined("a sum of another type")
    x = call.value("self")
    rank = x.type.rank
    axis = call.axis("dim", rank)
    triangle = call.constant(np.triu(np.ones((x.type.shape[axis],) * 2, np.float32)))
    if rank == 1:
        row = call.inner("matmul", call.inner("reshape", x, shape=(1, *x.type.shape)), triangle)
        return call.emit("reshape", row, shape=x.type.shape)
    if axis == rank - 1:
        return call.emit("matmul", x, triangle)
    order = tuple(rank - 1 if i == axis else axis if i == rank - 1 else i for i in range(rank))
    summed = call.inner("matmul", call.inner("transpose", x, order=order), triangle)
    return call.emit("transpose", summed, order=order)


def matmul(call: Call) -> Value:
    """`matmul`, `mm` and `bmm`."""
    a, b = call.value("self"), call.value("other" if "other" in call.arguments else "mat2")
    if min(a.type.rank, b.type.rank) < 2:
        raise Declined(f"a product with a vector: {a.type} and {b.type}; give it an axis of extent 1")
    return call.emit("matmul", a, b)


def attention(call: Call) -> Value:
    """softmax(query key^T * scale + mask) value"""
    query, key, value = (call.value(name) for name in ("query", "key", "value"))
    mask = call.argument("attn_mask")
    if call.argument("is_causal", False) or call.argument("enable_gqa", False) or call.number("dropout_p", 0.0):
        raise Declined("attention that is causal, shares keys among groups, or drops")
    if isinstance(mask, Weight) and mask.array.dtype.kind == "b":
        raise Declined("a mask of truth values; give it as numbers that are added")
    scale = call.builder.number(call.number("scale", query.type.shape[-1] ** -0.5))
    scores = call.inner("mul", call.inner("matmul", query, key, transpose_b=True), scale)
    if mask is not None:
        scores = call.inner("add", scores, call.value("attn_mask"))
    return call.emit("matmul", call.inner("softmax", scores, axis=scores.type.rank - 1), value)


def addmm(call: Call) -> Value:
    if call.number("beta", 1) != 1 or call.number("alpha", 1) != 1:
        raise Declined("factors on a product")
    return call.emit("add", call.inner("matmul", call.value("mat1"), call.value("mat2")), call.value("self"))


HANDLERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(_REDUCTIONS, reduce), "max": extreme, "min": extreme, "linalg_vector_norm": vector_norm,
    **dict.fromkeys(("var", "std", "var_mean"), variance), "cumsum": cumulative_sum,
    **dict.fromkeys(("matmul", "mm", "bmm"), matmul), "addmm": addmm,
    "scaled_dot_product_attention": attention,
}  # fmt: skip
