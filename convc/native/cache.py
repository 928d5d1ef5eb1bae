"""Built things by content: an entry's name is the hash of all that made it, so an entry is never out of date.

What a network of large weights leaves is as large, so the cache has a limit, beyond which what was not used for longest
goes. An entry's time of modification is that of its last use.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from convc.diagnostics import ConvcError

#: Kinds of entries: whole libraries (folders), object files, which library a request led to, which network a source.
LIBRARIES: Final = "libraries"
OBJECTS: Final = "objects"
REQUESTS: Final = "requests"
SOURCES: Final = "sources"

#: GiB that the cache may take where CONVC_CACHE_LIMIT does not say.
LIMIT: Final = 10.0

_UNFINISHED: Final = ".building-"
_DAY: Final = 24 * 60 * 60.0
_JUST_USED: Final = 10 * 60.0  # seconds: another process may be about to load it


def root() -> Path:
    """The cache folder: $CONVC_CACHE, else $XDG_CACHE_HOME/convc, else ~/.cache/convc."""
    if chosen := os.environ.get("CONVC_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convc"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one kind of entry takes."""

    kind: str
    entries: int
    bytes: int


def usage() -> tuple[Usage, ...]:
    """Entries and bytes by kind."""
    folders = sorted(path for path in root().iterdir() if path.is_dir()) if root().is_dir() else []
    return tuple(Usage(f.name, sum(not e.name.startswith(".") for e in f.iterdir()), _size(f)) for f in folders)


def clear() -> int:
    """Remove every entry; the bytes that were freed."""
    freed = sum(kind.bytes for kind in usage())
    for kind in usage():
        shutil.rmtree(root() / kind.kind, ignore_errors=True)
    return freed


def limit() -> float:
    """Bytes the cache may take."""
    text = os.environ.get("CONVC_CACHE_LIMIT", "")
    try:
        gibibytes = float(text) if text else LIMIT
    except ValueError:
        gibibytes = -1.0
    if not gibibytes >= 0:
        raise ConvcError(f"CONVC_CACHE_LIMIT is {text!r}; set it to a number of GiB, e.g. {LIMIT:g}")
    return gibibytes * 2**30


def used(entry: Path) -> None:
    """Say that an entry was of use now."""
    with suppress(OSError):  # another user's cache may be read-only
        os.utime(entry)


def trim() -> int:
    """Remove libraries and objects, those not used for longest first, until all fit the limit; the bytes freed."""
    allowed, found, freed = limit(), list(_entries()), 0
    total = sum(size for _, size, _ in found)
    for last, size, entry in sorted(found):
        if total - freed <= allowed or time.time() - last < _JUST_USED:
            break
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        freed += size
    return freed


def _entries() -> Iterator[tuple[float, int, Path]]:
    """Last use, bytes and path of every library and object."""
    for kind in (LIBRARIES, OBJECTS):
        for entry in (root() / kind).glob("[!.]*"):
            with suppress(OSError):  # another process removed it meanwhile
                yield entry.stat().st_mtime, _size(entry), entry


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """A folder to build in, on the file system of the entries, so that what is done can be renamed into place.

    It is removed afterwards; those that killed processes left behind are removed a day later, by the next build.
    """
    folder = root() / kind
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):  # its own process may remove it meanwhile
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as made:
        yield Path(made)


def write(path: Path, text: str) -> None:
    """A file of the cache, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def _size(folder: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else (folder,):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # another process replaced it meanwhile
            continue
    return total
