"""Networks of torchvision and timm, where they are installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn


@contextmanager
def _without_compiled_ops() -> Iterator[None]:
    """torchvision's models import where its compiled operators do not load, which only detection needs."""
    register = torch.library.register_fake

    def lenient(op: Any, *args: Any, **options: Any) -> Any:
        decorated = register(op, *args, **options)

        def apply(function: Any) -> Any:
            try:
                return decorated(function)
            except RuntimeError:
                return function

        return apply

    torch.library.register_fake = lenient  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.library.register_fake = register


def library(name: str) -> ModuleType:
    with _without_compiled_ops():
        return pytest.importorskip(name, exc_type=(ImportError, RuntimeError))


def torchvision_model(name: str, **options: Any) -> nn.Module:
    models = library("torchvision.models")
    return getattr(models, name)(weights=None, **options)


def timm_model(name: str) -> nn.Module:
    return library("timm").create_model(name)
