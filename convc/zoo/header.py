"""The comment at the head of a network of the zoo, which says where the network is from.

    # ResNet-50
    # Paper: He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2015, arXiv 1512.03385
    # Form: plain
    # Weights: torchvision's resnet50

A title, then fields; a line that is indented goes on with the field above it. `Form` lists ways to convolve (`FORMS`);
`Weights`, where there is one, is the network whose names the weights have. An empty comment line ends it, notes follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from convc.diagnostics import ConvcError

#: The ways to convolve, in the order of the survey the project follows.
FORMS: Final = (
    "plain", "multi-branch", "dilated", "transposed", "depthwise separable", "deformable", "recalibrating",
)  # fmt: skip

_YEAR: Final = re.compile(r", ((?:19|20)\d\d)(?:,|$)")


@dataclass(frozen=True, slots=True)
class Header:
    """What the comment says. `names` is whose names the weights have, or empty."""

    title: str
    paper: str
    year: int
    forms: tuple[str, ...]
    names: str


def parse_header(text: str) -> Header:
    """The header of a source.

    Raises:
        ConvcError: It is not of that form.
    """
    title, *lines = _comment(text) or [""]
    fields: dict[str, str] = {}
    key = ""
    for line in lines:
        if line.startswith("   ") and key:
            fields[key] += " " + line.strip()
            continue
        key, colon, value = line.strip().partition(": ")
        if not colon or key not in ("Paper", "Form", "Weights") or key in fields:
            raise ConvcError(f"a header has the lines Paper, Form and Weights, once each; not `{line.strip()}`")
        fields[key] = value
    year = _YEAR.search(fields.get("Paper", ""))
    if not title.strip() or year is None or "Form" not in fields:
        raise ConvcError("a header has a title, a `Paper:` with its year between commas, and a `Form:`")
    forms = tuple(fields["Form"].split(", "))
    for form in forms:
        if form not in FORMS:
            raise ConvcError(f"`{form}` is no form; there are: {', '.join(FORMS)}")
    return Header(title.strip(), fields["Paper"], int(year[1]), forms, fields.get("Weights", ""))


def _comment(text: str) -> list[str]:
    """The first lines' comments, up to an empty one."""
    return list(_until_empty(text.splitlines()))


def _until_empty(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if not line.startswith("#") or not line[1:].strip():
            return
        yield line[1:]
