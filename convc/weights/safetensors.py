"""The safetensors format: an 8-byte length, a JSON header of that length, then raw little-endian data.

The reader trusts nothing: every length, offset and shape is checked before a byte of data is touched, and the data is
mapped, not read. Format: https://github.com/huggingface/safetensors, section Format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError

#: A header larger than this many bytes is refused: it would describe a hundred thousand tensors.
HEADER_LIMIT: Final = 25_000_000

#: NumPy holds no array of more dimensions on all its versions.
_RANK_LIMIT: Final = 32

_DTYPES: Final = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every tensor by name, mapped from the file in its own type, bf16 converted to float32.

    Raises:
        ConvcError: The file is not safetensors, or lies about itself.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(size - 8, HEADER_LIMIT):
                raise ConvcError(f"{path}: not a safetensors file (its header would have {length} of {size} bytes)")
            header = json.loads(file.read(length))
    except OSError as error:
        raise ConvcError(f"{path}: cannot read weights: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConvcError(f"{path}: the safetensors header is not valid JSON: {error}") from None
    if not isinstance(header, dict):
        raise ConvcError(f"{path}: the safetensors header is not a table of tensors")
    data = np.memmap(path, np.uint8, "r", offset=8 + length) if size > 8 + length else np.zeros(0, np.uint8)
    return {name: _tensor(path, name, entry, data) for name, entry in header.items() if name != "__metadata__"}


def _tensor(path: Path, name: str, entry: Any, data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    shown = f"{path}: tensor {ascii(name)[:200]}"  # a hostile name may not even print
    try:
        dtype, shape, (begin, end) = _DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise ConvcError(f"{shown} has no dtype, shape and offsets convc can read: {ascii(entry)[:200]}") from None
    numbers = (*shape, begin, end)
    if len(shape) > _RANK_LIMIT or not all(type(n) is int and 0 <= n < 2**62 for n in numbers):
        raise ConvcError(f"{shown} has a shape or offsets that are not whole numbers: {ascii(entry)[:200]}")
    wanted = prod(shape) * np.dtype(dtype).itemsize
    if not begin <= end <= len(data) or end - begin != wanted:
        raise ConvcError(
            f"{shown} of shape {list(shape)} takes {wanted} bytes, but lies at {begin} to {end} of {len(data)}: "
            "the file is cut short or damaged"
        )
    try:
        array = data[begin:end].view(dtype).reshape(shape)
    except (ValueError, OverflowError) as error:  # no elements, and the other extents beyond NumPy's reach
        raise ConvcError(f"{shown} of shape {list(shape)}: {error}") from None
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def write(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write float32 tensors; the file appears whole or not at all."""
    arrays = {name: np.ascontiguousarray(tensors[name], np.float32) for name in sorted(tensors)}
    header: dict[str, Any] = {}
    offset = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for array in arrays.values():
                file.write(array.reshape(-1).view(np.uint8).data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
