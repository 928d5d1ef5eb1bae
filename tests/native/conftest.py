"""A cache of the tests' own, warnings as errors, and two kernels."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_networks import SMALL, TWO, network

import convc


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(shared_cache))
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror")


@pytest.fixture
def small() -> convc.Kernel:
    return convc.compile(network(SMALL), threads=1)


@pytest.fixture
def two() -> convc.Kernel:
    return convc.compile(network(TWO), threads=1)
