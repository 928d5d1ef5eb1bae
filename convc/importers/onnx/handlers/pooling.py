"""Pooling over windows and over whole maps."""

from __future__ import annotations

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.handlers.geometry import padding, spatial, spatial_rank
from convc.importers.onnx.tensor import Tensor
from convc.ir.graph import Value


def _window(call: Call) -> dict[str, object]:
    rank = spatial_rank(call)
    kernel = call.ints("kernel_shape") or ()
    if len(kernel) != rank:
        raise Declined(f"kernel_shape is {list(kernel)}; the input has {rank} spatial axes")
    return {
        "kernel": kernel, "stride": spatial(call, "strides", rank), "pad": padding(call, rank),
        "ceil": bool(call.attribute("ceil_mode", 0)),
    }  # fmt: skip


def _dilation(call: Call) -> tuple[int, ...]:
    return spatial(call, "dilations", spatial_rank(call))


def max_pool(call: Call) -> Value:
    if len([name for name in call.outputs if name]) > 1:
        raise Declined("the positions of the largest values (its second result) are not computed")
    return call.emit("maxpool", call.value(), **_window(call), dilation=_dilation(call))


def average_pool(call: Call) -> Value | Tensor:
    window = _window(call)
    ones, zeros = (1,) * spatial_rank(call), (0,) * 2 * spatial_rank(call)
    if window["kernel"] == window["stride"] == ones and window["pad"] in ("valid", zeros):
        return call.tensor(0)  # an adaptive pooling that finds its map as it should be
    return call.emit(
        "avgpool", call.value(), **window, dilation=_dilation(call),
        count_include_pad=bool(call.attribute("count_include_pad", 0)),
    )  # fmt: skip


def lp_pool(call: Call) -> Value:
    return call.emit("lppool", call.value(), **_window(call), dilation=_dilation(call), p=call.attribute("p", 2))


def global_average_pool(call: Call) -> Value:
    return call.emit("global_avgpool", call.value())


def global_max_pool(call: Call) -> Value:
    return call.emit("global_maxpool", call.value())


def global_lp_pool(call: Call) -> Value:
    return call.emit("global_lppool", call.value(), p=call.attribute("p", 2))


HANDLERS = {
    "MaxPool": max_pool, "AveragePool": average_pool, "LpPool": lp_pool, "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool, "GlobalLpPool": global_lp_pool,
}  # fmt: skip
