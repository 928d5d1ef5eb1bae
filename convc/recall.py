"""Which network a source led to before: a build that is cached neither parses a source nor imports NumPy.

A record holds hashes of everything that was read (sources, weights file) and the digest of the network that came out.
It is believed only while every file still has the same content, and convc itself is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from convc.native import cache
from convc.native.build import generator

if TYPE_CHECKING:  # heavy, and only named
    from convc.network import Network

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Origin:
    """What is read to make a network: the arguments of `convc.load`."""

    path: Path
    weights: Path | None
    seed: int
    parameters: Mapping[str, object]

    @property
    def folder(self) -> Path:
        """The project: names of sources are relative to it."""
        return self.path.parent.resolve()

    def key(self) -> str:
        """A name for the record: all but the files' contents."""
        weights = self.weights.resolve() if self.weights else None
        read = (self.folder / self.path.name, weights, self.seed, sorted(self.parameters.items()), generator())
        return hashlib.sha256(repr(read).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Recalled:
    """The digest of the network (`Network.digest`), and in words where its weights came from."""

    digest: str
    weights_from: str


def recall(origin: Origin) -> Recalled | None:
    """The network that `origin` led to, if nothing it was read from has changed."""
    try:
        record = json.loads(_file(origin).read_text())
        read = {name: _hash_text((origin.folder / name).read_bytes()) for name in record["sources"]}
        weights = _hash_file(origin.weights) if origin.weights else None
        if read == record["sources"] and weights == record["weights"]:
            return Recalled(record["digest"], record["weights_from"])
    except (OSError, ValueError, KeyError, TypeError):  # no record, a file that is gone, or a damaged record
        pass
    return None


def remember(origin: Origin, network: Network, weights_from: str) -> None:
    """Let `recall` lead from `origin` to `network`, which `convc.load` made of it."""
    record = {
        "sources": {source.name: _hash_text(source.text.encode()) for source in network.sources},
        "weights": _hash_file(origin.weights) if origin.weights else None,
        "digest": network.digest,
        "weights_from": weights_from,
    }
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        cache.write(_file(origin), json.dumps(record))


def _file(origin: Origin) -> Path:
    return cache.root() / cache.SOURCES / f"{origin.key()}.json"


def _hash_text(data: bytes) -> str:
    return hashlib.sha256(data.removeprefix(b"\xef\xbb\xbf")).hexdigest()


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
