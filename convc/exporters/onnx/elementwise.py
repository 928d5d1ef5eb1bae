"""Functions of elements; truth values are f32 with us and BOOL in ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from convc.exporters.onnx.emitter import Emitter
from convc.exporters.onnx.layers import names
from convc.ir.graph import Node

Emit = Callable[[Emitter, Node, Any], None]

SAME = {
    "relu": "Relu", "hard_swish": "HardSwish", "softsign": "Softsign", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "selu": "Selu", "softplus": "Softplus", "mish": "Mish", "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div",
    "pow": "Pow", "minimum": "Min", "maximum": "Max", "abs": "Abs", "neg": "Neg", "sign": "Sign",
    "reciprocal": "Reciprocal", "sqrt": "Sqrt", "floor": "Floor", "ceil": "Ceil", "round": "Round", "exp": "Exp",
    "log": "Log", "erf": "Erf", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos",
    "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
    "identity": "Identity", "dropout": "Identity", "reorder": "Identity",
}  # fmt: skip
ALPHA = {"elu": "Elu", "celu": "Celu", "thresholded_relu": "ThresholdedRelu"}
COMPARE = {"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
           "greater_equal": "GreaterOrEqual"}  # fmt: skip
LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}
AXIS = {"softmax": "Softmax", "log_softmax": "LogSoftmax", "hardmax": "Hardmax"}


def same(kind: str, e: Emitter, node: Node, op: Any) -> None:
    e.op(kind, *names(node), into=node.name)


def with_alpha(kind: str, e: Emitter, node: Node, op: Any) -> None:
    e.op(kind, *names(node), into=node.name, alpha=op.alpha)


def compare(kind: str, e: Emitter, node: Node, op: Any) -> None:
    e.to_f32(e.op(kind, *names(node)), node.name)


def not_equal(e: Emitter, node: Node, op: Any) -> None:
    e.to_f32(e.op("Not", e.op("Equal", *names(node))), node.name)


def logic(kind: str, e: Emitter, node: Node, op: Any) -> None:
    e.to_f32(e.op(kind, *map(e.to_bool, names(node))), node.name)


def where(e: Emitter, node: Node, op: Any) -> None:
    condition, a, b = names(node)
    e.op("Where", e.to_bool(condition), a, b, into=node.name)


def along_axis(kind: str, e: Emitter, node: Node, op: Any) -> None:
    e.op(kind, *names(node), into=node.name, axis=op.axis)


def relu6(e: Emitter, node: Node, op: Any) -> None:
    e.op("Clip", *names(node), e.numbers(0), e.numbers(6), into=node.name)


def clip(e: Emitter, node: Node, op: Any) -> None:
    low = e.numbers(op.low) if op.low > -math.inf else ""
    high = [e.numbers(op.high)] if op.high < math.inf else []
    e.op("Clip", *names(node), low, *high, into=node.name)


def leaky_relu(e: Emitter, node: Node, op: Any) -> None:
    e.op("LeakyRelu", *names(node), into=node.name, alpha=op.slope)


def prelu(e: Emitter, node: Node, op: Any) -> None:
    """A slope of one axis is per channel with us, and per element of the last axis in ONNX."""
    (x, slope), (kind, weight) = names(node), (node.inputs[0].type, node.inputs[1].type)
    if weight.rank == 1 and kind.rank > 1:
        slope = e.op("Reshape", slope, e.ints([-1, *[1] * (kind.rank - 2)]))
    e.op("PRelu", x, slope, into=node.name)


def hard_sigmoid(e: Emitter, node: Node, op: Any) -> None:
    e.op("HardSigmoid", *names(node), into=node.name, alpha=op.alpha, beta=op.beta)


def silu(e: Emitter, node: Node, op: Any) -> None:
    (x,) = names(node)
    e.op("Mul", x, e.op("Sigmoid", x), into=node.name)


def gelu(e: Emitter, node: Node, op: Any) -> None:
    e.op("Gelu", *names(node), into=node.name, approximate="tanh" if op.approximate else "none")


def mod(e: Emitter, node: Node, op: Any) -> None:
    """ONNX takes the dividend's sign of floating numbers; otherwise a - floor(a / b) * b."""
    a, b = names(node)
    if op.fmod:
        e.op("Mod", a, b, into=node.name, fmod=1)
    else:
        e.op("Sub", a, e.op("Mul", e.op("Floor", e.op("Div", a, b)), b), into=node.name)


def constant(e: Emitter, node: Node, op: Any) -> None:
    e.op("Identity", e.numbers(op.value), into=node.name)


HANDLERS: dict[str, Emit] = {
    **{name: partial(same, kind) for name, kind in SAME.items()},
    **{name: partial(with_alpha, kind) for name, kind in ALPHA.items()},
    **{name: partial(compare, kind) for name, kind in COMPARE.items()},
    **{name: partial(logic, kind) for name, kind in LOGIC.items()},
    **{name: partial(along_axis, kind) for name, kind in AXIS.items()},
    "not_equal": not_equal, "where": where, "relu6": relu6, "clip": clip, "leaky_relu": leaky_relu, "prelu": prelu,
    "hard_sigmoid": hard_sigmoid, "silu": silu, "gelu": gelu, "mod": mod, "constant": constant,
}  # fmt: skip
