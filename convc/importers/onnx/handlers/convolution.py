"""Conv, ConvTranspose, DeformConv."""

from __future__ import annotations

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.handlers.geometry import padding, spatial, spatial_rank
from convc.ir.graph import Value


def conv(call: Call) -> Value:
    rank = spatial_rank(call)
    weight = _weight(call, rank)
    return call.emit(
        "conv", call.value(), weight=weight, bias=_bias(call, 2), stride=spatial(call, "strides", rank),
        pad=padding(call, rank), dilation=spatial(call, "dilations", rank), groups=call.attribute("group", 1),
    )  # fmt: skip


def conv_transpose(call: Call) -> Value:
    rank = spatial_rank(call)
    weight = _weight(call, rank)
    groups = call.attribute("group", 1)
    return call.emit(
        "conv_transpose", call.value(), channels=weight.type.shape[1] * groups, kernel=weight.type.shape[2:],
        weight=weight, bias=_bias(call, 2), stride=spatial(call, "strides", rank),
        dilation=spatial(call, "dilations", rank), groups=groups, **_transposed_padding(call, rank, weight),
    )  # fmt: skip


def _transposed_padding(call: Call, rank: int, weight: Value) -> dict[str, tuple[int, ...]]:
    """`pad` and `output_pad`: written, or from the extents that the result shall have.

    total = stride * (in - 1) + output_pad + (kernel - 1) * dilation + 1 - out, its odd pixel at the end for SAME_UPPER.
    """
    extra = spatial(call, "output_padding", rank, 0)
    rule, wanted = call.attribute("auto_pad", "NOTSET"), call.ints("output_shape")
    strides, size = spatial(call, "strides", rank), call.tensor(0).shape[2:]
    if not wanted and rule in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(n * s for n, s in zip(size, strides, strict=True))
    if not wanted:
        pads = padding(call, rank)
        return {"pad": (0,) * 2 * rank if isinstance(pads, str) else pads, "output_pad": extra}
    dilations, kernel = spatial(call, "dilations", rank), weight.type.shape[2:]
    full = [s * (n - 1) + (k - 1) * d + 1 for s, n, k, d in zip(strides, size, kernel, dilations, strict=True)]
    totals = [f + e - w for f, e, w in zip(full, extra, wanted[-rank:], strict=True)]
    outside = tuple(e + max(0, -t) for e, t in zip(extra, totals, strict=True))  # larger than the taps reach
    totals = [max(0, t) for t in totals]
    small, large = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return {"pad": (*small, *large) if rule == "SAME_UPPER" else (*large, *small), "output_pad": outside}


def deform_conv(call: Call) -> Value:
    rank = spatial_rank(call)
    weight = _weight(call, rank)
    mask = {"mask": call.value(4)} if call.has(4) else {}
    return call.emit(
        "deform_conv", x=call.value(0), offset=call.value(2), channels=weight.type.shape[0],
        kernel=weight.type.shape[2:], stride=spatial(call, "strides", rank), pad=padding(call, rank),
        dilation=spatial(call, "dilations", rank), groups=call.attribute("group", 1),
        offset_groups=call.attribute("offset_group", 1), weight=weight, bias=_bias(call, 3), **mask,
    )  # fmt: skip


def _weight(call: Call, rank: int) -> Value:
    weight = call.weight(1, "weight")
    kernel = call.ints("kernel_shape", weight.type.shape[2:])
    if weight.type.rank != rank + 2 or kernel != weight.type.shape[2:]:
        raise Declined(f"its weights are {weight.type}, kernel_shape is {list(kernel or ())}, "
                       f"the input has {rank} spatial axes")  # fmt: skip
    return weight


def _bias(call: Call, place: int) -> Value | bool:
    return call.weight(place, "bias") if call.has(place) else False


HANDLERS = {"Conv": conv, "ConvTranspose": conv_transpose, "DeformConv": deform_conv}
