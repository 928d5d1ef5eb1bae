"""Fully connected layer.

    dst[..., oc] = bias[oc] + sum over ic of src[..., ic] * weights[oc, ic]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convc.ir.graph import Value
from convc.ir.op import Array, Cost, Op, OpError
from convc.ir.types import TensorType
from convc.ops.signature import Arguments, Kind, Param
from convc.ops.window import check_positive


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """Semantics of `torch.nn.Linear`, over the last axis; weights are [oc, ic]."""

    name: ClassVar[str] = "linear"
    params: ClassVar[tuple[Param, ...]] = (
        Param("x", Kind.TENSOR, doc="input [..., ic]"),
        Param("channels", Kind.INT, None, "outputs"),
        Param("bias", Kind.WEIGHT, True, "one number per output"),
        Param("weight", Kind.WEIGHT, None, "[oc, ic]"),
    )
    bias: bool = True

    @classmethod
    def build(cls, args: Arguments) -> tuple[Op, tuple[Value, ...]]:
        x = args.tensor("x")
        if x.type.rank < 1:
            raise OpError("E0301", "linear takes a tensor [..., channels]", "x", note=f"this one is {x.type}")
        weight = args.weight_type("weight")
        if weight is None and x.type.rank > 2 and x.type.shape[-1] == 1:
            raise OpError(
                "E0301", "linear would see one number at a time", "x",
                note=f"this is {x.type}, and linear works along the last axis", help="put `|> flatten` before it",
            )  # fmt: skip
        channels = weight.shape[0] if weight is not None and weight.shape else args.integer("channels")
        check_positive("channels", channels)
        weights = args.parameter("weight", (channels, x.type.shape[-1]))
        operands = (x, weights, args.parameter("bias", (channels,))) if args.given("bias") else (x, weights)
        return cls(len(operands) == 3), operands

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        x, weight = inputs[0], inputs[1]
        if x.rank < 1 or weight.rank != 2 or x.shape[-1] != weight.shape[1]:
            raise OpError(
                "E0303", "linear takes weights [oc, ic]", "weight", note=f"these are {weight}, the input is {x}",
                help="put `|> flatten` before it" if x.rank > 2 else "",
            )  # fmt: skip
        if self.bias and inputs[2].shape != weight.shape[:1]:
            raise OpError(
                "E0303", "the bias does not fit the weights", "bias",
                note=f"the bias is {inputs[2]}, {weight.shape[0]} outputs take f32[{weight.shape[0]}]",
            )  # fmt: skip
        return (TensorType.plain((*x.shape[:-1], weight.shape[0]), x.dtype),)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        result = inputs[0] @ inputs[1].T
        return (result + inputs[2] if self.bias else result,)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("x", "weight", "bias")[:count]

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        macs = inputs[1].elements * (inputs[0].elements // inputs[0].shape[-1])
        bias = outputs[0].elements if self.bias else 0
        return Cost(inputs[1].elements + (inputs[1].shape[0] if self.bias else 0), macs, 2 * macs + bias)
