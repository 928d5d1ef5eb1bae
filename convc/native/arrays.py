"""The arrays of a call: taken as they are where they fit, never quietly converted."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Final, TypeGuard

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
    if _is_plain(array, shape):
        return array
    given = np.asarray(array)
    if given.dtype != _F32:
        raise ConvcError(f"input `{name}` must be float32, not {given.dtype}: write {_converted(array, name)}")
    if given.shape != shape:
        same = given.size == prod(shape)
        hint = f"; it has as many elements: write `{name}.reshape{shape}`" if same else ""
        raise ConvcError(f"input `{name}` must have shape {list(shape)}, not {list(given.shape)}{hint}")
    return np.require(given, requirements=["C", "A"])


def destination(array: object, name: str, shape: tuple[int, ...]) -> F32:
    """`array` for the output `name`, where the caller gave one.

    Raises:
        ConvcError: It cannot be written into as it is.
    """
    if _is_plain(array, shape):
        return array
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise ConvcError(f"out for `{name}` is read-only")
    if not isinstance(array, np.ndarray) or array.dtype != _F32 or array.shape != shape or not array.flags.carray:
        raise ConvcError(
            f"out for `{name}` must be contiguous float32 of shape {list(shape)}: "
            f"write `numpy.empty({shape}, numpy.float32)`"
        )
    return array


def apart(array: F32, name: str, others: Iterable[F32]) -> None:
    """`array`, for the output `name`, has memory of its own.

    Raises:
        ConvcError: It lies over one of the others.
    """
    for other in others:
        # Arrays that own their memory, the usual case, are quick to tell apart.
        if array is other or (not (array.base is other.base is None) and np.may_share_memory(array, other)):
            raise ConvcError(
                f"out for `{name}` shares memory with another array of the call: give it memory of its own"
            )


def _is_plain(array: object, shape: tuple[int, ...]) -> TypeGuard[F32]:
    """Whether an array can be used as it is, seen in the quickest way; nearly all are plain.

    The dtype of nearly every float32 array is one object; comparing with `==` would cost as much as a small layer.
    """
    return type(array) is np.ndarray and array.dtype is _F32 and array.shape == shape and array.flags.carray


def _converted(array: npt.ArrayLike, name: str) -> str:
    whole = isinstance(array, np.ndarray)
    return f"`{name}.astype(numpy.float32)`" if whole else f"`numpy.asarray({name}, numpy.float32)`"
