"""The cache of the parser tables never gets in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lark import Lark

from convc.frontend import parse_graph, tables

TEXT = "network n(x: f32[1]) { return relu(x) }"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    tables.parser.cache_clear()
    yield tmp_path / "cache"
    tables.parser.cache_clear()


def test_stored_once_and_read_again(cache: Path) -> None:
    parse_graph(TEXT)
    (stored,) = (cache / "grammar").iterdir()
    before = stored.stat().st_mtime_ns
    tables.parser.cache_clear()
    parse_graph(TEXT)
    assert stored.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x80\x04}."])
def test_a_damaged_file_is_replaced(cache: Path, damage: bytes) -> None:
    parse_graph(TEXT)
    (stored,) = (cache / "grammar").iterdir()
    stored.write_bytes(damage)
    tables.parser.cache_clear()
    parse_graph(TEXT)
    with stored.open("rb") as file:
        assert Lark.load(file).parse(TEXT, start=tables.FILE)


def test_a_cache_that_cannot_be_written(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    parse_graph(TEXT)


def test_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVC_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert tables.cache_folder() == Path("/x/convc")
