"""Ops that move elements: shapes, axes, parts and repetitions."""

from __future__ import annotations

from math import prod

import numpy as np

from convc.importers.onnx.call import Call, short
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.tensor import Tensor
from convc.ir.graph import Value
from convc.ir.types import Shape


def to_shape(call: Call, shape: Shape) -> Value | Tensor:
    """The operand in another shape: nothing, `flatten` or `reshape`."""
    x = call.value()
    if x.type.shape == shape:
        return call.tensor(0)
    if x.type.rank > 2 and shape == (x.type.shape[0], prod(x.type.shape[1:])):
        return call.emit("flatten", x)
    return call.emit("reshape", x, shape=shape)


def reshape(call: Call) -> Value | Tensor:
    """0 keeps an extent (but with `allowzero`), -1 is worked out."""
    wanted, old = call.known_ints(1, "the shape"), call.tensor(0).shape
    if not call.attribute("allowzero", 0):
        if any(n == 0 and i >= len(old) for i, n in enumerate(wanted)):
            raise Declined(f"the shape {list(wanted)} keeps an extent that {list(old)} does not have")
        wanted = tuple(old[i] if n == 0 else n for i, n in enumerate(wanted))
    rest, total = prod(n for n in wanted if n != -1), prod(old)
    if wanted.count(-1) == 1 and rest and total % rest == 0:
        wanted = tuple(total // rest if n == -1 else n for n in wanted)
    if min(wanted, default=0) < 0 or prod(wanted) != total:
        raise Declined(f"{list(old)} has {total} elements, which do not fit into {list(wanted)}")
    return to_shape(call, wanted)


def flatten(call: Call) -> Value | Tensor:
    shape = call.tensor(0).shape
    axis = call.attribute("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise Declined(f"axis {axis} of {len(shape)} dimensions")
    axis = axis + len(shape) if axis < 0 else axis
    return to_shape(call, (prod(shape[:axis]), prod(shape[axis:])))


def squeeze(call: Call) -> Value | Tensor:
    shape = call.tensor(0).shape
    axes = call.known_ints(1, "the axes") if call.has(1) else call.ints("axes")
    gone = call.axes(axes, len(shape)) if axes is not None else tuple(i for i, n in enumerate(shape) if n == 1)
    if any(shape[axis] != 1 for axis in gone):
        raise Declined(f"axes {list(gone)} of {list(shape)} are not all of extent 1")
    return call.emit("squeeze", call.value(), axes=gone) if gone else call.tensor(0)


def unsqueeze(call: Call) -> Value | Tensor:
    axes = call.known_ints(1, "the axes") if call.has(1) else call.ints("axes") or ()
    axes = call.axes(axes, len(call.tensor(0).shape) + len(axes))
    return call.emit("unsqueeze", call.value(), axes=axes) if axes else call.tensor(0)


def transpose(call: Call) -> Value | Tensor:
    rank = len(call.tensor(0).shape)
    order = call.ints("perm", tuple(reversed(range(rank)))) or ()
    if sorted(order) != list(range(rank)):
        raise Declined(f"perm is {list(order)}, the input has {rank} dimensions")
    return call.tensor(0) if order == tuple(range(rank)) else call.emit("transpose", call.value(), order=order)


def concat(call: Call) -> Value | Tensor:
    """Operands without elements take no part."""
    kept = [tensor for tensor in call.inputs if tensor is not None and 0 not in tensor.shape] or [call.tensor(0)]
    if len(kept) == 1:
        return kept[0]
    axis = call.axis(call.attribute("axis", 1), len(kept[0].shape))
    return call.emit("concat", *map(call.value_of, kept), axis=axis)


def split(call: Call) -> tuple[Value, ...]:
    shape = call.tensor(0).shape
    axis = call.axis(call.attribute("axis", 0), len(shape))
    sizes = call.known_ints(1, "the sizes") if call.has(1) else call.ints("split")
    if not sizes:
        count = call.attribute("num_outputs", len(call.outputs))
        each = -(-shape[axis] // count)
        sizes = (each,) * (count - 1) + (shape[axis] - each * (count - 1),)
    return call.results("split", call.value(), sizes=sizes, axis=axis)


def slice_(call: Call) -> Value | Tensor:
    """A part along each axis named; bounds beyond the tensor mean its ends."""
    shape = call.tensor(0).shape
    if call.opset < 10:
        begins, ends = call.ints("starts") or (), call.ints("ends") or ()
        axes, steps = call.ints("axes"), None
    else:
        begins, ends = call.known_ints(1, "the begin"), call.known_ints(2, "the end")
        axes = call.known_ints(3, "the axes") if call.has(3) else None
        steps = call.known_ints(4, "the steps") if call.has(4) else None
    named = call.axes(axes if axes is not None else tuple(range(len(begins))), len(shape))
    steps = steps or (1,) * len(named)
    if not len(named) == len(begins) == len(ends) == len(steps) or 0 in steps:
        raise Declined(f"starts {list(begins)}, ends {list(ends)} and steps {list(steps)} do not fit {len(named)} axes")
    x = call.value()
    for axis, begin, end, step in zip(named, begins, ends, steps, strict=True):
        x = _part(call, x, axis, range(*slice(begin, _end(end, step), step).indices(shape[axis])))
    return x if x is not call.value() else call.tensor(0)


def _end(end: int, step: int) -> int | None:
    """ONNX writes a very small number for `before the first` where the step is negative."""
    return None if step < 0 and end < -(2**30) else end


def _part(call: Call, x: Value, axis: int, picked: range) -> Value:
    if not picked:
        raise Declined(f"nothing is left of axis {axis}; tensors without elements are not computed")
    if picked == range(x.type.shape[axis]):
        return x
    end = picked[-1] + (1 if picked.step > 0 else -1)
    bounds = {"begin": picked.start, "end": end} if end >= 0 else {"begin": picked.start}
    return call.emit("slice", x, axis=axis, step=picked.step, **bounds)


def pad(call: Call) -> Value | Tensor:
    """Numbers below zero cut off instead."""
    shape = call.tensor(0).shape
    if call.opset < 11:
        pads, value = call.ints("pads") or (), short(call.attribute("value", 0.0))
    else:
        pads = call.known_ints(1, "the padding")
        value = call.known_number(2, "the value in the padding") if call.has(2) else 0.0
    axes = call.known_ints(3, "the axes") if call.has(3) else range(len(shape))
    named = call.axes(tuple(axes), len(shape))
    if len(pads) != 2 * len(named):
        raise Declined(f"pads has {len(pads)} numbers, {len(named)} axes take {2 * len(named)}")
    both = [0] * (2 * len(shape))
    for place, axis in enumerate(named):
        both[axis], both[len(shape) + axis] = pads[place], pads[len(named) + place]
    if not any(both):
        return call.tensor(0)
    return call.emit("pad", call.value(), pads=tuple(both), mode=call.attribute("mode", "constant"), value=value)


def expand(call: Call) -> Value | Tensor:
    wanted, old = call.known_ints(1, "the shape"), call.tensor(0).shape
    try:
        shape = tuple(np.broadcast_shapes(old, wanted))
    except ValueError:
        raise Declined(f"{list(old)} does not broadcast to {list(wanted)}") from None
    return call.tensor(0) if shape == old else call.emit("expand", call.value(), shape=shape)


def tile(call: Call) -> Value | Tensor:
    repeats = call.known_ints(1, "the repeats")
    if len(repeats) != len(call.tensor(0).shape) or min(repeats, default=1) < 1:
        raise Declined(f"repeats are {list(repeats)}, the input is {list(call.tensor(0).shape)}")
    return call.tensor(0) if set(repeats) <= {1} else call.emit("tile", call.value(), repeats=repeats)


def depth_to_space(call: Call) -> Value:
    mode = call.attribute("mode", "DCR").lower()
    return call.emit("depth_to_space", call.value(), factor=call.attribute("blocksize", 1), mode=mode)


def space_to_depth(call: Call) -> Value:
    if call.attribute("mode", "DCR") != "DCR":
        raise Declined("channels before blocks (mode CRD): write it as Reshape and Transpose")
    return call.emit("space_to_depth", call.value(), factor=call.attribute("blocksize", 1))


def gather(call: Call) -> Value | Tensor:
    """Picks along an axis; one index alone takes the axis away, several of any shape stand in its place."""
    shape = call.tensor(0).shape
    axis = call.axis(call.attribute("axis", 0), len(shape))
    indices = call.constant(1, "the indices")
    flat = tuple(int(n) for n in indices.reshape(-1))
    if not flat or not all(-shape[axis] <= n < shape[axis] for n in flat):
        raise Declined(f"indices {list(flat[:8])} on an axis of {shape[axis]}")
    flat = tuple(n % shape[axis] for n in flat)
    result = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    first, last = flat[0], flat[-1] + 1
    run = flat == tuple(range(first, last))
    if run and first == 0 and last == shape[axis]:
        return to_shape(call, result)
    kind = "slice" if run else "gather"
    how: dict[str, object] = {"begin": first, "end": last} if run else {"indices": flat}
    if (*shape[:axis], len(flat), *shape[axis + 1 :]) == result:
        return call.emit(kind, call.value(), axis=axis, **how)
    return call.emit("reshape", call.inner(kind, call.value(), axis=axis, **how), shape=result)


def triangle(call: Call) -> Value:
    """The lower or upper triangle of the last two axes: a product with a mask."""
    shape = call.tensor(0).shape
    offset = int(call.constant(1, "k").reshape(())) if call.has(1) else 0
    if len(shape) < 2:
        raise Declined("a triangle of a vector")
    cut = np.triu if call.attribute("upper", 1) else np.tril
    mask = call.builder.parameter(f"{call.name}.mask", cut(np.ones(shape[-2:], np.float32), offset))
    return call.emit("where", mask, call.value(), call.builder.number(0.0))


HANDLERS = {
    "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
    "Concat": concat, "Split": split, "Slice": slice_, "Pad": pad, "Expand": expand, "Tile": tile,
    "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth, "Gather": gather, "Trilu": triangle,
}  # fmt: skip
