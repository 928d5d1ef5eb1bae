"""The safetensors reader: what it reads, and that no bytes at all can hurt it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convc.diagnostics import ConvcError
from convc.weights import safetensors, save_safetensors


def container(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[Any], begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def read_bytes(folder: Path, content: bytes) -> dict[str, Any]:
    path = folder / "w.safetensors"
    path.write_bytes(content)
    return safetensors.read(path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    tensors = {"a.weight": np.arange(6.0).reshape(2, 3), "b": np.float64(2.5), "none": np.zeros((0, 4))}
    path = tmp_path / "w.safetensors"
    save_safetensors(path, tensors)
    found = safetensors.read(path)
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]  # no part is left behind


def test_files_are_the_same_whatever_the_order(tmp_path: Path) -> None:
    for name, keys in (("a", "xyz"), ("b", "zyx")):
        save_safetensors(tmp_path / name, {key: np.full(3, ord(key)) for key in keys})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "raw", "values"),
    [
        ("F32", struct.pack("<2f", 1.5, -2), [1.5, -2]),
        ("F64", struct.pack("<2d", 1.5, -2), [1.5, -2]),
        ("F16", struct.pack("<2e", 1.5, -2), [1.5, -2]),
        ("BF16", b"\xc0\x3f\x00\xc0", [1.5, -2]),
        ("I64", struct.pack("<2q", 7, -2), [7, -2]),
        ("U8", b"\x07\xff", [7, 255]),
        ("BOOL", b"\x01\x00", [True, False]),
    ],
)
def test_element_types(tmp_path: Path, dtype: str, raw: bytes, values: list[float]) -> None:
    header = {"__metadata__": {"format": "pt"}, "t": entry(dtype, [2], 0, len(raw))}
    assert read_bytes(tmp_path, container(header, raw))["t"].tolist() == values


def test_unaligned_data(tmp_path: Path) -> None:
    raw = b"\x01" + struct.pack("<2f", 1.5, -2)
    header = {"flag": entry("BOOL", [], 0, 1), "t": entry("F32", [2, 1], 1, 9)}
    assert read_bytes(tmp_path, container(header, raw))["t"].tolist() == [[1.5], [-2]]


HOSTILE = {
    "empty": b"",
    "short": b"\x02\0\0",
    "length_only": struct.pack("<Q", 2),
    "length_beyond_file": struct.pack("<Q", 1 << 20) + b"{}",
    "length_beyond_memory": struct.pack("<Q", (1 << 64) - 1) + b"{}",
    "zip": b"PK\x03\x04" + bytes(60),
    "not_json": container(b"{]"),
    "not_utf8": container(b'{"\xff\xfe": 1}'),
    "deep": container(b"[" * 200_000),
    "long_number": container(b'{"t": ' + b"9" * 10_000 + b"}"),
    "list": container([1, 2]),
    "number": container(b"17"),
    "entry_is_text": container({"t": "F32"}),
    "entry_is_null": container({"t": None}),
    "no_offsets": container({"t": {"dtype": "F32", "shape": [1]}}),
    "three_offsets": container({"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}, bytes(8)),
    "unknown_type": container({"t": entry("F8_E4M3", [1], 0, 1)}, b"\0"),
    "type_is_a_list": container({"t": entry(["F32"], [1], 0, 4)}, bytes(4)),  # type: ignore[arg-type]
    "shape_is_a_number": container({"t": {"dtype": "F32", "shape": 3, "data_offsets": [0, 12]}}, bytes(12)),
    "negative_extent": container({"t": entry("F32", [-1, -1], 0, 4)}, bytes(4)),
    "fractional_extent": container({"t": entry("F32", [1.0], 0, 4)}, bytes(4)),
    "true_extent": container({"t": entry("F32", [True], 0, 4)}, bytes(4)),
    "not_a_number": container(b'{"t": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}', bytes(4)),
    "too_many_axes": container({"t": entry("F32", [1] * 100, 0, 4)}, bytes(4)),
    "huge_product": container({"t": entry("F32", [1 << 40, 1 << 40], 0, 4)}, bytes(4)),
    "huge_but_empty": container({"t": entry("F32", [0, 1 << 61, 1 << 61], 0, 0)}),
    "huge_extent": container({"t": entry("F32", [1 << 80], 0, 4)}, bytes(4)),
    "end_before_begin": container({"t": entry("F32", [1], 4, 0)}, bytes(8)),
    "negative_offset": container({"t": entry("F32", [1], -4, 0)}, bytes(8)),
    "beyond_the_end": container({"t": entry("F32", [2], 0, 8)}, bytes(7)),
    "too_few_bytes": container({"t": entry("F32", [2], 0, 4)}, bytes(8)),
    "name_that_cannot_print": container(b'{"\\ud800": {"dtype": "X", "shape": [], "data_offsets": [0, 4]}}', bytes(4)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConvcError) as caught:
        read_bytes(tmp_path, HOSTILE[name])
    assert "w.safetensors" in str(caught.value)
    assert len(str(caught.value).encode()) < 1000


def test_header_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors, "HEADER_LIMIT", 100)
    with pytest.raises(ConvcError, match="not a safetensors file"):
        read_bytes(tmp_path, container({f"t{i}": entry("F32", [0], 0, 0) for i in range(9)}))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ConvcError, match="cannot read weights"):
            safetensors.read(path)


def test_any_damage_is_an_error_or_a_table(tmp_path: Path) -> None:
    good = container({"a": entry("F32", [2, 2], 0, 16), "b": entry("F16", [3], 16, 22)}, bytes(range(22)))
    source = random.Random(7)
    for _ in range(1500):
        content = bytearray(good)
        for _ in range(source.randint(1, 4)):
            content[source.randrange(len(content))] = source.choice(b'\0\xff"[]{},:-0123456789eF')
        content = content[: source.randint(0, len(content))] if source.random() < 0.2 else content
        try:
            found = read_bytes(tmp_path, bytes(content))
        except ConvcError:
            continue
        assert all(np.asarray(array).size >= 0 for array in found.values())
