"""Matrix products. One with a weight is a linear layer; one of two computed tensors is `matmul`."""

from __future__ import annotations

import numpy as np

from convc.importers.onnx.call import Call, short
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.tensor import Array
from convc.ir.graph import Value


def gemm(call: Call) -> Value:
    """alpha * a @ b + beta * c, a and b transposed where the attributes say so."""
    alpha, beta = short(call.attribute("alpha", 1.0)), short(call.attribute("beta", 1.0))
    a = call.value(0)
    if a.type.rank != 2 or len(call.tensor(1).shape) != 2:
        raise Declined(f"matrices are needed, its operands are {a.type} and {list(call.tensor(1).shape)}")
    if call.tensor(1).array is None:
        return _general(call, alpha, beta)
    a = call.inner("transpose", a, order=(1, 0)) if call.attribute("transA", 0) else a
    across = bool(call.attribute("transB", 0))
    weight = call.weight(1, "weight", f"{alpha} {across}", lambda w: np.float32(alpha) * (w if across else w.T))
    if _is_bias(call, weight.type.shape[0]):
        bias = call.weight(2, "bias", f"{beta} bias", lambda c: _per_output(np.float32(beta) * c, weight.type.shape[0]))
        return call.emit("linear", a, weight=weight, bias=bias)
    if not call.has(2) or beta == 0.0:
        return call.emit("linear", a, weight=weight, bias=False)
    return call.emit("add", call.inner("linear", a, weight=weight, bias=False), _times(call, call.value(2), beta))


def _is_bias(call: Call, outputs: int) -> bool:
    """Whether c is known and the same for every row."""
    if not call.has(2) or call.tensor(2).array is None:
        return False
    shape = call.tensor(2).shape
    return shape in ((), (1,), (outputs,), (1, 1), (1, outputs))


def _per_output(array: Array, outputs: int) -> Array:
    return np.array(np.broadcast_to(array.reshape(-1), (outputs,)))


def _general(call: Call, alpha: float, beta: float) -> Value:
    turned = {f"transpose_{name}": bool(call.attribute(f"trans{name.upper()}", 0)) for name in "ab"}
    a, b = _times(call, call.value(0), alpha), call.value(1)
    if not call.has(2) or beta == 0.0:
        return call.emit("matmul", a, b, **turned)
    return call.emit("add", call.inner("matmul", a, b, **turned), _times(call, call.value(2), beta))


def _times(call: Call, x: Value, factor: float) -> Value:
    return x if factor == 1.0 else call.inner("mul", x, call.builder.number(factor))


def matmul(call: Call) -> Value:
    a, b = call.tensor(0), call.tensor(1)
    if b.array is not None and b.array.ndim == 2 and len(a.shape) >= 2:
        weight = call.weight(1, "weight", "transposed", lambda array: array.T)
        return call.emit("linear", call.value(0), weight=weight, bias=False)
    return call.emit("matmul", call.value(0), call.value(1))


def cumulative_sum(call: Call) -> Value:
    """A product with a triangle of ones, the axis being the last meanwhile."""
    x, (axis,) = call.value(0), call.known_ints(1, "the axis")
    rank = x.type.rank
    axis, extent = call.axis(axis, rank), x.type.shape[axis]
    ones = np.triu(np.ones((extent, extent), np.float32), int(call.attribute("exclusive", 0)))
    triangle = call.builder.parameter(f"{call.name}.triangle", ones.T if call.attribute("reverse", 0) else ones)
    if rank == 1:
        row = call.inner("matmul", call.reshaped(x, (1, extent)), triangle)
        return call.emit("reshape", row, shape=(extent,))
    if axis == rank - 1:
        return call.emit("matmul", x, triangle)
    order = tuple(rank - 1 if i == axis else axis if i == rank - 1 else i for i in range(rank))
    return call.emit("transpose", call.inner("matmul", call.inner("transpose", x, order=order), triangle), order=order)


HANDLERS = {"CumSum": cumulative_sum, "Gemm": gemm, "MatMul": matmul}
