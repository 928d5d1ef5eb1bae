"""Resize, and Upsample, which it replaced."""

from __future__ import annotations

from collections.abc import Callable

from convc.importers.onnx.call import Call

HANDLERS: dict[str, Callable[[Call], object]] = {}
