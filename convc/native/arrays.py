"""The arrays of a call: taken as they are where they fit, never quietly converted."""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError

F32 = npt.NDArray[np.float32]
_F32: Final = np.dtype(np.float32)


def source(array: npt.ArrayLike, name: str, shape: tuple[int, ...]) -> F32:
    """`array` for the input `name`, contiguous; copied only where it is strided.

    Raises:
        ConvcError: Another dtype or shape.
    """
    # The dtype of nearly every float32 array is one object; comparing with `==` would cost as much as a small layer.
    if type(array) is np.ndarray and array.dtype is _F32 and array.shape == shape:
        flags = array.flags
        if flags.c_contiguous and flags.aligned:
            return array
    given = np.asarray(array)
    if given.dtype != _F32:
        raise ConvcError(f"input `{name}` must be float32, not {given.dtype}: write {_converted(array, name)}")
    if given.shape != shape:
        same = given.size == prod(shape)
        hint = f"; it has as many elements: write `{name}.reshape{shape}`" if same else ""
        raise ConvcError(f"input `{name}` must have shape {list(shape)}, not {list(given.shape)}{hint}")
    return np.require(given, requirements=["C", "A"])


def destination(array: object, name: str, shape: tuple[int, ...], others: list[F32]) -> F32:
    """`array` for the output `name`, where the caller gave one; `others` are the arrays of the call before it.

    Raises:
        ConvcError: It cannot be written into as it is, or lies over another array.
    """
    if not isinstance(array, np.ndarray) or array.dtype != _F32 or array.shape != shape or not array.flags.carray:
        if isinstance(array, np.ndarray) and not array.flags.writeable:
            raise ConvcError(f"out for `{name}` is read-only")
        raise ConvcError(
            f"out for `{name}` must be contiguous float32 of shape {list(shape)}: "
            f"write `numpy.empty({shape}, numpy.float32)`"
        )
    if any(_overlap(array, other) for other in others):
        raise ConvcError(f"out for `{name}` shares memory with another array of the call: give it memory of its own")
    return array


def _overlap(a: F32, b: F32) -> bool:
    if a.base is None and b.base is None:  # each owns its memory: the usual case, and quick to see
        return a is b
    return bool(np.may_share_memory(a, b))


def _converted(array: npt.ArrayLike, name: str) -> str:
    whole = isinstance(array, np.ndarray)
    return f"`{name}.astype(numpy.float32)`" if whole else f"`numpy.asarray({name}, numpy.float32)`"
