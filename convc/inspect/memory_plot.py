"""The memory of a network as a picture: steps from left to right, the arena from bottom to top, a box a buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from convc.inspect.svg import FAINT, INK, SERIES, Svg
from convc.plan.memory import live_bytes
from convc.plan.program import Program

_LEFT: Final = 90.0
_TOP: Final = 62.0
_WIDTH: Final = 960.0
_HEIGHT: Final = 420.0
_CHARACTER: Final = 6.2


def draw_memory(program: Program, title: str) -> Svg:
    """Live ranges over the arena, and beneath them the bytes alive at each step."""
    steps, arena = max(1, len(program.steps)), max(1, program.arena_bytes)
    picture = Svg(_LEFT + _WIDTH + 20, _TOP + _HEIGHT + 130)
    picture.text(8, 24, title, 17, bold=True)
    picture.text(8, 44, f"arena {arena:,} bytes; the most alive at one step {program.lower_bound_bytes:,}", 11)
    across, up = _WIDTH / steps, _HEIGHT / arena
    for number, place in enumerate(program.memory):
        x, width = _LEFT + place.first * across, (place.last - place.first + 1) * across
        height = place.bytes * up
        y = _TOP + _HEIGHT - (place.offset * up + height)
        picture.box(x, y, width, height, SERIES[number % len(SERIES)], INK)
        label = place.name.removesuffix(".output")
        if height > 12 and width > _CHARACTER * len(label) + 6:
            picture.text(x + 4, y + height / 2 + 4, label, 10, fill="#ffffff")
    _axis(picture, arena, up)
    _alive(picture, live_bytes(program.memory, steps), across)
    return picture


def _axis(picture: Svg, arena: int, up: float) -> None:
    picture.line(_LEFT, _TOP, _LEFT, _TOP + _HEIGHT, INK)
    for quarter in range(5):
        offset = arena * quarter // 4
        y = _TOP + _HEIGHT - offset * up
        picture.line(_LEFT - 4, y, _LEFT, y, INK)
        picture.text(_LEFT - 8, y + 4, f"{offset / 2**10:,.0f} KiB", 10, "end")


def _alive(picture: Svg, alive: Sequence[int], across: float) -> None:
    """Bars of the bytes alive, step by step."""
    top, room = _TOP + _HEIGHT + 16, 70.0
    most = max(alive, default=0) or 1
    for step, number in enumerate(alive):
        height = number / most * room
        picture.box(_LEFT + step * across, top + room - height, max(across - 0.5, 0.3), height, FAINT, "none")
    picture.text(_LEFT - 8, top + room / 2 + 4, "alive", 10, "end")
    picture.text(_LEFT, top + room + 16, f"{len(alive)} steps, in the order they run", 10)
