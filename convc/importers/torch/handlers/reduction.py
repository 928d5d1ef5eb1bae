"""Reductions, and products of matrices."""

from __future__ import annotations

from typing import Final

from convc.importers.onnx.errors import Declined
from convc.importers.torch.call import Call, Handler
from convc.ir.graph import Value

_REDUCTIONS: Final = {
    "mean": "reduce_mean", "sum": "reduce_sum", "amax": "reduce_max", "amin": "reduce_min",
}  # fmt: skip


def reduce(call: Call) -> Value:
    """A mean over whole maps is a global pooling."""
    if call.argument("dtype") is not None:
        raise Declined("a sum of another type")
    x = call.value("self")
    rank = x.type.rank
    axes = tuple(sorted(axis % rank for axis in call.numbers("dim", 1))) or tuple(range(rank))
    if call.op == "mean" and rank >= 3 and axes == tuple(range(2, rank)):
        if call.argument("keepdim", False):
            return call.emit("global_avgpool", x)
        return call.emit("flatten", call.inner("global_avgpool", x))
    return call.emit(_REDUCTIONS[call.op], x, axes=axes, keepdims=bool(call.argument("keepdim", False)))


def matmul(call: Call) -> Value:
    """`matmul`, `mm` and `bmm`."""
    a, b = call.value("self"), call.value("other" if "other" in call.arguments else "mat2")
    if min(a.type.rank, b.type.rank) < 2:
        raise Declined(f"a product with a vector: {a.type} and {b.type}; give it an axis of extent 1")
    return call.emit("matmul", a, b)


def addmm(call: Call) -> Value:
    if call.number("beta", 1) != 1 or call.number("alpha", 1) != 1:
        raise Declined("factors on a product")
    return call.emit("add", call.inner("matmul", call.value("mat1"), call.value("mat2")), call.value("self"))


HANDLERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(_REDUCTIONS, reduce), **dict.fromkeys(("matmul", "mm", "bmm"), matmul), "addmm": addmm,
}  # fmt: skip
