"""From the map of the detection network to lines of text: rectangles, turned as the text is.

The post-processing of Differentiable Binarization (Liao et al.: Real-time scene text detection with differentiable
binarization, 2019, arXiv 1911.08947): pixels above a threshold form components; the smallest rectangle around each is
grown by area * ratio / circumference, since the network was taught the core of each line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from picture import Floats, Picture, sample

THRESHOLD = 0.3  # of a pixel
CONFIDENCE = 0.5  # mean over a component
GROWTH = 1.6
SMALLEST = 3.0  # pixels of the map


@dataclass(frozen=True)
class Line:
    """A rectangle: `along` is the unit vector in reading direction, `across` is it turned by 90 degrees clockwise."""

    centre: Floats
    along: Floats
    width: float
    height: float

    @property
    def across(self) -> Floats:
        return np.array([-self.along[1], self.along[0]])

    def scaled(self, x: float, y: float) -> Line:
        """In a picture of other extents."""
        scale = np.array([x, y])
        along = self.along * scale
        stretch = float(np.hypot(*along))
        return Line(self.centre * scale, along / stretch, self.width * stretch,
                    self.height * float(np.hypot(*(self.across * scale))))  # fmt: skip

    def cut(self, picture: Picture, height: int) -> Picture:
        """What lies in it, upright, `height` pixels high."""
        step = self.height / height
        width = max(1, round(self.width / step))
        x = (np.arange(width) + 0.5) * step - self.width / 2
        y = (np.arange(height) + 0.5) * step - self.height / 2
        places = self.centre + x[None, :, None] * self.along + y[:, None, None] * self.across - 0.5
        return sample(picture, places[..., 0], places[..., 1])


def find_lines(probabilities: Floats) -> list[Line]:
    """The lines in a map [height, width] of how likely each pixel is text, in reading order."""
    found = []
    for pixels in components(probabilities > THRESHOLD):
        line = smallest_rectangle(pixels[:, ::-1] + 0.5)
        if min(line.width, line.height) < SMALLEST or probabilities[tuple(pixels.T)].mean() < CONFIDENCE:
            continue
        growth = line.width * line.height * GROWTH / (line.width + line.height)
        found.append(replace(line, width=line.width + growth, height=line.height + growth))
    return in_reading_order(found)


def components(mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """The pixels [n, 2] (row, column) of each set of pixels that touch, corners included.

    Row by row, runs of pixels join those of the row above that they touch (union and find).
    """
    parents: list[int] = []
    runs: list[tuple[int, int, int]] = []
    above: range = range(0)
    for row, line in enumerate(mask):
        edges = np.flatnonzero(np.diff(line, prepend=False, append=False))
        first = len(runs)
        for start, stop in edges.reshape(-1, 2).tolist():
            parents.append(len(runs))
            for other in above:
                if runs[other][1] <= stop and start <= runs[other][2]:
                    parents[_root(parents, other)] = _root(parents, len(runs))
            runs.append((row, start, stop))
        above = range(first, len(runs))
    members: dict[int, list[npt.NDArray[np.intp]]] = {}
    for number, (row, start, stop) in enumerate(runs):
        columns = np.arange(start, stop)
        members.setdefault(_root(parents, number), []).append(np.stack([np.full_like(columns, row), columns], 1))
    return [np.concatenate(parts) for parts in members.values()]


def _root(parents: list[int], member: int) -> int:
    while parents[member] != member:
        parents[member] = member = parents[parents[member]]
    return member


def smallest_rectangle(points: Floats) -> Line:
    """Around points [n, 2] (x, y); one of its sides lies on a side of their convex hull (Freeman and Shapira 1975)."""
    hull = convex_hull(points)
    sides = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    units = sides[lengths > 0] / lengths[lengths > 0][:, None]
    if not len(units):
        return Line(hull[0], np.array([1.0, 0.0]), 0.0, 0.0)
    normals = np.stack([-units[:, 1], units[:, 0]], axis=1)
    low = np.stack([(hull @ units.T).min(0), (hull @ normals.T).min(0)])
    high = np.stack([(hull @ units.T).max(0), (hull @ normals.T).max(0)])
    best = int(np.argmin((high - low).prod(0)))
    middle = (low + high)[:, best] / 2
    (width, height), unit, normal = (high - low)[:, best], units[best], normals[best]
    return _read(Line(middle[0] * unit + middle[1] * normal, unit, float(width), float(height)))


def _read(line: Line) -> Line:
    """The same rectangle, its reading direction to the right, or downwards where it stands on end."""
    choices = [line, Line(line.centre, line.across, line.height, line.width)]
    choices += [replace(choice, along=-choice.along) for choice in choices]
    flat = max(choices, key=lambda choice: choice.along[0])
    upright = max(choices, key=lambda choice: choice.along[1])
    return upright if flat.height >= 1.5 * flat.width else flat


def convex_hull(points: Floats) -> Floats:
    """The corners of the hull in order (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0).tolist()
    if len(ordered) < 3:
        return np.array(ordered)

    def chain(sequence: list[list[float]]) -> list[list[float]]:
        kept: list[list[float]] = []
        for x, y in sequence:
            while len(kept) > 1:
                (ax, ay), (bx, by) = kept[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                kept.pop()
            kept.append([x, y])
        return kept[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def in_reading_order(lines: list[Line]) -> list[Line]:
    """From top to bottom; those side by side from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: float(line.centre[1])):
        if rows and abs(line.centre[1] - rows[-1][0].centre[1]) < rows[-1][0].height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: float(line.centre[0]))]
