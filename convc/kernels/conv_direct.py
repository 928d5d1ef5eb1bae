"""Direct convolution: a register tile of pixels by vectors of output channels, swept over the map.

    acc[pixel][o] += src[pixel + tap][c] * weights[tap][c][o]

Output channels lie in the lanes, so nothing is ever summed across a vector. One template serves plain and blocked
sources, any stride, dilation, padding and groups, and the linear layer (rows of the batch are its pixels).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from convc.ir.types import ceil_div
from convc.kernels.conv_packing import Reduction, Split
from convc.kernels.convolution import Convolution
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane, store_mode
from convc.kernels.register_tile import TileShape, short_loop, tile_shapes, unroll
from convc.kernels.tiles import Axis, Tiling, tile_plane

#: Bytes of a map above which it does not lie in the second-level cache when a layer begins to read it.
SOURCE_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class ConvDirect(Convolution):
    """Parameters of templates/kernels/conv_direct.c.j2; see the module docstring."""

    template: ClassVar[str] = "conv_direct"
    lanes: int
    vectors: int
    pixels: int
    n: int
    oc: int
    depth: Axis
    height: Axis
    width: Axis
    reduction: Reduction
    src: Plane
    src_block: int  # channels side by side in the source: `lanes`, or 1 where it is plain
    dst: Plane
    dst_blocked: bool
    bias: bool
    epilogue: Formula
    group_rows: int  # output rows in a work item
    split: Split | None = None
    last_row: int = 0
    linear: bool = False
    #: Of a transposed convolution: where each phase of the result begins, in floats, and so in the epilogue's operands.
    phases: tuple[tuple[int, ...], ...] = ()
    sums: bool = False
    own_weights: bool = False  # every image has some

    @property
    def stem(self) -> str:
        axes = self.axes
        prefix = "conv_transpose_" if self.phases else "conv_"
        kind = "linear" if self.linear else prefix + "x".join(str(axis.kernel) for axis in axes)
        grouped = "_grouped" if any(self.reduction.bases) else ""
        outs = "x".join(str(axis.out) for axis in axes)
        return f"{kind}{grouped}_{self.reduction.channels}x{outs}_{self.oc}{self.epilogue.suffix}{self.sums * '_sums'}"

    @cached_property
    def tiling(self) -> Tiling:
        return tile_plane(self.height, self.width, self.pixels, self.last_row)

    @property
    def group(self) -> int:
        """Bands of rows in a work item."""
        return max(1, self.group_rows // self.tiling.bands[0].rows)

    @property
    def map_items(self) -> int:
        return ceil_div(self.tiling.units, self.group)

    @property
    def oc_tiles(self) -> int:
        return len(self.reduction.bases)

    @property
    def items(self) -> int:
        return self.n * self.depth.out * self.map_items * self.oc_tiles

    @property
    def blocks(self) -> int:
        """Vectors of output channels."""
        return ceil_div(self.oc, self.lanes)

    @property
    def tile_shapes(self) -> tuple[TileShape, ...]:
        """The tiles of output channels, and the last one where it is another."""
        whole = self.pixels == 1 or any(self.reduction.bases)
        return tile_shapes(self.oc, self.lanes, self.vectors, halves=not whole)

    @property
    def store(self) -> str:
        return store_mode(self.dst, self.dst_blocked)

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.store == "block" and self.epilogue.spoils(self.oc, self.lanes)

    @property
    def part_weights(self) -> tuple[int, ...]:
        """Floats of packed weights one output tile reads, in each sweep."""
        width, split = self.taps * self.vectors * self.lanes, self.split
        if split is None:
            return (self.reduction.channels * width,)
        step = split.blocks * self.reduction.parts[0][2]
        return (*(step * width,) * (split.parts - 1), (self.reduction.channels - step * (split.parts - 1)) * width)

    @property
    def prefetch(self) -> int:
        """Cache lines of the next tile's weights to fetch before each register tile."""
        if self.linear:
            return 0
        calls = self.group * sum(s.count for s in self.tiling.bands[0].segments)
        return min(32, ceil_div(self.part_weights[0] * 4, 64 * calls))

    @property
    def pixels_ahead(self) -> bool:
        """Whether a work item fetches its share of the pixels that are read after these: of a pointwise convolution."""
        blocked = self.src_block > 1 and not any(self.reduction.bases) and not self.depth.present
        size = 4 * self.reduction.channels * self.height.size * self.width.size
        return self.taps == 1 and blocked and (self.map_items > 1 or self.split is not None) and size > SOURCE_BYTES

    def unroll(self, channels: int) -> int:
        """Channels per step of the inner loop: as many as leave no rest and keep the loop short enough to cache."""
        return unroll(channels, short_loop(self.pixels, self.vectors))

    def steps(self, channels: int) -> tuple[int, int, tuple[int, ...]]:
        """The inner loop over `channels`: where it ends, its step, and the channels that its first turn takes.

        A linear layer's weights come from memory, which gives a core about 1.4 times as much when they are read as
        several streams far apart than as one (16 and 21 GB/s on a Zen 3): each turn takes channels of each.
        """
        streams = next(s for s in ((4, 3, 2, 1) if self.linear else (1,)) if channels % s == 0)
        extent = channels // streams
        each = self.unroll(extent) if streams == 1 else 2 - extent % 2
        return extent, each, tuple(stream * extent + u for stream in range(streams) for u in range(each))
