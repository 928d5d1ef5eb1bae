"""NumPy's `.npz`: a zip archive of `.npy` members, each a header and raw data.

Members are read without pickle, and only where header, size and archive agree; a member takes no more memory than
the archive's own table says.
"""

from __future__ import annotations

import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError

#: Members of more bytes than this are refused before anything is unpacked.
MEMBER_LIMIT: Final = 16 << 30

_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every array of the archive by name.

    Raises:
        ConvcError: The file is not a zip archive of plain arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename.removesuffix(".npy"): _member(archive, info) for info in archive.infolist()}
    except OSError as error:
        raise ConvcError(f"{path}: cannot read weights: {error.strerror or error}") from None
    except Exception as error:  # zipfile, zlib and NumPy raise nearly anything on hostile bytes
        raise ConvcError(f"{path}: cannot be read as .npz: {error}") from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(info) as file:
        shape, fortran, dtype = _header(file)
        wanted = prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise ConvcError(f"{info.filename!a} holds Python objects, not numbers")
        if wanted != info.file_size - file.tell() or wanted > MEMBER_LIMIT:
            raise ConvcError(f"{info.filename!a} of shape {list(shape)} takes {wanted} bytes, but has others")
        flat = np.frombuffer(file.read(wanted), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ConvcError(f"version {version} of the .npy format")
    shape, fortran, dtype = _HEADERS[version](file)
    return shape, fortran, dtype
