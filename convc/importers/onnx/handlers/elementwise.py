"""Functions of elements: arithmetic, comparisons, logic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.tensor import BOOL, Tensor
from convc.ir.graph import Value

#: The largest finite f32.
_LARGEST = 3.4028234663852886e38

UNARY = {
    "Abs": "abs", "Neg": "neg", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Erf": "erf", "Floor": "floor",
    "Ceil": "ceil", "Round": "round", "Sign": "sign", "Reciprocal": "reciprocal", "Sin": "sin", "Cos": "cos",
    "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh",
    "Acosh": "acosh", "Atanh": "atanh", "Not": "logical_not",
}  # fmt: skip
BINARY = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Equal": "equal", "Less": "less",
    "Greater": "greater", "LessOrEqual": "less_equal", "GreaterOrEqual": "greater_equal", "And": "logical_and",
    "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip
VARIADIC = {"Sum": "add", "Max": "maximum", "Min": "minimum"}


def unary(op: str, call: Call) -> Value:
    return call.emit(op, call.value())


def operands(call: Call) -> tuple[Value, Value]:
    a, b = call.tensor(0), call.tensor(1)
    return call.number_or_value(0, len(b.shape)), call.number_or_value(1, len(a.shape))


def binary(op: str, call: Call) -> Value:
    return call.emit(op, *operands(call))


def variadic(op: str, call: Call) -> Value | Tensor:
    """`op` applied from left to right."""
    if len(call.inputs) == 1:
        return call.tensor(0)
    result = call.value(0)
    for place in range(1, len(call.inputs)):
        apply = call.emit if place == len(call.inputs) - 1 else call.inner
        result = apply(op, result, call.number_or_value(place, result.type.rank))
    return result


def mean(call: Call) -> Value | Tensor:
    if len(call.inputs) == 1:
        return call.tensor(0)
    total = call.value(0)
    for place in range(1, len(call.inputs)):
        total = call.inner("add", total, call.value(place))
    return call.emit("div", total, call.builder.number(float(len(call.inputs))))


def power(call: Call) -> Value:
    exponent = call.tensor(1).array
    if exponent is not None and exponent.size == 1 and float(exponent.reshape(())) == 2.0 and exponent.ndim == 0:
        return call.emit("mul", call.value(), call.value())
    return binary("pow", call)


def modulo(call: Call) -> Value:
    """With fmod the sign is the dividend's, without the divisor's."""
    return call.emit("mod", *operands(call), fmod=bool(call.attribute("fmod", 0)))


def where(call: Call) -> Value:
    rank = max(len(call.tensor(place).shape) for place in range(3))
    return call.emit("where", *(call.number_or_value(place, rank) for place in range(3)))


def is_nan(call: Call) -> Value:
    return call.emit("not_equal", call.value(), call.value())


def is_inf(call: Call) -> Value:
    positive, negative = call.attribute("detect_positive", 1), call.attribute("detect_negative", 1)
    x, largest = call.value(), call.builder.number(_LARGEST)
    if positive and negative:
        return call.emit("greater", call.inner("abs", x), largest)
    if positive:
        return call.emit("greater", x, largest)
    if negative:
        return call.emit("less", x, call.builder.number(-_LARGEST))
    return call.emit("not_equal", call.inner("mul", x, call.builder.number(0.0)), call.builder.number(0.0))


def cast(call: Call) -> Value | Tensor:
    """Everything is f32 at run time, truth values are 1.0 and 0.0: most casts do nothing."""
    from convc.importers.onnx.weights import element_type

    tensor = call.tensor(0)
    target = call.tensor(1).dtype if call.op == "CastLike" else element_type(call.attribute("to", 1))
    if target is None or target.kind not in "fiub":
        raise Declined("a cast to a type that convc does not compute with")
    if target == BOOL and tensor.dtype != BOOL:
        result = call.emit("not_equal", call.value(), call.builder.number(0.0))
        return Tensor.computed(call.outputs[0], result, BOOL)
    if target.kind in "iu" and tensor.dtype.kind == "f":  # towards zero
        size = call.inner("floor", call.inner("abs", call.value()))
        return Tensor.computed(call.outputs[0], call.emit("mul", call.inner("sign", call.value()), size), target)
    if target.kind in "iu" and target.itemsize < tensor.dtype.itemsize and tensor.dtype.kind in "iu":
        raise Declined(f"a cast from {tensor.dtype} to {target}, which would wrap around")
    if target.itemsize < 4 and target.kind == "f":
        raise Declined(f"a cast to {target}, which would round; convc computes in f32")
    return tensor.renamed(call.outputs[0], target)


def same(call: Call) -> Tensor:
    return call.tensor(0)


def dropout(call: Call) -> tuple[Tensor, ...]:
    """Nothing at inference; the mask (a second result, which old exporters name and nobody reads) keeps everything."""
    if call.has(2) and bool(call.constant(2, "training_mode").any()):
        raise Declined("dropout in training; export the model for inference (model.eval())")
    x = call.tensor(0)
    mask = np.ones(x.shape, BOOL if call.opset >= 10 else x.dtype)
    return (x, *(Tensor.known(name, mask) for name in call.outputs[1:]))


Handler = Callable[[Call], object]

HANDLERS: dict[str, Handler] = {
    **{name: partial(unary, op) for name, op in UNARY.items()},
    **{name: partial(binary, op) for name, op in BINARY.items()},
    **{name: partial(variadic, op) for name, op in VARIADIC.items()},
    "Mean": mean, "Pow": power, "Mod": modulo, "Where": where, "IsNaN": is_nan, "IsInf": is_inf, "Cast": cast,
    "CastLike": cast, "Identity": same, "Dropout": dropout,
}  # fmt: skip
