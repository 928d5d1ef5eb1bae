"""The few shapes that the pictures are made of, as SVG text: no dependency, small files, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

#: Colours of outputs and series; then ink, faint ink, the cells of a map and those of its padding. They also tell
#: apart in grey and for readers who see red and green alike.
SERIES: Final = ("#2166ac", "#e08214", "#5aae61", "#762a83", "#b2182b")
INK, FAINT, CELL, PADDING = "#222222", "#888888", "#f2f2ee", "#ffffff"


@dataclass
class Svg:
    """A picture; shapes are drawn in the order they are added."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, stroke: str = FAINT, dashed: bool = False,
        opacity: float = 1.0, thick: float = 0.6,
    ) -> None:  # fmt: skip
        more = ' stroke-dasharray="2 2"' if dashed else ""
        more += f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="{thick:g}"{more}/>'
        )

    def dot(self, x: float, y: float, radius: float, fill: str, stroke: str = "none") -> None:
        self.parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}" stroke="{stroke}" stroke-width="1.2"/>'
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, stroke: str = FAINT, thick: float = 1.0) -> None:
        self.parts.append(
            f'<line x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x1)}" y2="{_n(y1)}" stroke="{stroke}" '
            f'stroke-width="{thick:g}"/>'
        )

    def text(
        self, x: float, y: float, words: str, size: float = 11, anchor: str = "start", fill: str = INK,
        bold: bool = False,
    ) -> None:  # fmt: skip
        more = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{more}>'
            f"{escape(words)}</text>"
        )

    def arrow(self, x0: float, y0: float, x1: float, y1: float, stroke: str = FAINT, thick: float = 1.2) -> None:
        """A line with a head at its end."""
        self.line(x0, y0, x1, y1, stroke, thick)
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
        dx, dy = (x1 - x0) / length * 5, (y1 - y0) / length * 5
        left, right = (x1 - dx - dy / 2, y1 - dy + dx / 2), (x1 - dx + dy / 2, y1 - dy - dx / 2)
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in ((x1, y1), left, right))
        self.parts.append(f'<polygon points="{points}" fill="{stroke}"/>')

    def place(self, picture: Svg, x: float, y: float) -> None:
        """Another picture inside this one."""
        self.parts.append(f'<g transform="translate({_n(x)} {_n(y)})">')
        self.parts.extend(picture.parts)
        self.parts.append("</g>")

    def __str__(self) -> str:
        size = f'width="{_n(self.width)}" height="{_n(self.height)}" viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Helvetica, Arial, sans-serif">'
        ground = f'<rect width="{_n(self.width)}" height="{_n(self.height)}" fill="#ffffff"/>'
        return "\n".join((head, ground, *self.parts, "</svg>")) + "\n"


def beside(*pictures: Svg, gap: float = 30) -> Svg:
    """Pictures from left to right."""
    whole = Svg(sum(p.width for p in pictures) + gap * (len(pictures) - 1), max(p.height for p in pictures))
    x = 0.0
    for picture in pictures:
        whole.place(picture, x, 0)
        x += picture.width + gap
    return whole


def room(title: str, lines: Sequence[str] = ()) -> float:
    """Width that a bold title and lines of text need, whatever the font."""
    return max(8.2 * len(title), *(6.4 * len(line) for line in lines), 0.0) + 8


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
