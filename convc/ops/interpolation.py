"""Where the outputs of a resized axis lie, which pixels they read, and with what weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class Rule:
    """How an axis is resized; see `ops/resize.py`."""

    mode: str
    coordinates: str
    rounding: str
    cubic: float
    exclude_outside: bool
    antialias: bool


@dataclass(frozen=True, slots=True)
class AxisTaps:
    """For each output of one axis, `count` pixels and their weights; taps that weigh nothing anywhere are left out."""

    places: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[float, ...], ...]

    @property
    def count(self) -> int:
        return len(self.places[0])

    @property
    def out(self) -> int:
        return len(self.places)

    @property
    def copies(self) -> bool:
        """Whether every output is one pixel as it is."""
        return self.count == 1 and all(weights == (1.0,) for weights in self.weights)


def axis_taps(rule: Rule, size: int, out: int, scale: float) -> AxisTaps:
    """The taps of an axis of `size` pixels resized to `out` by `scale`."""
    found = [_taps(rule, size, _position(rule.coordinates, size, out, scale, o), min(scale, 1.0)) for o in range(out)]
    used = [tap for tap in range(len(found[0])) if any(taps[tap][1] for taps in found)]
    places = tuple(tuple(min(max(taps[tap][0], 0), size - 1) for tap in used) for taps in found)
    return AxisTaps(places, tuple(tuple(taps[tap][1] for tap in used) for taps in found))


def _position(coordinates: str, size: int, out: int, scale: float, o: int) -> float:
    """The position of output `o` in the input."""
    match coordinates:
        case "asymmetric":
            return o / scale
        case "align_corners":
            width = scale * size  # what `out` was rounded from
            return o * (size - 1) / ((out if abs(width - out) < 1e-6 or width <= 1 else width) - 1) if o else 0.0
        case "pytorch_half_pixel" if out == 1:
            return 0.0
        case "half_pixel_symmetric":
            return size / 2 * (1 - out / (size * scale)) + (o + 0.5) / scale - 0.5
    return (o + 0.5) / scale - 0.5


def _taps(rule: Rule, size: int, position: float, scale: float) -> list[tuple[int, float]]:
    """The pixels one output reads and their weights, before places outside are moved to the edge."""
    if rule.mode == "nearest":
        return [(_rounded(position, rule.rounding), 1.0)]
    radius = 1 if rule.mode == "linear" else 2
    shrink = scale if rule.antialias else 1.0
    reach = ceil(radius / shrink)
    taps = []
    for place in range(floor(position) - reach + 1, floor(position) + reach + 1):
        distance = abs(position - place) * shrink
        taps.append((place, 1 - distance if rule.mode == "linear" else _keys(distance, rule.cubic)))
    if rule.antialias:
        taps = [(place, weight if abs(position - place) * shrink < radius else 0.0) for place, weight in taps]
    if rule.exclude_outside:
        taps = [(place, weight if 0 <= place < size else 0.0) for place, weight in taps]
    total = sum(weight for _, weight in taps) if rule.antialias or rule.exclude_outside else 1.0
    return [(place, weight / (total or 1.0)) for place, weight in taps]


def _keys(distance: float, a: float) -> float:
    """Keys' cubic kernel."""
    if distance <= 1:
        return ((a + 2) * distance - (a + 3)) * distance**2 + 1
    return a * (((distance - 5) * distance + 8) * distance - 4) if distance < 2 else 0.0


def _rounded(position: float, rounding: str) -> int:
    match rounding:
        case "floor":
            return floor(position)
        case "ceil":
            return ceil(position)
        case "round_prefer_ceil":
            return floor(position + 0.5)
    return ceil(position - 0.5)
