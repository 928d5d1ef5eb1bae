"""What stands between the brackets of a call, and values as the language writes them."""

from __future__ import annotations

from typing import Any

from convc.frontend.values import literal
from convc.ops.signature import REQUIRED
from convc.writer.blocks import Block, Use
from convc.writer.items import Item


def arguments(item: Item) -> tuple[list[str], list[str]]:
    """Arguments by position and by name; those equal to the default are left out."""
    if item.block is not None:
        return _block_arguments(item, item.block)
    positional: list[str] = []
    keywords: list[str] = []
    for name, value in item.arguments.items():
        param = item.params[name]
        if param.default is REQUIRED or (param.default is None and name in ("channels", "kernel")):
            positional.append(value_text(value))
        elif not _is_default(item, name, value, param.default):
            keywords.append(f"{name} = {value_text(value)}")
    return positional, keywords


def _is_default(item: Item, name: str, value: Any, default: object) -> bool:
    if isinstance(value, Use):
        return False
    if default is None:
        return name == "stride" and value == item.arguments.get("kernel")
    if name == "pad" and value == "half" and item.arguments.get("kernel") == 1:
        return True
    return type(value) is type(default) and value == default


def _block_arguments(item: Item, block: Block) -> tuple[list[str], list[str]]:
    positional = [value_text(v) for name, v in item.arguments.items() if name not in block.defaults]
    keywords = [
        f"{name} = {value_text(v)}"
        for name, v in item.arguments.items()
        if name in block.defaults and (isinstance(v, Use) or v != block.defaults[name])
    ]
    return positional, keywords


def value_text(value: Any) -> str:
    if isinstance(value, Use):
        return value.name if value.factor == 1 else f"{value.factor} * {value.name}"
    if isinstance(value, str):
        return value
    return number(value) if isinstance(value, float) else literal(value)


def number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)


def quoted(text: str) -> str:
    return f'"{text}"'
