"""Sums, means, largest values and norms along axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from convc.importers.onnx.call import Call
from convc.importers.onnx.tensor import Tensor
from convc.ir.graph import Value

REDUCE = {
    "ReduceMean": "reduce_mean", "ReduceSum": "reduce_sum", "ReduceMax": "reduce_max", "ReduceMin": "reduce_min",
    "ReduceProd": "reduce_prod", "ReduceL1": "reduce_l1", "ReduceL2": "reduce_l2",
    "ReduceSumSquare": "reduce_sum_square", "ReduceLogSum": "reduce_log_sum",
    "ReduceLogSumExp": "reduce_log_sum_exp",
}  # fmt: skip


def reduce(op: str, call: Call) -> Value | Tensor:
    """Over the axes of the attribute (of the second input from operator set 13 or 18 on); none: over all of them."""
    x = call.value()
    axes = call.known_ints(1, "the axes") if call.has(1) else call.ints("axes")
    if not axes and call.attribute("noop_with_empty_axes", 0):
        return _of_nothing(op, call)
    axes = tuple(sorted(call.axes(axes or tuple(range(x.type.rank)), x.type.rank)))
    keep = bool(call.attribute("keepdims", 1))
    if op == "reduce_mean" and x.type.rank == 4 and axes == (2, 3):
        if keep:
            return call.emit("global_avgpool", x)
        return call.emit("flatten", call.inner("global_avgpool", x))
    return call.emit(op, x, axes=axes, keepdims=keep)


def _of_nothing(op: str, call: Call) -> Value | Tensor:
    """Reductions over no axis: what the op does to each element."""
    x = call.value()
    match op:
        case "reduce_l1" | "reduce_l2":
            return call.emit("abs", x)
        case "reduce_sum_square":
            return call.emit("mul", x, x)
        case "reduce_log_sum":
            return call.emit("log", x)
        case _:
            return call.tensor(0)


HANDLERS: dict[str, Callable[[Call], object]] = {name: partial(reduce, op) for name, op in REDUCE.items()}
