"""Where the taps of an op like a convolution lie: a picture of its input, with what a few of its outputs read.

`draw_taps` draws any geometry; `draw_node` takes it from a node of a graph (convolution, transposed or deformable
convolution, pooling), over a map just large enough for three outputs a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from convc.inspect.svg import CELL, FAINT, INK, PADDING, SERIES, Svg, room
from convc.ir.graph import Node
from convc.ir.op import OpError
from convc.ops.conv import Conv
from convc.ops.deform import DeformConv
from convc.ops.pool import WindowPool

Pair = tuple[int, int]

_CELL: Final = 20.0
_TOP: Final = 30.0  # room for the title


@dataclass(frozen=True, slots=True)
class Geometry:
    """A window operation over a map of `size`; `pad` is (top, left, bottom, right).

    `offsets` move the taps of every output, (y, x) for each tap in order: the picture then shows samples between
    pixels. A `transposed` operation is drawn as it spreads an input over its output.
    """

    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    offsets: tuple[tuple[float, float], ...] = ()
    transposed: bool = False

    @property
    def out(self) -> Pair:
        """Outputs along each axis."""
        h, w = (
            self.size[i] * self.stride[i] if self.transposed
            else (self.size[i] + self.pad[i] + self.pad[2 + i] - (self.kernel[i] - 1) * self.dilation[i] - 1)
            // self.stride[i] + 1
            for i in (0, 1)
        )  # fmt: skip
        return h, w

    def taps(self, at: Pair) -> list[tuple[float, float]]:
        """The places that the output (or, transposed, the input) at `at` touches, before offsets."""
        y, x = (at[i] * self.stride[i] - self.pad[i] for i in (0, 1))
        kh, kw = self.kernel
        return [(y + i * self.dilation[0], x + j * self.dilation[1]) for i in range(kh) for j in range(kw)]


def draw_taps(title: str, geometry: Geometry, shown: Sequence[Pair], caption: Sequence[str] = ()) -> Svg:
    """The map that is read (written, if transposed) with the taps of the outputs `shown`, and beside it the outputs."""
    read = geometry.out if geometry.transposed else geometry.size
    other = geometry.size if geometry.transposed else geometry.out
    top, left, bottom, right = geometry.pad
    rows, columns = read[0] + top + bottom, read[1] + left + right
    small_x = (columns + 2.5) * _CELL
    height = _TOP + max(rows, other[0]) * _CELL + 14 * len(caption) + 12
    picture = Svg(max(small_x + other[1] * _CELL + 10, room(title, caption)), height)
    picture.text(4, 16, title, 13, bold=True)
    _cells(picture, 4, _TOP, rows, columns, geometry.pad)
    origin = (_TOP + top * _CELL, 4 + left * _CELL)
    for colour, at in zip(SERIES, shown, strict=False):
        _taps(picture, origin, geometry, at, colour)
    middle = _TOP + rows * _CELL / 2
    ends = (small_x - _CELL * 0.6, columns * _CELL + 4 + _CELL * 0.5)
    picture.arrow(ends[0] if geometry.transposed else ends[1], middle, *((ends[1], middle) if geometry.transposed
                  else (ends[0], middle)))  # fmt: skip
    first = max(_TOP, middle - other[0] * _CELL / 2)
    _cells(picture, small_x, first, *other, (0, 0, 0, 0))
    for colour, (i, j) in zip(SERIES, shown, strict=False):
        picture.box(small_x + j * _CELL, first + i * _CELL, _CELL, _CELL, colour, INK)
    for line, words_of in enumerate(caption):
        picture.text(4, _TOP + max(rows, other[0]) * _CELL + 16 + 14 * line, words_of, 11, fill="#444444")
    return picture


def draw_node(node: Node, title: str = "", offsets: Sequence[tuple[float, float]] = ()) -> Svg:
    """The taps of a node.

    Raises:
        OpError: It has no taps to draw, or lies over three axes.
    """
    geometry = geometry_of(node)
    if offsets:
        geometry = Geometry(
            geometry.size, geometry.kernel, geometry.stride, geometry.dilation, geometry.pad, tuple(offsets)
        )
    h, w = geometry.out
    shown = [(h // 2, w // 2)] if offsets else [(0, 0), (min(1, h - 1), min(2, w - 1))]
    kernel, reach = geometry.kernel, [(k - 1) * d + 1 for k, d in zip(geometry.kernel, geometry.dilation, strict=True)]
    words = [f"{kernel[0]} x {kernel[1]} taps, reach {reach[0]} x {reach[1]}"]
    for name in ("stride", "dilation"):
        numbers = getattr(geometry, name)
        if numbers != (1, 1):
            words.append(f"{name} {numbers[0]}" if numbers[0] == numbers[1] else f"{name} {numbers[0]} x {numbers[1]}")
    return draw_taps(title or node.name, geometry, shown, [", ".join(words)])


def geometry_of(node: Node) -> Geometry:
    """The geometry of a node, over a map just large enough for three outputs along each axis."""
    op = node.op
    if isinstance(op, (Conv, DeformConv)):
        kernel: tuple[int, ...] = node.inputs[1].type.shape[2:]
    elif isinstance(op, WindowPool):
        kernel = op.kernel
    else:
        raise OpError("E0301", f"{op.name} has no taps to draw")
    if len(kernel) > 2:
        raise OpError("E0301", "taps are drawn over one or two axes", note=f"this kernel is {list(kernel)}")
    both = _two(kernel, 1)
    stride, dilation = _two(op.stride, 1), _two(op.dilation, 1)
    pads = len(kernel)
    top, left = _two(op.pad[:pads], 0)
    bottom, right = _two(op.pad[pads:], 0)
    pad = (top, left, bottom, right)
    real = _two(node.output.type.shape[2:], 1)
    reach = [(both[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    size = [max(1, (min(3, real[i]) - 1) * stride[i] + reach[i] - pad[i] - pad[2 + i]) for i in (0, 1)]
    return Geometry((size[0], size[1]), both, stride, dilation, pad)


def _two(numbers: Sequence[int], absent: int) -> Pair:
    """Numbers of height and width; `absent` stands for a height that is not there."""
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (absent, numbers[0])


def _cells(picture: Svg, x: float, y: float, rows: int, columns: int, pad: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = pad
    for i in range(rows):
        for j in range(columns):
            outside = i < top or j < left or i >= rows - bottom or j >= columns - right
            fill = PADDING if outside else CELL
            picture.box(x + j * _CELL, y + i * _CELL, _CELL, _CELL, fill, "#cccccc" if outside else FAINT, outside)


def _taps(picture: Svg, origin: tuple[float, float], geometry: Geometry, at: Pair, colour: str) -> None:
    def middle(place: tuple[float, float]) -> tuple[float, float]:
        return origin[1] + (place[1] + 0.5) * _CELL, origin[0] + (place[0] + 0.5) * _CELL

    places = geometry.taps(at)
    if not geometry.offsets:
        for place in places:
            x, y = middle(place)
            picture.box(x - _CELL / 2, y - _CELL / 2, _CELL, _CELL, colour, colour, opacity=0.25)
            picture.dot(x, y, 4, colour)
        return
    for place, (dy, dx) in zip(places, geometry.offsets, strict=True):
        x, y = middle(place)
        to_x, to_y = middle((place[0] + dy, place[1] + dx))
        picture.dot(x, y, 3.2, "#ffffff", FAINT)
        picture.arrow(x, y, to_x, to_y, FAINT)
        picture.dot(to_x, to_y, 4, colour)
