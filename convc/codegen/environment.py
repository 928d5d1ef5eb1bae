"""The Jinja environment: templates keep C's own indentation, control lines are C comments (`//% for ...`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import isfinite
from typing import TypeVar

import jinja2
import numpy as np

from convc import resources

T = TypeVar("T")


@cache
def environment() -> jinja2.Environment:
    """The environment all C is rendered in; a name that is not defined is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        line_statement_prefix="//%",
        autoescape=False,
    )
    made.filters.update(c_float=c_float, c_string=c_string, c_comment=c_comment, nth=nth, numbered=numbered)
    return made


def c_float(number: float) -> str:
    """A float literal that reads back as the nearest float32."""
    if not isfinite(np.float32(number)):
        return "__builtin_nanf(\"\")" if number != number else f"{'-' if number < 0 else ''}__builtin_inff()"
    return f"{float(np.float32(number))!r}f"


def c_string(text: str) -> str:
    """A string literal, whatever the text holds."""
    plain = (" " <= chr(byte) <= "~" and chr(byte) not in '"\\?' for byte in text.encode())
    return '"' + "".join(chr(b) if ok else f"\\{b:03o}" for b, ok in zip(text.encode(), plain, strict=True)) + '"'


def c_comment(text: str) -> str:
    """Text that cannot end the comment it stands in."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??/", "? ?/")


def nth(index: int, items: Sequence[T]) -> T:
    return items[index]


def numbered(numbers: Iterable[int], prefix: str) -> list[str]:
    """`["e1", "e2"]` for numbers 1, 2 and prefix `e`."""
    return [f"{prefix}{number}" for number in numbers]
