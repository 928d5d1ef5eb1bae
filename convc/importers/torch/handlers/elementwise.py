"""Functions of elements: activations, arithmetic, comparisons."""

from __future__ import annotations

from typing import Final

from convc.importers.onnx.errors import Declined
from convc.importers.torch.call import Call, Handler
from convc.ir.graph import Value

#: Ops of one operand that have the same name here, or another.
_UNARY: Final = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "tanh": "tanh", "silu": "silu", "mish": "mish",
    "selu": "selu", "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "abs": "abs", "neg": "neg", "exp": "exp",
    "log": "log", "sqrt": "sqrt", "erf": "erf", "floor": "floor", "ceil": "ceil", "round": "round", "sign": "sign",
    "reciprocal": "reciprocal", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos",
    "atan": "atan", "sinh": "sinh", "cosh": "cosh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "logical_not": "logical_not",
}  # fmt: skip

_BINARY: Final = {
    "mul": "mul", "div": "div", "pow": "pow", "minimum": "minimum", "maximum": "maximum",
    "gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal",
    "logical_and": "logical_and", "logical_or": "logical_or", "logical_xor": "logical_xor",
}  # fmt: skip


def _unary(op: str) -> Handler:
    return lambda call: call.emit(op, call.value("input" if "input" in call.arguments else "self"))


def _binary(op: str) -> Handler:
    def apply(call: Call) -> Value:
        if call.argument("rounding_mode") is not None:
            raise Declined("a division that rounds")
        names = ("self", "exponent") if op == "pow" else ("self", "other")
        return call.emit(op, *(call.value(name) for name in names))

    return apply


def add(call: Call) -> Value:
    """self + alpha * other, or minus."""
    a, b, alpha = call.value("self"), call.value("other"), call.number("alpha", 1.0)
    op = "sub" if call.op == "sub" else "add"
    return call.emit(op, a, b if alpha == 1 else call.inner("mul", b, call.builder.number(alpha)))


def rsub(call: Call) -> Value:
    if call.number("alpha", 1.0) != 1:
        raise Declined("a factor on the second operand")
    return call.emit("sub", call.value("other"), call.value("self"))


def rsqrt(call: Call) -> Value:
    return call.emit("reciprocal", call.inner("sqrt", call.value("self")))


def clamp(call: Call) -> Value:
    """Also `hardtanh`; between 0 and 6 it is `relu6`."""
    names = ("min_val", "max_val") if call.op == "hardtanh" else ("min", "max")
    if any(isinstance(call.argument(name), Value) for name in names):
        return _clamp_to_tensors(call)
    low, high = (call.number(name, bound) for name, bound in zip(names, (float("-inf"), float("inf")), strict=True))
    if (low, high) == (0, 6):
        return call.emit("relu6", call.value("self"))
    return call.emit("clip", call.value("self"), low=low, high=high)


def _clamp_to_tensors(call: Call) -> Value:
    x = call.value("self")
    for name, op in (("min", "maximum"), ("max", "minimum")):
        if call.argument(name) is not None:
            x = call.emit(op, x, call.value(name))
    return x


def log_sigmoid(call: Call) -> Value:
    """-log(1 + exp(-x))"""
    return call.emit("neg", call.inner("softplus", call.inner("neg", call.value("self"))))


def leaky_relu(call: Call) -> Value:
    return call.emit("leaky_relu", call.value("self"), slope=call.number("negative_slope", 0.01))


def elu(call: Call) -> Value:
    if call.number("scale", 1) != 1 or call.number("input_scale", 1) != 1:
        raise Declined("ELU with a scale of its own")
    return call.emit("elu", call.value("self"), alpha=call.number("alpha", 1.0))


def gelu(call: Call) -> Value:
    return call.emit("gelu", call.value("self"), approximate=call.argument("approximate", "none") == "tanh")


def where(call: Call) -> Value:
    return call.emit("where", call.value("condition"), call.value("self"), call.value("other"))


def convert(call: Call) -> Value:
    """To another floating type, or a truth value to a number: all is f32 here."""
    x, wanted = call.value("self"), str(call.argument("dtype", "torch.float32"))
    if not wanted.startswith(("torch.float", "torch.bfloat")):
        raise Declined(f"a conversion to {wanted} while the network runs")
    return x


def celu(call: Call) -> Value:
    return call.emit("celu", call.value("self"), alpha=call.number("alpha", 1.0))


def softplus(call: Call) -> Value:
    """log(1 + exp(x)); torch's threshold only spares it large exponents."""
    if call.number("beta", 1) != 1:
        raise Declined("softplus with a beta of its own")
    return call.emit("softplus", call.value("self"))


def prelu(call: Call) -> Value:
    """A slope for each channel, or one for all."""
    x, slope = call.value("self"), call.value("weight")
    shape = (slope.type.elements, *(1,) * (x.type.rank - 2))
    return call.emit("prelu", x, slope=call.inner("reshape", slope, shape=shape))


def softmax(call: Call) -> Value:
    x = call.value("self")
    return call.emit(call.op.removeprefix("_"), x, axis=call.axis("dim", x.type.rank))


HANDLERS: Final[dict[str, Handler]] = {
    **{name: _unary(op) for name, op in _UNARY.items()},
    **{name: _binary(op) for name, op in _BINARY.items()},
    "add": add, "sub": add, "rsub": rsub, "rsqrt": rsqrt, "clamp": clamp, "hardtanh": clamp, "leaky_relu": leaky_relu,
    "elu": elu, "gelu": gelu, "softplus": softplus, "prelu": prelu,
    "where": where, "celu": celu, "log_sigmoid": log_sigmoid, "_to_copy": convert, "to": convert,
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), softmax),
}  # fmt: skip
