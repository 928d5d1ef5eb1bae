"""Ops that exchange channels with each other, or with pixels.

    channel_shuffle:  dst[n, k * groups + g] = src[n, g * (c / groups) + k]          (ShuffleNet, arXiv 1707.01083)
    depth_to_space:   dst[n, c, h * b + i, w * b + j] = src[n, channel, h, w]
                      channel = (i * b + j) * (channels / b^2) + c  (dcr),  c * b^2 + i * b + j  (crd, `pixel_shuffle`)
    space_to_depth:   dst[n, (i * b + j) * channels + c, h, w] = src[n, c, h * b + i, w * b + j]

Semantics of `torch.nn.ChannelShuffle` and `PixelShuffle`, ONNX `DepthToSpace` and `SpaceToDepth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import ClassVar, Final

from convc.ir.graph import Value
from convc.ir.op import Array, Op, OpError
from convc.ir.types import TensorType
from convc.ops.movement import Movement
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_positive

MODES: Final = ("dcr", "crd")


@dataclass(frozen=True, slots=True)
class ChannelShuffle(Movement):
    """The channels of all groups in turn."""

    name: ClassVar[str] = "channel_shuffle"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, ...]"),
        Param("groups", Kind.INT, doc="groups of channels"),
    )
    groups: int

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.integer("groups")), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        check_positive("groups", self.groups)
        if x.rank < 2:
            raise OpError("E0301", "channel_shuffle takes a tensor [n, c, ...]", "x", note=f"this one is {x}")
        channels = x.shape[1]
        if channels % self.groups:
            raise OpError(
                "E0306", "groups must divide the channels", "groups",
                note=f"{channels} = {channels // self.groups} x {self.groups} + {channels % self.groups}",
                help=f"use `groups = {gcd(channels, self.groups)}`",
            )  # fmt: skip
        return (TensorType.plain(x.shape, x.dtype),)

    def source(self, channel: int, channels: int) -> int:
        """The channel of the source that becomes `channel`."""
        return channel % self.groups * (channels // self.groups) + channel // self.groups

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        return (x[:, [self.source(c, x.shape[1]) for c in range(x.shape[1])]],)


@dataclass(frozen=True, slots=True)
class DepthToSpace(Movement):
    """Blocks of channels become blocks of pixels."""

    name: ClassVar[str] = "depth_to_space"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, h, w]"),
        Param("factor", Kind.INT, doc="height and width of a block of pixels"),
        Param("mode", Kind.CHOICE, "dcr", "the pixel's index is the slow part of the channel's, or the fast", MODES),
    )
    factor: int
    mode: str = "dcr"

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.integer("factor"), args.choice("mode")), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        _check_image(self.name, x, self.factor)
        n, c, h, w = x.shape
        area = self.factor * self.factor
        if c % area:
            raise OpError(
                "E0325", "the block does not divide the tensor", "factor",
                note=f"{c} channels are no multiple of {self.factor} x {self.factor}",
            )  # fmt: skip
        return (TensorType.plain((n, c // area, h * self.factor, w * self.factor), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        (n, c, h, w), b = x.shape, self.factor
        if self.mode == "dcr":
            split = x.reshape(n, b, b, c // (b * b), h, w).transpose(0, 3, 4, 1, 5, 2)
        else:
            split = x.reshape(n, c // (b * b), b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
        return (split.reshape(n, c // (b * b), h * b, w * b),)


@dataclass(frozen=True, slots=True)
class SpaceToDepth(Movement):
    """Blocks of pixels become blocks of channels."""

    name: ClassVar[str] = "space_to_depth"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [n, c, h, w]"),
        Param("factor", Kind.INT, doc="height and width of a block of pixels"),
    )
    factor: int

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        return cls(args.integer("factor")), (args.tensor("x"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        _check_image(self.name, x, self.factor)
        n, c, h, w = x.shape
        if h % self.factor or w % self.factor:
            raise OpError(
                "E0325", "the block does not divide the tensor", "factor",
                note=f"{h} x {w} pixels are no blocks of {self.factor} x {self.factor}",
            )  # fmt: skip
        return (TensorType.plain((n, c * self.factor**2, h // self.factor, w // self.factor), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        (n, c, h, w), b = x.shape, self.factor
        split = x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4)
        return (split.reshape(n, c * b * b, h // b, w // b),)


def _check_image(name: str, x: TensorType, factor: int) -> None:
    if x.rank != 4:
        raise OpError("E0301", f"{name} takes a tensor [n, c, h, w]", "x", note=f"this one is {x}")
    check_positive("factor", factor)
