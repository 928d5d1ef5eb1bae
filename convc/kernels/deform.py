"""Deformable convolution: a strip of output pixels is sampled into scratch, then multiplied by the weights.

    samples[block][tap][pixel][lane] = sum over the four pixels around the tap's position of weight * src
    acc[pixel][o] += samples[pixel][tap][c] * weights[tap][c][o]

Positions and weights are worked out once per pixel, tap and offset group; channels lie side by side in a blocked
source, so sampling is vectors of channels and gathers nothing. The product is that of `conv_direct` over the strip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div, round_up
from convc.kernels.base import Kernel
from convc.kernels.conv_packing import Reduction
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane, store_mode
from convc.kernels.register_tile import unroll
from convc.kernels.tiles import Axis, Piece, cut

#: Bytes of weights that should stay in a core's first-level cache.
WEIGHT_BYTES: Final = 20 * 1024
#: Bytes of samples that should stay in a core's second-level cache beside the weights of a tile.
SAMPLE_BYTES: Final = 256 * 1024
#: Work items below which strips are made shorter, so that threads share them evenly.
FEW_ITEMS: Final = 8


@dataclass(frozen=True, slots=True)
class Field:
    """The offsets or the mask: strides per image, block of channels, row and pixel, and channels side by side."""

    n: int
    block: int
    h: int
    w: int
    lanes: int

    def channel(self, number: str) -> str:
        """The C expression of where channel `number` begins."""
        if self.lanes == 1:
            return f"(ptrdiff_t)({number}) * {self.block}"
        return f"(ptrdiff_t)(({number}) / {self.lanes}) * {self.block} + ({number}) % {self.lanes}"


@dataclass(frozen=True)
class Deform(Kernel):
    """Parameters of templates/kernels/deform.c.j2.

    `flat` maps are walked as one row of all their pixels; it takes rows that follow each other without a gap, in the
    result and in what the epilogue reads.
    """

    template: ClassVar[str] = "deform"
    lanes: int
    vectors: int
    pixels: int
    strip: int  # output pixels sampled at a time
    n: int
    channels: int
    oc: int
    height: Axis
    width: Axis
    offset_groups: int
    reduction: Reduction  # over the samples, which are blocked whatever the source is
    src: Plane
    src_block: int
    offset: Field
    mask: Field | None
    dst: Plane
    dst_blocked: bool
    bias: bool
    epilogue: Formula
    flat: bool

    @property
    def stem(self) -> str:
        size = f"{self.height.kernel}x{self.width.kernel}"
        return f"deform_conv_{size}_{self.channels}x{self.height.out}x{self.width.out}_{self.oc}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        fields = ("offset", *(("mask",) if self.mask else ()))
        bias = ("bias",) if self.bias else ()
        return ("src", "weights", *bias, *fields, *self.epilogue.parameters(), "scratch", "dst")

    @property
    def blocks(self) -> int:
        return ceil_div(self.channels, self.lanes)

    @property
    def taps(self) -> int:
        return self.height.kernel * self.width.kernel

    def field(self, name: str) -> Field:
        """The `offset` or the `mask`."""
        found: Field = getattr(self, name)
        return found

    @property
    def lines(self) -> tuple[str, ...]:
        """Those of the fields in which the pixels of a row follow those of the row before."""
        fields = ("offset", "mask") if self.mask else ("offset",)
        return tuple(name for name in fields if self.field(name).h == self.width.out * self.field(name).w)

    @property
    def scattered(self) -> tuple[str, ...]:
        """The other fields."""
        fields = ("offset", "mask") if self.mask else ("offset",)
        return tuple(name for name in fields if name not in self.lines)

    @property
    def group_channels(self) -> int:
        """Input channels that share offsets."""
        return self.channels // self.offset_groups

    @property
    def whole_blocks(self) -> bool:
        """Whether the source is sampled by vectors: blocked, and no block spans two offset groups."""
        return self.src_block == self.lanes and (self.offset_groups == 1 or self.group_channels % self.lanes == 0)

    @property
    def rounded(self) -> int:
        """The strip in whole vectors of pixels."""
        return round_up(self.strip, self.lanes)

    @property
    def scratch_bytes(self) -> int:
        """Samples, then the sums of a tile of output channels."""
        return (self.blocks * self.taps + self.vectors) * self.strip * self.lanes * 4

    @property
    def reduction_blocks(self) -> int:
        """Blocks of input channels that an output tile sums over."""
        return sum(blocks for _, blocks, _ in self.reduction.parts)

    @property
    def chunk(self) -> int:
        """Blocks whose weights stay in the first-level cache while the strip passes."""
        bytes_per_block = self.reduction.block * self.taps * self.vectors * self.lanes * 4
        chunks = ceil_div(self.reduction_blocks, max(1, WEIGHT_BYTES // bytes_per_block))
        return ceil_div(self.reduction_blocks, chunks)

    @property
    def chunks(self) -> int:
        return ceil_div(self.reduction_blocks, self.chunk)

    @property
    def rows(self) -> int:
        return 1 if self.flat else self.height.out

    @cached_property
    def strips(self) -> tuple[Piece, ...]:
        """A row in nearly equal strips, alike ones counted."""
        return cut(_outputs(self.height.out * self.width.out if self.flat else self.width.out), self.strip)

    def pieces(self, extent: int) -> tuple[Piece, ...]:
        """A strip in nearly equal tiles."""
        return cut(_outputs(extent), self.pixels)

    @property
    def tiles(self) -> tuple[int, ...]:
        """The extents of the tile functions."""
        return tuple(dict.fromkeys(piece.extent for strip in self.strips for piece in self.pieces(strip.extent)))

    @property
    def units(self) -> int:
        """Strips of one image."""
        return self.rows * sum(strip.count for strip in self.strips)

    @property
    def oc_tiles(self) -> int:
        return len(self.reduction.bases)

    @property
    def items(self) -> int:
        return self.n * self.units

    @property
    def store(self) -> str:
        return store_mode(self.dst, self.dst_blocked)

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.store == "block" and self.epilogue.spoils(self.oc, self.lanes)

    @property
    def tile_weights(self) -> int:
        return self.reduction.channels * self.taps * self.vectors * self.lanes

    def unroll(self, channels: int) -> int:
        """Channels per step of the inner loop: the most, up to 8, that leave no rest."""
        return unroll(channels)


def _outputs(count: int) -> Axis:
    """An axis of so many outputs, to be cut."""
    return Axis(count, count, 1, 1, 1, 0)


def choose_strip(images: int, rows: int, row: int, pixels: int, bytes_per_pixel: int) -> int:
    """Pixels of a strip: several tiles, so that weights are read less often, while the samples stay in the cache and
    there are enough strips to share among threads, an even number of them where they are few."""
    for tiles in (8, 6, 4, 3, 2):
        strip = tiles * pixels
        strips = ceil_div(row, strip)
        if strip * bytes_per_pixel <= SAMPLE_BYTES and images * rows * strips >= FEW_ITEMS:
            return ceil_div(row, strips + images * rows * strips % 2)
    return min(pixels, row)
