"""Normalisation with statistics of the input itself.

    instance_norm:  dst = (src - mean) / sqrt(var + eps) * weight[c] + bias[c], mean and var of each channel's map
    group_norm:     the same with those of each group of c / groups channels and their maps
    layer_norm:     the same with those of the axes from `axis` on, weight and bias with these axes' extents
    lp_norm:        dst = src / max(norm, eps), the p-norm along one axis

var is the mean of squared distances from the mean. Semantics of `torch.nn.InstanceNorm2d`, `GroupNorm`, `LayerNorm` and
`torch.nn.functional.normalize`, ONNX `InstanceNormalization`, `GroupNormalization`, `LayerNormalization`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import Shape, TensorType
from convc.ops.axes import check_axes, resolve_axis
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_positive

_X = Param("x", Kind.TENSOR, doc="input [n, c, ...]")
_EPS = Param("eps", Kind.FLOAT, 1e-5, "added to the variance")
_WEIGHTS = (
    Param("weight", Kind.WEIGHT, True, "scale; `false` for none"),
    Param("bias", Kind.WEIGHT, True, "shift; `false` for none"),
)


class StatisticsNorm(Op):
    """What norms with a weight and a bias share; they are optional, `weight` and `bias` say whether they are there."""

    eps: float
    weight: bool
    bias: bool

    @abstractmethod
    def weight_shape(self, x: TensorType) -> Shape:
        """The shape of weight and bias; raises `OpError` where the norm cannot be taken of `x`."""

    @abstractmethod
    def grouped(self, x: Array) -> Array:
        """`x` with all that shares a mean on the last axis."""

    def with_weights(self, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        """The op and its operands."""
        x = args.tensor("x")
        shape = self.weight_shape(x.type)
        return self, (x, *(args.parameter(name, shape) for name in self.operands(3)[1:]))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x = inputs[0]
        shape = self.weight_shape(x)
        for name, type in zip(self.operands(3)[1:], inputs[1:], strict=True):
            if type.shape != shape:
                raise OpError(
                    "E0303", f"the {name} does not fit the input", name,
                    note=f"it is {type}, {self.name} of {x} takes {TensorType.plain(shape)}",
                )  # fmt: skip
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        x = inputs[0]
        sets = self.grouped(x)
        mean, var = sets.mean(-1, keepdims=True), sets.var(-1, keepdims=True)
        result = ((sets - mean) / np.sqrt(var + np.asarray(self.eps, x.dtype))).reshape(x.shape)
        weights = [w if isinstance(self, LayerNorm) else w.reshape(-1, *(1,) * (x.ndim - 2)) for w in inputs[1:]]
        if self.weight:
            result = result * weights[0]
        return (result + weights[-1] if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", *(("weight",) if self.weight else ()), *(("bias",) if self.bias else ()))

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(parameters=sum(type.elements for type in inputs[1:]), flops=8 * outputs[0].elements)


@dataclass(frozen=True, slots=True)
class InstanceNorm(StatisticsNorm):
    """Each channel of each image by itself."""

    name: ClassVar[str] = "instance_norm"
    params: ClassVar[tuple[Param, ...]] = (_X, _EPS, *_WEIGHTS)
    eps: float = 1e-5
    weight: bool = True
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.number("eps"), args.given("weight"), args.given("bias")).with_weights(args)

    def weight_shape(self, x: TensorType) -> Shape:
        if x.rank < 3:
            raise OpError("E0301", "instance_norm takes a tensor [n, c, w...]", "x", note=f"this one is {x}")
        return (x.shape[1],)

    def grouped(self, x: Array) -> Array:
        return x.reshape(x.shape[0], x.shape[1], -1)


@dataclass(frozen=True, slots=True)
class GroupNorm(StatisticsNorm):
    """Groups of neighbouring channels of each image."""

    name: ClassVar[str] = "group_norm"
    params: ClassVar[tuple[Param, ...]] = (_X, Param("groups", Kind.INT, doc="groups of channels"), _EPS, *_WEIGHTS)
    groups: int
    eps: float = 1e-5
    weight: bool = True
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        flags = args.given("weight"), args.given("bias")
        return cls(args.integer("groups"), args.number("eps"), *flags).with_weights(args)

    def weight_shape(self, x: TensorType) -> Shape:
        if x.rank < 2:
            raise OpError("E0301", "group_norm takes a tensor [n, c, ...]", "x", note=f"this one is {x}")
        check_positive("groups", self.groups)
        channels = x.shape[1]
        if channels % self.groups:
            raise OpError(
                "E0306", "groups must divide the channels", "groups",
                note=f"{channels} = {channels // self.groups} x {self.groups} + {channels % self.groups}",
                help=f"use `groups = {gcd(channels, self.groups)}`",
            )  # fmt: skip
        return (channels,)

    def grouped(self, x: Array) -> Array:
        return x.reshape(x.shape[0], self.groups, -1)


@dataclass(frozen=True, slots=True)
class LayerNorm(StatisticsNorm):
    """The trailing axes, from `axis` on."""

    name: ClassVar[str] = "layer_norm"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("axis", Kind.INT, -1, "the first axis normalised over"),
        _EPS,
        *_WEIGHTS,
    )
    axis: int = -1
    eps: float = 1e-5
    weight: bool = True
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        axis = resolve_axis(args.integer("axis"), args.tensor("x").type.rank)
        flags = args.given("weight"), args.given("bias")
        return cls(axis, args.number("eps"), *flags).with_weights(args)

    def weight_shape(self, x: TensorType) -> Shape:
        check_axes((self.axis,), x, "axis")
        return x.shape[self.axis :]

    def grouped(self, x: Array) -> Array:
        return x.reshape(*x.shape[: self.axis], -1)


@dataclass(frozen=True, slots=True)
class LpNorm(Op):
    """Vectors along one axis brought to length 1; p is 1 or 2."""

    name: ClassVar[str] = "lp_norm"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input of any shape"),
        Param("axis", Kind.INT, 1, "the dimension"),
        Param("p", Kind.INT, 2, "1: sum of magnitudes, 2: Euclidean"),
        Param("eps", Kind.FLOAT, 1e-12, "the least length divided by"),
    )
    axis: int = 1
    p: int = 2
    eps: float = 1e-12

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        return cls(resolve_axis(args.integer("axis"), x.type.rank), args.integer("p"), args.number("eps")), (x,)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_axes((self.axis,), x, "axis")
        if self.p not in (1, 2):
            raise OpError("E0327", "lp_norm takes p = 1 or p = 2", "p", note=f"p is {self.p}")
        return (TensorType.plain(x.shape, x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        norm = (np.abs(x) ** self.p).sum(self.axis, keepdims=True)
        if self.p == 2:
            norm = np.sqrt(norm)
        return (x / np.maximum(norm, np.asarray(self.eps, x.dtype)),)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x",)

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        return Cost(flops=3 * outputs[0].elements)
