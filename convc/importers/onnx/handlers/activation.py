"""Activations and softmax."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isclose, prod

from convc.importers.onnx.call import Call, short
from convc.importers.onnx.handlers.elementwise import unary
from convc.importers.onnx.tensor import Tensor
from convc.ir.graph import Value

PLAIN = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "HardSwish": "hard_swish", "Mish": "mish",
    "Softplus": "softplus", "Softsign": "softsign",
}  # fmt: skip

#: What bounds are where an old model leaves them out.
_UNBOUNDED = 3.5e38

_SELU = (1.67326319217681884765625, 1.05070102214813232421875)


def leaky_relu(call: Call) -> Value:
    return call.emit("leaky_relu", call.value(), slope=_short(call, "alpha", 0.01))


def with_alpha(op: str, call: Call) -> Value:
    return call.emit(op, call.value(), alpha=_short(call, "alpha", 1.0))


def hard_sigmoid(call: Call) -> Value:
    alpha = _short(call, "alpha", 0.2)
    alpha = 1 / 6 if abs(alpha - 1 / 6) < 1e-7 else alpha  # what the language's default is rounded to
    return call.emit("hard_sigmoid", call.value(), alpha=alpha, beta=_short(call, "beta", 0.5))


def selu(call: Call) -> Value:
    """gamma * elu(x, alpha): the op where both are the paper's."""
    alpha, gamma = call.attribute("alpha", _SELU[0]), call.attribute("gamma", _SELU[1])
    if isclose(alpha, _SELU[0], rel_tol=1e-5) and isclose(gamma, _SELU[1], rel_tol=1e-5):
        return call.emit("selu", call.value())
    grown = call.inner("elu", call.value(), alpha=_short(call, "alpha", _SELU[0]))
    return call.emit("mul", grown, call.builder.number(_short(call, "gamma", _SELU[1])))


def gelu(call: Call) -> Value:
    return call.emit("gelu", call.value(), approximate=call.attribute("approximate", "none") == "tanh")


def swish(call: Call) -> Value:
    alpha = _short(call, "alpha", 1.0)
    if alpha == 1.0:
        return call.emit("silu", call.value())
    gate = call.inner("sigmoid", call.inner("mul", call.value(), call.builder.number(alpha)))
    return call.emit("mul", call.value(), gate)


def shrink(call: Call) -> Value:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    bias, edge = _short(call, "bias", 0.0), _short(call, "lambd", 0.5)
    x, number = call.value(), call.builder.number
    below, above = call.inner("less", x, number(-edge)), call.inner("greater", x, number(edge))
    high = call.inner("where", above, call.inner("sub", x, number(bias)), number(0.0))
    return call.emit("where", below, call.inner("add", x, number(bias)), high)


def clip(call: Call) -> Value | Tensor:
    """`relu6` for 0 to 6, `relu` from 0 on, else the bounds there are."""
    if call.opset < 11:
        bounds = (call.attribute("min", -_UNBOUNDED), call.attribute("max", _UNBOUNDED))
        return _clipped(call, *(None if abs(bound) > 3e38 else bound for bound in bounds))
    if any(call.has(place) and call.tensor(place).array is None for place in (1, 2)):
        return _between(call)
    low, high = (float(call.known_number(place, "a bound")) if call.has(place) else None for place in (1, 2))
    return _clipped(call, low, high)


def _clipped(call: Call, low: float | None, high: float | None) -> Value | Tensor:
    low, high = (None if bound is None else short(bound) for bound in (low, high))
    if (low, high) == (0.0, 6.0):
        return call.emit("relu6", call.value())
    if (low, high) == (0.0, None):
        return call.emit("relu", call.value())
    bounds = {name: bound for name, bound in (("low", low), ("high", high)) if bound is not None}
    return call.emit("clip", call.value(), **bounds) if bounds else call.tensor(0)


def _between(call: Call) -> Value:
    """Bounds that are computed: min(max(x, low), high)."""
    x = call.value()
    if call.has(1):
        x = call.emit("maximum", x, call.value(1))
    return call.emit("minimum", x, call.value(2)) if call.has(2) else x


def along_axis(op: str, call: Call) -> Value:
    """Along one axis from operator set 13 on; before that over all axes from `axis` on, as if they were one."""
    x = call.value()
    rank = x.type.rank
    axis = call.axis(call.attribute("axis", -1 if call.opset >= 13 else 1), max(1, rank)) if rank else 0
    shape = x.type.shape
    if call.opset >= 13 or prod(shape[axis + 1 :]) == 1:
        return call.emit(op, x, axis=axis)
    flat = call.reshaped(x, (prod(shape[:axis]), prod(shape[axis:])))
    return call.emit("reshape", call.inner(op, flat, axis=1), shape=shape)


def prelu(call: Call) -> Value:
    """A slope for each channel is [c] in the language; ONNX writes [c, 1, 1], aligned at the last axis."""
    shape, rank = call.tensor(1).shape, len(call.tensor(0).shape)
    if len(shape) == rank - 1 > 0 and set(shape[1:]) <= {1}:
        return call.emit("prelu", call.value(), slope=call.weight(1, "weight", "flat", lambda array: array.reshape(-1)))
    last = call.tensor(0).shape[-1:]
    if len(shape) == 1 and rank > 1 and shape != (1,) and shape == last:
        wide = (1,) * (rank - 1) + shape
        return call.emit("prelu", call.value(), slope=call.weight(1, "weight", "", lambda array: array.reshape(wide)))
    return call.emit("prelu", call.value(), slope=call.weight(1, "weight"))


def _short(call: Call, name: str, default: float) -> float:
    return short(call.attribute(name, default))


HANDLERS: dict[str, Callable[[Call], object]] = {
    **{name: partial(unary, op) for name, op in PLAIN.items()},
    "LeakyRelu": leaky_relu, "PRelu": prelu, "Elu": partial(with_alpha, "elu"), "Celu": partial(with_alpha, "celu"),
    "ThresholdedRelu": partial(with_alpha, "thresholded_relu"), "HardSigmoid": hard_sigmoid, "Selu": selu,
    "Gelu": gelu, "Swish": swish, "Shrink": shrink, "Clip": clip, "Softmax": partial(along_axis, "softmax"),
    "LogSoftmax": partial(along_axis, "log_softmax"), "Hardmax": partial(along_axis, "hardmax"),
}  # fmt: skip
