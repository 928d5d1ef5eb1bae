"""Convolutions, linear layers, normalisation, pooling, resizing."""

from __future__ import annotations

from typing import Any, Final

from convc.importers.onnx.errors import Declined
from convc.importers.torch.call import Call
from convc.ir.graph import Value


def _spatial(call: Call, x: Value) -> int:
    rank = x.type.rank - 2
    if rank < 1:
        raise Declined(f"takes a batch of maps, this is {x.type}")
    return rank


def conv(call: Call) -> Value:
    if call.argument("transposed", False):
        return conv_transpose(call)
    x, weight = call.value("input"), call.value("weight")
    rank = _spatial(call, x)
    written = call.argument("padding", 0)
    return call.emit(
        "conv", x, weight=weight, bias=call.weight("bias"), stride=call.numbers("stride", rank, (1,)),
        pad=written if isinstance(written, str) else call.numbers("padding", rank) * 2,
        dilation=call.numbers("dilation", rank, (1,)), groups=call.argument("groups", 1),
    )  # fmt: skip


def conv_transpose(call: Call) -> Value:
    x, weight, groups = call.value("input"), call.value("weight"), call.argument("groups", 1)
    rank = _spatial(call, x)
    return call.emit(
        "conv_transpose", x, channels=weight.type.shape[1] * groups, kernel=weight.type.shape[2:], weight=weight,
        bias=call.weight("bias"), stride=call.numbers("stride", rank, (1,)),
        pad=call.numbers("padding", rank, (0,)) * 2, output_pad=call.numbers("output_padding", rank, (0,)),
        dilation=call.numbers("dilation", rank, (1,)), groups=groups,
    )  # fmt: skip


def linear(call: Call) -> Value:
    return call.emit("linear", call.value("input"), weight=call.value("weight"), bias=call.weight("bias"))


def batch_norm(call: Call) -> Any:
    if call.argument("training", False) or call.argument("running_mean") is None:
        raise Declined("only batch norm with fixed statistics is computed; call module.eval()")
    x = call.value("input")
    channels = x.type.shape[1]
    result = call.emit(
        "batchnorm", x, eps=call.number("eps", 1e-5), weight=call.weight("weight", 1.0, channels),
        bias=call.weight("bias", 0.0, channels), running_mean=call.value("running_mean"),
        running_var=call.value("running_var"),
    )  # fmt: skip
    return (result, None, None) if call.op.startswith("_native") else result


def layer_norm(call: Call) -> Value:
    x = call.value("input")
    axis = x.type.rank - len(call.numbers("normalized_shape", 1))
    affine = {"weight": call.weight("weight"), "bias": call.weight("bias")}
    return call.emit("layer_norm", x, axis=axis, eps=call.number("eps", 1e-5), **affine)


def group_norm(call: Call) -> Value:
    affine = {"weight": call.weight("weight"), "bias": call.weight("bias")}
    groups = call.argument("num_groups")
    return call.emit("group_norm", call.value("input"), groups=groups, eps=call.number("eps", 1e-5), **affine)


def instance_norm(call: Call) -> Any:
    if not call.argument("use_input_stats", True):
        return batch_norm(call)  # with running statistics it is one
    affine = {"weight": call.weight("weight"), "bias": call.weight("bias")}
    return call.emit("instance_norm", call.value("input"), eps=call.number("eps", 1e-5), **affine)


def _window(call: Call, x: Value) -> dict[str, Any]:
    rank = _spatial(call, x)
    kernel = call.numbers("kernel_size", rank)
    stride = call.numbers("stride", rank) if call.argument("stride") else kernel
    pad = call.numbers("padding", rank, (0,)) * 2
    return {"kernel": kernel, "stride": stride, "pad": pad, "ceil": bool(call.argument("ceil_mode", False))}


def max_pool(call: Call) -> Any:
    x = call.value("self")
    result = call.emit("maxpool", x, **_window(call, x), dilation=call.numbers("dilation", x.type.rank - 2, (1,)))
    return (result, None) if "indices" in call.op else result


def avg_pool(call: Call) -> Value:
    if call.argument("divisor_override") is not None:
        raise Declined("an average with a divisor of its own")
    x = call.value("self")
    counted = bool(call.argument("count_include_pad", True))
    return call.emit("avgpool", x, **_window(call, x), count_include_pad=counted)


def adaptive_pool(call: Call) -> Any:
    x = call.value("self")
    size = call.numbers("output_size", _spatial(call, x))
    kind = "avgpool" if "avg" in call.op else "maxpool"
    if size == x.type.shape[2:]:
        result = x
    elif set(size) == {1}:
        result = call.emit(f"global_{kind}", x)
    else:
        result = call.emit(f"adaptive_{kind}", x, size=size)
    return result if kind == "avgpool" else (result, None)


_MODES: Final = {
    "nearest": "nearest", "nearest_exact": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear",
    "bicubic": "cubic",
}  # fmt: skip


def resize(call: Call) -> Value:
    """Coordinates as torch has them: the corners aligned, else half pixels; the nearest one is rounded down."""
    x = call.value("input" if "input" in call.arguments else "self")
    size = call.shape[2:]
    for extent, now, scale in zip(size, x.type.shape[2:], call.argument("scale_factors", ()), strict=False):
        if scale is not None and now * scale != extent:
            raise Declined(f"a scale of {scale}, which makes {now * scale:g} of {now}; give the size instead")
    mode, exact = _MODES[_form(call.op)], call.op.startswith("_upsample_nearest_exact")
    if mode == "nearest":
        coordinates, rounding = ("half_pixel", "round_prefer_ceil") if exact else ("asymmetric", "floor")
        return call.emit("resize", x, size=size, mode=mode, coordinates=coordinates, rounding=rounding)
    coordinates = "align_corners" if call.argument("align_corners", False) else "half_pixel"
    wide = {"antialias": True, "exclude_outside": True, "cubic": -0.5} if call.op.endswith("_aa") else {}
    return call.emit("resize", x, size=size, mode=mode, coordinates=coordinates, **wide)


def _form(op: str) -> str:
    """`bilinear` of `_upsample_bilinear2d_aa`."""
    return op.removesuffix("_aa").rstrip("123d").removeprefix("_").removeprefix("upsample_")


HANDLERS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), conv_transpose),
    "linear": linear,
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit_no_training"), batch_norm),
    "layer_norm": layer_norm, "group_norm": group_norm, "instance_norm": instance_norm,
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices"), max_pool),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), avg_pool),
    **dict.fromkeys((f"adaptive_{kind}_pool{rank}d" for kind in ("avg", "max") for rank in (1, 2, 3)), adaptive_pool),
    **dict.fromkeys(("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
                     "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_nearest_exact1d",
                     "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "_upsample_bilinear2d_aa",
                     "_upsample_bicubic2d_aa"), resize),
}  # fmt: skip
