"""What the tests of `torch.compile` share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing built before is found, by convc or by torch."""
    import torch

    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    torch.compiler.reset()
