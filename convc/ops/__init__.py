"""The ops, one file per family. A new op is a class in one of them and its name in `ALL_OPS`."""

from __future__ import annotations

from typing import Final

from convc.ir.op import Op
from convc.ops.activation import Celu, Elu, Gelu, Mish, Selu, Sigmoid, Silu, Softplus, Tanh
from convc.ops.adaptive_pool import AdaptiveAvgPool, AdaptiveMaxPool
from convc.ops.compare import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    LogicalXor,
    NotEqual,
    Where,
)
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.elementwise import Add, Constant, Div, Maximum, Minimum, Mod, Mul, Pow, Sub
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.ops.movement import Expand, Gather, Slice, Split, Tile, Transpose
from convc.ops.normalization import BatchNorm, LocalResponseNorm
from convc.ops.pad import Pad
from convc.ops.piecewise import (
    Clip,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Prelu,
    Relu,
    Relu6,
    Softsign,
    ThresholdedRelu,
)
from convc.ops.pool import AvgPool, GlobalAvgPool, GlobalLpPool, GlobalMaxPool, LpPool, MaxPool
from convc.ops.reduce import (
    ReduceL1,
    ReduceL2,
    ReduceLogSum,
    ReduceLogSumExp,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
)
from convc.ops.reshaping import Squeeze, Unsqueeze
from convc.ops.resize import Resize
from convc.ops.shape import Concat, Dropout, Flatten, Identity, Reorder, Reshape
from convc.ops.shuffle import ChannelShuffle, DepthToSpace, SpaceToDepth
from convc.ops.softmax import Hardmax, LogSoftmax, Softmax
from convc.ops.statistics import GroupNorm, InstanceNorm, LayerNorm, LpNorm
from convc.ops.unary import (
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Erf,
    Exp,
    Floor,
    Log,
    Neg,
    Reciprocal,
    Round,
    Sign,
    Sin,
    Sinh,
    Sqrt,
    Tan,
)

ALL_OPS: Final[tuple[type[Op], ...]] = (
    Conv, ConvTranspose, DeformConv, Resize, MaxPool, AvgPool, LpPool,
    GlobalMaxPool, GlobalAvgPool, GlobalLpPool, AdaptiveMaxPool, AdaptiveAvgPool,
    Linear, BatchNorm, LocalResponseNorm,
    Relu, LeakyRelu, Relu6, Prelu, ThresholdedRelu, Clip, HardSigmoid, HardSwish, Softsign,
    Tanh, Sigmoid, Silu, Gelu, Elu, Selu, Celu, Softplus, Mish, Softmax, LogSoftmax, Hardmax,
    Add, Sub, Mul, Div, Pow, Mod, Minimum, Maximum, Constant,
    Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, LogicalAnd, LogicalOr, LogicalXor, LogicalNot, Where,
    Abs, Neg, Sign, Reciprocal, Sqrt, Floor, Ceil, Round, Exp, Log, Erf,
    Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh,
    MatMul, InstanceNorm, GroupNorm, LayerNorm, LpNorm,
    ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum,
    ReduceLogSumExp,
    Transpose, Slice, Split, Pad, Squeeze, Unsqueeze, Expand, Tile, Gather, ChannelShuffle, DepthToSpace, SpaceToDepth,
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
