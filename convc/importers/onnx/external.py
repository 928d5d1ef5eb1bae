"""Data that a model keeps in files beside it: only in the model's own folder, and only where lengths agree.

Format: onnx/docs/ExternalData.md. A location is a relative path without `..`; neither it nor a folder on the way is a
symbolic link out of the model's folder, and the file has no second name (a hard link could lead anywhere).
"""

from __future__ import annotations

from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from convc.diagnostics import ConvcError
from convc.importers.onnx.tensor import Array


def read_external(entries: dict[str, str], shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path | None) -> Array:
    """The numbers of a tensor whose data lies elsewhere, mapped from the file.

    Raises:
        ConvcError: The location leaves the folder, or offset and length do not fit shape and file.
    """
    if folder is None:
        raise ConvcError("its data lies in another file, and a model given as bytes has no folder: give its path")
    path = _locate(entries.get("location", ""), folder)
    size = path.stat().st_size
    offset, wanted = _number(entries, "offset", 0), prod(shape) * dtype.itemsize
    length = _number(entries, "length", wanted)
    if length != wanted:
        raise ConvcError(f"its data has {length} bytes, {dtype}{list(shape)} takes {wanted}")
    if offset + length > size:
        raise ConvcError(f"its data lies at {offset} to {offset + length} of {path.name}, which has {size} bytes")
    if wanted == 0:
        return np.zeros(shape, dtype)
    data = np.memmap(path, np.uint8, "r", offset=offset, shape=(length,))
    array: Array = data.view(dtype.newbyteorder("<")).reshape(shape)
    return array


def _number(entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ConvcError(f"the {key} of its data is {text[:40]!r}, not a whole number")
    return int(text)


def _locate(location: str, folder: Path) -> Path:
    parts = PurePosixPath(location.replace("\\", "/"))
    if not location or parts.is_absolute() or ".." in parts.parts or ":" in location or "\0" in location:
        raise ConvcError(f"its data would lie at {location!r}, outside the model's folder")
    root = folder.resolve()
    path = root / parts
    if path.resolve() != path or not path.resolve().is_relative_to(root):
        raise ConvcError(f"its data would lie at {location!r}, which is a link")
    if not path.is_file():
        raise ConvcError(f"its data should lie in {location!r}, beside the model, but there is no such file")
    if path.stat().st_nlink > 1:
        raise ConvcError(f"its data lies in {location!r}, a file with a second name (a hard link); copy it instead")
    return path
