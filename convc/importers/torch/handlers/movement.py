"""What moves elements and computes none."""

from __future__ import annotations

from typing import Final

import numpy as np

from convc.importers.onnx.errors import Declined
from convc.importers.torch.call import Call, Handler, Weight
from convc.ir.graph import Value


def _x(call: Call) -> Value:
    return call.value("input" if "input" in call.arguments else "self")


def same(call: Call) -> Value:
    """Copies, and dropout at inference."""
    if call.argument("train", False):
        raise Declined("dropout in training; call module.eval()")
    return _x(call)


def reshape(call: Call) -> Value:
    """Also views, flattening, and axes of extent 1 that come and go: the trace says what it came to."""
    x = _x(call)
    if x.type.shape == call.shape:
        return x
    if x.type.rank > 2 and call.shape == (x.type.shape[0], x.type.elements // x.type.shape[0]):
        return call.emit("flatten", x)
    return call.emit("reshape", x, shape=call.shape)


def permute(call: Call) -> Value:
    x = _x(call)
    rank = x.type.rank
    order = list(range(rank))
    if call.op == "permute":
        order = [axis % rank for axis in call.numbers("dims", 1)]
    elif rank > 1:
        a, b = (0, 1) if call.op == "t" else (call.axis("dim0", rank), call.axis("dim1", rank))
        order[a], order[b] = order[b], order[a]
    return call.emit("transpose", x, order=tuple(order))


def cat(call: Call) -> Value:
    values = call.values("tensors")
    return call.emit("concat", *values, axis=call.axis("dim", values[0].type.rank))


def split(call: Call) -> tuple[Value, ...]:
    """Pieces of the sizes given, or of one size, the last being what is left; `chunk` gives their number."""
    x = _x(call)
    axis = call.axis("dim", x.type.rank)
    extent = x.type.shape[axis]
    if call.op == "split_with_sizes" or isinstance(call.argument("split_size"), tuple):
        sizes = call.numbers("split_sizes" if "split_sizes" in call.arguments else "split_size", 1)
    else:
        size = -(-extent // call.argument("chunks")) if call.op == "chunk" else call.argument("split_size")
        sizes = tuple(min(size, extent - begin) for begin in range(0, extent, size))
    return call.results("split", x, sizes=sizes, axis=axis)


def slice_(call: Call) -> Value:
    x = _x(call)
    axis = call.axis("dim", x.type.rank)
    begin, end, step = slice(call.argument("start"), call.argument("end"), call.argument("step", 1)).indices(
        x.type.shape[axis]
    )
    if (begin, end, step) == (0, x.type.shape[axis], 1):
        return x
    return call.emit("slice", x, axis=axis, begin=begin, end=end, step=step)


def narrow(call: Call) -> Value:
    x = _x(call)
    axis, begin = call.axis("dim", x.type.rank), call.argument("start")
    return call.emit("slice", x, axis=axis, begin=begin, end=begin + call.argument("length"))


def flip(call: Call) -> Value:
    x = _x(call)
    for axis in call.numbers("dims", 1):
        x = call.emit("slice", x, axis=axis % x.type.rank, step=-1)
    return x


def roll(call: Call) -> Value:
    """Along each axis the end comes first."""
    x, shifts, axes = _x(call), call.numbers("shifts", 1), call.numbers("dims", 1)
    if not axes:
        raise Declined("a roll of the flat tensor; name its axes")
    for shift, axis in zip(shifts, axes, strict=True):
        extent = x.type.shape[axis]
        cut = -shift % extent
        if cut:
            first, last = call.builder.call("split", f"{call.name}.split", x, sizes=(cut, extent - cut), axis=axis)
            x = call.emit("concat", last, first, axis=axis % x.type.rank)
    return x


def stack(call: Call) -> Value:
    values = call.values("tensors")
    axis = call.axis("dim", values[0].type.rank + 1)
    return call.emit("concat", *(call.inner("unsqueeze", value, axes=(axis,)) for value in values), axis=axis)


def unbind(call: Call) -> tuple[Value, ...]:
    x = _x(call)
    axis = call.axis("dim", x.type.rank)
    shape = x.type.shape[:axis] + x.type.shape[axis + 1 :]
    if x.type.shape[axis] == 1:
        return (call.emit("reshape", x, shape=shape),)
    pieces = call.results("split", x, sizes=(1,) * x.type.shape[axis], axis=axis)
    return tuple(call.inner("reshape", piece, shape=shape) for piece in pieces)


def pick(call: Call) -> Value:
    """`index_select`, and indexing one axis with a list of positions that is known."""
    x = _x(call)
    if call.op == "index_select":
        axis, index = call.axis("dim", x.type.rank), call.argument("index")
    else:
        named = [(axis, index) for axis, index in enumerate(call.argument("indices")) if index is not None]
        if len(named) != 1:
            raise Declined("several axes are indexed at once")
        ((axis, index),) = named
    if not isinstance(index, Weight) or index.array.ndim != 1 or index.array.dtype.kind not in "iu":
        raise Declined("only a known list of positions along one axis picks")
    positions = tuple(int(place) % x.type.shape[axis] for place in index.array)
    return call.emit("gather", x, indices=positions, axis=axis)


def unfold(call: Call) -> Value:
    """Windows of an axis, their places last."""
    x = _x(call)
    axis = call.axis("dimension", x.type.rank)
    size, step = call.argument("size"), call.argument("step")
    count = (x.type.shape[axis] - size) // step + 1
    places = tuple(step * window + i for window in range(count) for i in range(size))
    shape = (*x.type.shape[:axis], count, size, *x.type.shape[axis + 1 :])
    windows = call.inner("reshape", call.inner("gather", x, indices=places, axis=axis), shape=shape)
    order = tuple(i for i in range(len(shape)) if i != axis + 1)
    return call.emit("transpose", windows, order=(*order, axis + 1))


def filled(call: Call) -> Value:
    """A tensor as large as another, of one number."""
    number = {"zeros_like": 0.0, "ones_like": 1.0}.get(call.op)
    return call.constant(np.full(call.shape, call.number("fill_value", 0.0) if number is None else number, np.float32))


def select(call: Call) -> Value:
    x = _x(call)
    axis = call.axis("dim", x.type.rank)
    index = call.argument("index") % x.type.shape[axis]
    return call.emit("reshape", call.inner("slice", x, axis=axis, begin=index, end=index + 1), shape=call.shape)


def expand(call: Call) -> Value:
    x = _x(call)
    return x if x.type.shape == call.shape else call.emit("expand", x, shape=call.shape)


def repeat(call: Call) -> Value:
    return call.emit("tile", _x(call), repeats=call.numbers("repeats", 1))


_MODES: Final = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(call: Call) -> Value:
    """torch counts from the last axis, before and after; here all begins stand before all ends."""
    x, numbers = _x(call), call.numbers("pad", 1)
    begins, ends = [0] * x.type.rank, [0] * x.type.rank
    for place in range(len(numbers) // 2):
        begins[-1 - place], ends[-1 - place] = numbers[2 * place], numbers[2 * place + 1]
    mode = _MODES.get(call.argument("mode", "constant"))
    if mode is None:
        raise Declined(f"padding by `{call.argument('mode')}`")
    return call.emit("pad", x, pads=(*begins, *ends), mode=mode, value=call.number("value", 0.0))


def pixel_shuffle(call: Call) -> Value:
    return call.emit("depth_to_space", _x(call), factor=call.argument("upscale_factor"), mode="crd")


def channel_shuffle(call: Call) -> Value:
    return call.emit("channel_shuffle", _x(call), groups=call.argument("groups"))


HANDLERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(("clone", "contiguous", "detach", "alias", "dropout", "feature_dropout", "lift_fresh_copy"), same),
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze"), reshape),
    **dict.fromkeys(("permute", "transpose", "t"), permute),
    "cat": cat, "concat": cat, "slice": slice_, "select": select, "expand": expand, "repeat": repeat,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), split),
    "constant_pad_nd": pad, "pad": pad, "pixel_shuffle": pixel_shuffle, "channel_shuffle": channel_shuffle,
    "native_channel_shuffle": channel_shuffle, "narrow": narrow, "flip": flip, "roll": roll, "stack": stack,
    "unbind": unbind, "index_select": pick, "index": pick, "unfold": unfold,
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "new_zeros", "new_full"), filled),
}  # fmt: skip
