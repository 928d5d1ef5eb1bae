"""The comparison of forms as a picture: four panels of bars, one row for each form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from convc.inspect.compare import Compared, ratio
from convc.inspect.svg import FAINT, SERIES, Svg

_ROW: Final = 30.0
_NAMES: Final = 150.0
_PANEL: Final = 190.0
_BAR: Final = 130.0
_TOP: Final = 78.0

Bars = list[tuple[float, str]]


def draw_comparison(title: str, rows: Sequence[Compared], note: str) -> Svg:
    """Parameters and multiply-adds against plain convolution (the first row), times, and the share of the peak."""
    plain = rows[0].taken
    panels: list[tuple[str, Callable[[Compared], Bars]]] = [
        ("parameters, plain = 1", lambda r: _single(r.taken.parameters / max(1, plain.parameters), 2)),
        ("multiply-adds, plain = 1", lambda r: _single(r.taken.macs / max(1, plain.macs), 2)),
        ("milliseconds", lambda r: [(t.seconds * 1e3, f"{t.seconds * 1e3:.2f}") for t in r.timings]),
        ("share of the peak, one core", lambda r: [(r.share, f"{r.share:.0%}")]),
    ]
    height = _TOP + _ROW * len(rows) + 34
    picture = Svg(_NAMES + _PANEL * len(panels) + 10, height)
    picture.text(8, 24, title, 17, bold=True)
    for number, row in enumerate(rows):
        y = _TOP + number * _ROW
        if number % 2 == 0:
            picture.box(0, y - 3, picture.width, _ROW, "#f6f6f3", "none")
        picture.text(8, y + 15, row.taken.form.replace("_", " "), 12)
    for place, (name, bars) in enumerate(panels):
        _panel(picture, _NAMES + place * _PANEL, name, [bars(row) for row in rows])
    if len(rows[0].timings) > 1:
        _legend(picture, _NAMES + 2 * _PANEL, [timing.threads for timing in rows[0].timings])
    picture.text(8, height - 12, note, 11, fill="#444444")
    return picture


def _single(value: float, digits: int) -> Bars:
    return [(value, ratio(value, 1.0) if digits else str(value))]


def _panel(picture: Svg, x: float, name: str, values: Sequence[Bars]) -> None:
    """Bars from the left, scaled to the longest; their numbers beside them."""
    picture.text(x, _TOP - 12, name, 11.5, bold=True)
    longest = max(max(value for value, _ in bars) for bars in values) or 1.0
    picture.line(x, _TOP - 4, x, _TOP + _ROW * len(values) - 4, FAINT)
    for row, bars in enumerate(values):
        thick = (_ROW - 10) / len(bars)
        for number, (value, words) in enumerate(bars):
            y = _TOP + row * _ROW + 2 + number * thick
            length = value / longest * _BAR
            picture.box(x, y, length, thick - 1, SERIES[number % len(SERIES)], "none")
            picture.text(x + length + 4, y + thick / 2 + 3.5, words, 10 if len(bars) > 1 else 11)


def _legend(picture: Svg, x: float, threads: Sequence[int]) -> None:
    for number, count in enumerate(threads):
        picture.box(x + number * 80, _TOP - 40, 10, 10, SERIES[number % len(SERIES)], "none")
        picture.text(x + number * 80 + 14, _TOP - 31, f"{count} core{'s' if count > 1 else ''}", 11)
