"""Pictures of what the taps do not show: which channels mix, and how far dilated layers see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convc.inspect.svg import CELL, FAINT, SERIES, Svg, room

Mixes = Callable[[int, int], bool]


def draw_channels(title: str, stages: Sequence[tuple[str, int, int, Mixes]], caption: Sequence[str] = ()) -> Svg:
    """Channels as rows of boxes, one row per layer, with a line wherever one channel reads another.

    A stage is (its name, channels before, channels after, whether output o reads input i).
    """
    step, gap, box = 24.0, 62.0, 16.0
    widest = max(max(before, after) for _, before, after, _ in stages)
    label = 12.0 + widest * step
    side = max(len(name) for name, *_ in stages) * 6.4
    height = 44 + gap * len(stages) + box + 14 * len(caption) + 6
    picture = Svg(max(label + side + 6, room(title, caption)), height)
    picture.text(4, 16, title, 13, bold=True)
    for number, (name, before, after, mixes) in enumerate(stages):
        y = 32 + number * gap
        first, second = _start(before, widest, step), _start(after, widest, step)
        for o in range(after):
            for i in range(before):
                if mixes(o, i):
                    x0, x1 = first + i * step + box / 2, second + o * step + box / 2
                    picture.line(x0, y + box, x1, y + gap, SERIES[number % len(SERIES)], 0.9)
        picture.text(label, y + gap / 2 + box / 2, name, 11, fill="#444444")
        if number == 0:
            _row(picture, first, y, before, step, box)
        _row(picture, second, y + gap, after, step, box)
    for line, text in enumerate(caption):
        picture.text(4, height - 14 * (len(caption) - line) + 6, text, 11, fill="#444444")
    return picture


def _start(count: int, widest: int, step: float) -> float:
    return 6 + (widest - count) * step / 2


def _row(picture: Svg, x: float, y: float, count: int, step: float, box: float) -> None:
    for number in range(count):
        picture.box(x + number * step, y, box, box, CELL, "#444444")


def draw_causal(title: str, kernel: int, dilations: Sequence[int], caption: Sequence[str] = ()) -> Svg:
    """Layers of causal convolutions over time, bottom to top, and everything that the last output sees."""
    length = 1 + sum((kernel - 1) * dilation for dilation in dilations)
    step, gap, left = 24.0, 44.0, 10.0
    height = 50 + gap * len(dilations) + 14 * len(caption) + 8
    side = left + length * step + 8
    picture = Svg(max(side + 74, room(title, caption)), height)
    picture.text(4, 16, title, 13, bold=True)
    bottom = 36 + gap * len(dilations)
    seen = {length - 1}
    layers = [seen]
    for layer in reversed(range(len(dilations))):
        y, below = bottom - (layer + 1) * gap, bottom - layer * gap
        reads = {(t, t - k * dilations[layer]) for t in seen for k in range(kernel)}
        for t, source in sorted(reads):
            picture.arrow(left + source * step + 8, below, left + t * step + 8, y + 6, SERIES[0], 1.1)
        seen = {source for _, source in reads}
        layers.insert(0, seen)
        picture.text(side, (y + below) / 2 + 4, f"dilation {dilations[layer]}", 11, fill="#444444")
    for layer, used in enumerate(layers):
        for t in range(length):
            picture.dot(left + t * step + 8, bottom - layer * gap, 5, SERIES[0] if t in used else CELL, FAINT)
    for line, text in enumerate(caption):
        picture.text(4, height - 14 * (len(caption) - line) + 6, text, 11, fill="#444444")
    return picture
