"""The npz reader: no pickle, no lies."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from convc.diagnostics import ConvcError
from convc.weights import npz


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def read_bytes(folder: Path, content: bytes) -> dict[str, np.ndarray]:
    path = folder / "w.npz"
    path.write_bytes(content)
    return npz.read(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path: Path, save: object) -> None:
    arrays = {
        "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "transposed": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.array(2.5),
        "big_endian": np.array([1.5, -2], ">f4"),
        "empty": np.zeros((0, 3)),
    }
    assert callable(save)
    save(tmp_path / "w.npz", **arrays)
    found = npz.read(tmp_path / "w.npz")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        npy(np.ones(3)),
        archive(t=b""),
        archive(t=b"\x93NUMPY\x01\x00\xff\xff"),
        archive(t=b"\x93NUMPY\x09\x00" + bytes(80)),
        archive(t=npy(np.ones(3))[:-1]),
        archive(t=npy(np.ones(3)) + b"\0"),
        archive(t=npy(np.ones(3)).replace(b"(3,)", b"(9,)")),
        archive(t=npy(np.ones(3)).replace(b"(3,)", b"(-3,")),
        archive(t=npy(np.ones(3)).replace(b"'<f8'", b"'|O8'")),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConvcError, match=r"w\.npz"):
        read_bytes(tmp_path, content)


def test_python_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", t=np.array([{"a": 1}], object))
    with pytest.raises(ConvcError, match="Python objects"):
        npz.read(tmp_path / "w.npz")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConvcError, match="cannot read weights"):
        npz.read(tmp_path / "none.npz")


def test_any_damage_is_an_error_or_a_table(tmp_path: Path) -> None:
    good = archive(a=npy(np.arange(6.0)), b=npy(np.ones((2, 2), np.float32)))
    source = random.Random(7)
    for _ in range(400):
        content = bytearray(good)
        for _ in range(source.randint(1, 4)):
            content[source.randrange(len(content))] = source.randrange(256)
        try:
            found = read_bytes(tmp_path, bytes(content))
        except ConvcError:
            continue
        assert all(array.size >= 0 for array in found.values())
