"""Resize, and Upsample, which it replaced."""

from __future__ import annotations

import numpy as np

from convc.importers.onnx.call import Call, short
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.tensor import Tensor
from convc.ir.graph import Value


def upsample(call: Call) -> Value | Tensor:
    """Sets 7 to 9: positions as `asymmetric` has them, rounded down."""
    given = call.attribute("scales", None)
    scales = call.constant(1, "the scales") if given is None else np.asarray(given, np.float32)
    return _resized(call, _scaled(call, scales.reshape(-1)), {"coordinates": "asymmetric", "rounding": "floor"})


def resize(call: Call) -> Value | Tensor:
    if call.opset < 11:
        return upsample(call)
    coordinates = call.attribute("coordinate_transformation_mode", "half_pixel")
    if coordinates == "tf_crop_and_resize":
        raise Declined("tf_crop_and_resize: crop with Slice, then resize")
    antialias = bool(call.attribute("antialias", 0))
    if antialias and _mode(call) == "nearest":
        raise Declined("antialias belongs to linear and cubic")
    rule = {
        "coordinates": coordinates, "rounding": call.attribute("nearest_mode", "round_prefer_floor"),
        "cubic": short(call.attribute("cubic_coeff_a", -0.75)), "antialias": antialias,
        "exclude_outside": bool(call.attribute("exclude_outside", 0)),
    }  # fmt: skip
    rank = len(call.tensor(0).shape)
    axes = call.axes(call.ints("axes") or range(rank), rank)
    if call.has(3):
        extents = _sized(call, axes, call.known_ints(3, "the sizes"))
    else:
        scales = np.ones(rank, np.float32)
        scales[list(axes)] = call.constant(2, "the scales").reshape(-1)
        extents = _scaled(call, scales)
    return _resized(call, extents, rule)


#: For each axis its new extent, and output pixels per input pixel.
Extents = list[tuple[int, float]]


def _scaled(call: Call, scales: np.ndarray) -> Extents:
    shape = call.tensor(0).shape
    if len(scales) != len(shape):
        raise Declined(f"{len(scales)} scales for {len(shape)} dimensions")
    sizes = np.floor(np.asarray(shape, np.float32) * scales.astype(np.float32))
    return [(int(size), short(float(scale))) for size, scale in zip(sizes, scales, strict=True)]


def _sized(call: Call, axes: tuple[int, ...], sizes: tuple[int, ...]) -> Extents:
    shape = call.tensor(0).shape
    if len(sizes) != len(axes):
        raise Declined(f"{len(sizes)} sizes for {len(axes)} axes")
    factors = {axis: size / shape[axis] for axis, size in zip(axes, sizes, strict=True)}
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        one = (min if policy == "not_larger" else max)(factors.values())
        factors = dict.fromkeys(factors, one)
    return [
        (int(extent * factors[axis] + 0.5), factors[axis]) if axis in factors else (extent, 1.0)
        for axis, extent in enumerate(shape)
    ]


def _mode(call: Call) -> str:
    mode = call.attribute("mode", "nearest")
    return {"bilinear": "linear"}.get(mode, mode)


def _resized(call: Call, extents: Extents, rule: dict[str, object]) -> Value | Tensor:
    """The node's result. Axes before the first one that changes become the channels of an image."""
    shape = call.tensor(0).shape
    changed = [axis for axis, (size, scale) in enumerate(extents) if size != shape[axis] or scale != 1.0]
    if not changed:
        return call.tensor(0)
    x, first = call.value(), 2 if changed[0] >= 2 and 3 <= len(shape) <= 5 else changed[0]
    if not 1 <= len(shape) - first <= 3:
        raise Declined(f"axes {changed} of {len(shape)} are resized; at most the last three can be")
    size, scale = zip(*extents[first:], strict=True)
    arguments = {"size": size, "scale": scale, "mode": _mode(call), **rule}
    if first == 2:
        return call.emit("resize", x, **arguments)
    channels = int(np.prod(shape[:first], dtype=np.int64))
    image = call.inner("resize", call.reshaped(x, (1, channels, *shape[first:])), **arguments)
    return call.emit("reshape", image, shape=(*shape[:first], *size))


HANDLERS = {"Resize": resize, "Upsample": upsample}
