"""Pointwise convolution of what a stage makes, strip by strip: nothing but the result is ever stored whole.

    staged[c][pixel] = stage(src)                       for the channels of a chunk and the pixels of a strip
    acc[pixel][o] += staged[c][pixel] * weights[c][o]   and at the last chunk the epilogue

A strip is a band of output rows, its pixels taken as one run. A thread computes the stage for a chunk of channels into
its own scratch `[block][pixel][lane]`, small enough for a core's own caches, and multiplies it at once. With more than
one chunk the sums wait in scratch meanwhile. A chunk is chosen so that the weights of one register tile stay in the
first-level cache while the strip passes.

A depthwise stage may read what a pointwise convolution, the expansion of an inverted residual, makes of the source.
Then a work item is a band of strips, from top to bottom: the rows of the expansion that a strip is the first to read
are computed into a ring of rows in scratch, `[block][row % ring][pixel][lane]`, just before it, and only the few rows
that two bands share are computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel
from convc.kernels.conv_packing import Split
from convc.kernels.formula import Formula
from convc.kernels.grouped import Grouped
from convc.kernels.plane import Plane, store_mode
from convc.kernels.register_tile import TileShape, tile_shapes
from convc.kernels.tiles import Tiling, divide, tile_plane

#: Bytes that the weights of a register tile may take of the first-level cache, one chunk of a strip of the second.
PANEL_BYTES: Final = 16 * 1024
STAGED_BYTES: Final = 128 * 1024


@dataclass(frozen=True)
class Expansion:
    """A pointwise convolution with its epilogue, whose rows a depthwise stage reads: `ic` channels of `src` to `oc`."""

    lanes: int
    vectors: int
    pixels: int  # of a register tile, at most
    ic: int
    oc: int
    width: int
    src: Plane
    bias: bool
    epilogue: Formula

    @property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """The pixels of a row as (first pixel, pixels, how many)."""
        return divide(self.width, self.pixels)

    @property
    def tile_widths(self) -> tuple[int, ...]:
        """The widths of the register tiles, in pixels."""
        return tuple(pixels for _, pixels, _ in self.runs)

    @property
    def tiles(self) -> int:
        """Tiles of output channels."""
        return ceil_div(self.oc, self.vectors * self.lanes)

    @property
    def tile_shapes(self) -> tuple[TileShape, ...]:
        """The tiles of output channels, and the last one where it is another."""
        return tile_shapes(self.oc, self.lanes, self.vectors)

    @property
    def operands(self) -> tuple[str, ...]:
        """The C parameters it reads."""
        bias = ("expand_bias",) if self.bias else ()
        return ("src", "expand_weights", *bias, *self.epilogue.parameters("expand_operand"))


@dataclass(frozen=True)
class DepthwiseStage(Grouped):
    """A depthwise convolution with its epilogue, computed row by row into scratch.

    With an `expansion` it reads a ring of that one's rows, and `src` is the ring.
    """

    kind: ClassVar[str] = "depthwise"
    expansion: Expansion | None = None

    @cached_property
    def tiling(self) -> Tiling:
        one_row = min(self.tile_pixels, 2 * self.width.out - 1)  # never two rows in a tile
        return tile_plane(self.height, self.width, one_row)

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and pixels in each of what it makes."""
        return self.height.out, self.width.out

    @property
    def operands(self) -> tuple[str, ...]:
        """The C parameters it reads, its source, or the ring, before its weights."""
        bias = ("stage_bias",) if self.bias else ()
        return ("src", "stage_weights", *bias, *self.epilogue.parameters("stage_operand"))

    def rows_read(self, rows: int) -> int:
        """Rows of the source between the first and the last that so many rows of the result read."""
        axis = self.height
        return min(axis.size, (rows - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1)


@dataclass(frozen=True)
class FormulaStage:
    """Elementwise arithmetic: what stands before the convolution, done while it is loaded."""

    kind: ClassVar[str] = "formula"
    expansion: ClassVar[None] = None
    formula: Formula
    extent: tuple[int, int]

    @property
    def stem(self) -> str:
        return "_".join(term.op for term in self.formula.terms)

    @property
    def operands(self) -> tuple[str, ...]:
        """The C parameters it reads."""
        return tuple(f"stage_operand{i}" for i in range(self.formula.operands))


@dataclass(frozen=True, slots=True)
class Strip:
    """`count` bands of `rows` rows from row `start`, their pixels in `runs` of (first pixel, pixels, how many)."""

    start: int
    rows: int
    count: int
    runs: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class ConvPointwise(Kernel):
    """Parameters of templates/kernels/conv_pointwise.c.j2; see the module docstring.

    `rows` is the most rows a strip has, `chunk` the blocks of input channels that are staged at a time. Where a map has
    few strips, output channels are shared among `groups` work items that each stage for themselves. With an expansion
    a work item is one of `bands` of strips.
    """

    template: ClassVar[str] = "conv_pointwise"
    lanes: int
    vectors: int
    pixels: int
    n: int
    ic: int
    oc: int
    stage: DepthwiseStage | FormulaStage
    rows: int
    chunk: int
    dst: Plane
    dst_blocked: bool
    bias: bool
    epilogue: Formula
    groups: int = 1
    bands: int = 0

    @property
    def expansion(self) -> Expansion | None:
        return self.stage.expansion

    @property
    def ring(self) -> int:
        """Rows of the expansion that are kept: those that a strip reads."""
        assert isinstance(self.stage, DepthwiseStage)
        return self.stage.rows_read(max(strip.rows for strip in self.strips))

    @property
    def stem(self) -> str:
        expansion = self.expansion
        expanded = f"expand_{expansion.ic}{expansion.epilogue.suffix}_" if expansion else ""
        return f"{expanded}{self.stage.stem}_pointwise_{self.ic}_{self.oc}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        bias, staged = ("bias",) if self.bias else (), self.stage.operands
        if self.expansion:  # what the stage reads is a ring in scratch
            staged = (*self.expansion.operands, *staged[1:])
        return (*staged, "weights", *bias, *self.epilogue.parameters(), "scratch", "dst")

    @property
    def blocks(self) -> int:
        """Blocks of input channels, the last one whole or not."""
        return ceil_div(self.ic, self.lanes)

    @property
    def chunks(self) -> int:
        return ceil_div(self.blocks, self.chunk)

    @property
    def split(self) -> Split | None:
        """How the weights are packed: by chunk, then by tile of output channels."""
        return Split(self.chunks, self.chunk) if self.chunks > 1 else None

    @property
    def rest(self) -> int:
        """Channels of the last block where it is not whole."""
        return self.ic % self.lanes

    @property
    def oc_tiles(self) -> int:
        return ceil_div(self.oc, self.vectors * self.lanes)

    @property
    def tile_shapes(self) -> tuple[TileShape, ...]:
        """The tiles of output channels, and the last one where it is another."""
        return tile_shapes(self.oc, self.lanes, self.vectors)

    @cached_property
    def strips(self) -> tuple[Strip, ...]:
        height, width = self.stage.extent
        bands = divide(height, self.rows)
        return tuple(Strip(first, rows, count, divide(rows * width, self.pixels)) for first, rows, count in bands)

    @property
    def tiles(self) -> tuple[int, ...]:
        """The widths of the register tiles, in pixels."""
        return tuple(sorted({pixels for strip in self.strips for _, pixels, _ in strip.runs}, reverse=True))

    @property
    def units(self) -> int:
        return sum(strip.count for strip in self.strips)

    @property
    def group_tiles(self) -> int:
        """Tiles of output channels in a work item."""
        return ceil_div(self.oc_tiles, self.groups)

    @property
    def map_items(self) -> int:
        """Work items over a map, each with its share of the strips."""
        return self.bands if self.expansion else self.units

    @property
    def items(self) -> int:
        return self.n * self.map_items * self.groups

    @property
    def strip_pixels(self) -> int:
        return max(strip.rows for strip in self.strips) * self.stage.extent[1]

    @property
    def staged_floats(self) -> int:
        return self.chunk * self.strip_pixels * self.lanes

    @property
    def scratch_bytes(self) -> int:
        return 4 * (self.staged_floats + self.sum_floats + self.ring_floats)

    @property
    def sum_floats(self) -> int:
        """Of the sums that wait between chunks."""
        return self.oc_tiles * self.vectors * self.strip_pixels * self.lanes if self.chunks > 1 else 0

    @property
    def ring_floats(self) -> int:
        return self.blocks * self.stage.src.block if isinstance(self.stage, DepthwiseStage) and self.expansion else 0

    def prefetch(self, strip: Strip) -> int:
        """Cache lines of the next tile's weights to fetch before each register tile."""
        calls = sum(count for _, _, count in strip.runs)
        return min(32, ceil_div(self.chunk * self.lanes * self.lanes * self.vectors * 4, 64 * calls))

    @property
    def store(self) -> str:
        return store_mode(self.dst, self.dst_blocked)

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.store == "block" and self.epilogue.spoils(self.oc, self.lanes)


def choose_chunk(blocks: int, lanes: int, vectors: int, strip_pixels: int) -> int:
    """Blocks of channels staged at a time: nearly equal chunks, within the two budgets."""
    by_panel = PANEL_BYTES // (4 * lanes * lanes * vectors)
    by_strip = STAGED_BYTES // (4 * lanes * strip_pixels)
    chunks = ceil_div(blocks, max(1, min(by_panel, by_strip)))
    return ceil_div(blocks, chunks)
