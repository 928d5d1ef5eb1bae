"""The ops, one file per family. A new op is a class in one of them and its name in `ALL_OPS`."""

from __future__ import annotations

from typing import Final

from convc.ir.op import Op
from convc.ops.activation import LeakyRelu, Relu, Relu6, Sigmoid, Softmax, Tanh
from convc.ops.conv import Conv
from convc.ops.elementwise import Add, Constant, Div, Mul, Sqrt, Sub
from convc.ops.linear import Linear
from convc.ops.normalization import BatchNorm, LocalResponseNorm
from convc.ops.pool import AvgPool, GlobalAvgPool, MaxPool
from convc.ops.shape import Concat, Dropout, Flatten, Identity, Reorder, Reshape

ALL_OPS: Final[tuple[type[Op], ...]] = (
    Conv, MaxPool, AvgPool, GlobalAvgPool, Linear, BatchNorm, LocalResponseNorm,
    Relu, LeakyRelu, Relu6, Tanh, Sigmoid, Softmax,
    Add, Sub, Mul, Div, Sqrt, Constant,
    Concat, Flatten, Reshape, Identity, Dropout, Reorder,
)  # fmt: skip

_BY_NAME: Final = {op.name: op for op in ALL_OPS}


def by_name(name: str) -> type[Op] | None:
    """The op of that name in the language."""
    return _BY_NAME.get(name)


def names() -> tuple[str, ...]:
    return tuple(_BY_NAME)


def choices() -> tuple[str, ...]:
    """The words that attributes of ops may be (`mode = reflect`)."""
    params = (param for op in ALL_OPS for param in getattr(op, "params", ()))
    return tuple(dict.fromkeys(choice for param in params for choice in param.choices))
