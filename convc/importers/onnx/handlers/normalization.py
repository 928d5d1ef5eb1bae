"""Normalisation: with fixed statistics, and with those of the tensor itself."""

from __future__ import annotations

from collections.abc import Sequence

from convc.importers.onnx.call import Call, short
from convc.importers.onnx.errors import Declined
from convc.ir.graph import Value

_NAMES = ("weight", "bias", "running_mean", "running_var")


def batch_norm(call: Call) -> Value:
    if call.attribute("training_mode", 0) or not call.attribute("spatial", 1):
        raise Declined("only batch norm with fixed statistics per channel is computed; export for inference")
    if len([name for name in call.outputs if name]) > 1:
        raise Declined("batch norm in training; export the model for inference (model.eval())")
    weights = {name: call.weight(place, name) for place, name in enumerate(_NAMES, 1)}
    return call.emit("batchnorm", call.value(), eps=short(call.attribute("epsilon", 1e-5)), **weights)


def local_response_norm(call: Call) -> Value:
    size = call.attribute("size", 1)
    if size % 2 == 0:
        raise Declined(f"a window of {size} channels, which ONNX and other frameworks centre differently")
    return call.emit(
        "local_response_norm", call.value(), size=size, alpha=short(call.attribute("alpha", 1e-4)),
        beta=short(call.attribute("beta", 0.75)), k=short(call.attribute("bias", 1.0)),
    )  # fmt: skip


def instance_norm(call: Call) -> Value:
    weights = {"weight": call.weight(1, "weight"), "bias": call.weight(2, "bias")}
    return call.emit("instance_norm", call.value(), eps=short(call.attribute("epsilon", 1e-5)), **weights)


def group_norm(call: Call) -> Value:
    """Scale and bias per channel; before operator set 21 per group, here repeated."""
    x, groups = call.value(), call.attribute("num_groups", 1)
    if x.type.rank < 2 or groups < 1 or x.type.shape[1] % groups:
        raise Declined(f"{x.type} in {groups} groups")
    each = x.type.shape[1] // groups if call.opset < 21 else 1
    form = f"each repeated {each} times" if each > 1 else ""
    weights = {
        name: call.weight(place, name, form, lambda array: array.repeat(each))
        for place, name in ((1, "weight"), (2, "bias"))
    }
    return call.emit("group_norm", x, groups=groups, eps=short(call.attribute("epsilon", 1e-5)), **weights)


def layer_norm(call: Call) -> Value | tuple[Value, ...]:
    """(x - mean) / sqrt(var + eps) * scale + bias over the axes from `axis` on."""
    x = call.value()
    axis = call.axis(call.attribute("axis", -1), x.type.rank)
    axes = tuple(range(axis, x.type.rank))
    scales = [call.tensor(place) for place in (1, 2) if call.has(place)]
    if len(call.outputs) == 1 and all(scale.shape == x.type.shape[axis:] for scale in scales):
        weights = {"weight": call.weight(1, "weight"), "bias": call.has(2) and call.weight(2, "bias")}
        return call.emit("layer_norm", x, axis=axis, eps=short(call.attribute("epsilon", 1e-5)), **weights)
    mean = call.inner("reduce_mean", x, axes=axes, keepdims=True)
    centred = call.inner("sub", x, mean)
    deviation = _inverse_deviation(call, centred, axes)
    result = _scaled(call, call.inner("mul", centred, deviation))
    return (result, mean, deviation)[: len(call.outputs)] if len(call.outputs) > 1 else result


def rms_norm(call: Call) -> Value:
    """x / sqrt(mean of x^2 + eps) * scale over the axes from `axis` on."""
    x = call.value()
    axes = tuple(range(call.axis(call.attribute("axis", -1), x.type.rank), x.type.rank))
    return call.emit("mul", call.inner("mul", x, _inverse_deviation(call, x, axes)), call.value(1))


def mean_variance_norm(call: Call) -> Value:
    """(x - mean) / sqrt(var); ONNX adds 1e-9 to the deviation."""
    x = call.value()
    axes = call.axes(call.ints("axes", (0, 2, 3)) or (), x.type.rank)
    centred = call.inner("sub", x, call.inner("reduce_mean", x, axes=axes, keepdims=True))
    variance = call.inner("reduce_mean", call.inner("mul", centred, centred), axes=axes, keepdims=True)
    deviation = call.inner("add", call.inner("sqrt", variance), call.builder.number(1e-9))
    return call.emit("div", centred, deviation)


def lp_norm(call: Call) -> Value:
    x, p = call.value(), call.attribute("p", 2)
    if p not in (1, 2):
        raise Declined(f"a norm of order {p}; 1 and 2 are computed")
    axis = call.axis(call.attribute("axis", -1), x.type.rank)
    return call.emit("lp_norm", x, axis=axis, p=p)


def _inverse_deviation(call: Call, centred: Value, axes: Sequence[int]) -> Value:
    square = call.inner("reduce_mean", call.inner("mul", centred, centred), axes=tuple(axes), keepdims=True)
    eps = call.builder.number(short(call.attribute("epsilon", 1e-5)))
    return call.inner("reciprocal", call.inner("sqrt", call.inner("add", square, eps)))


def _scaled(call: Call, x: Value) -> Value:
    if not call.has(2):
        return call.emit("mul", x, call.value(1))
    return call.emit("add", call.inner("mul", x, call.value(1)), call.value(2))


HANDLERS = {
    "BatchNormalization": batch_norm, "LRN": local_response_norm, "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm, "LayerNormalization": layer_norm, "RMSNormalization": rms_norm,
    "MeanVarianceNormalization": mean_variance_norm, "LpNormalization": lp_norm,
}  # fmt: skip
