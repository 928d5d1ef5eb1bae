"""Winograd convolution, in tiles of outputs that share their multiplications.

    src tile -> V[point][ic]        the input transform, along both axes
    M[point][oc] = sum over ic of V[point][ic] * U[point][ic][oc]
    M -> dst tile                   the output transform, bias, epilogue

with the weights U transformed in double precision when they are packed. A work item is a block of tiles: V of the whole
block is made first, in the thread's scratch; then, for each tile of output channels, one small matrix product per point
(the same register tile as direct convolution, whose pixels are now tiles) and the output transform. So nothing but src,
U and dst is ever outside of the caches next to the core.

Taps along the depth are no transform either: the slices that an output slice reads are further input channels. Those
outside of the volume take no part where all tiles of a block have them outside, else they are zeros.

Dilation d splits the map into d x d parts, each a convolution of its own over every d-th pixel: tiles just lie on
those. Where an axis has a kernel of one its scheme is F(1, 1), no transform.

A stride splits the sum: a phase is every stride-th input with every stride-th tap (`Scheme`), and M[point] sums over
phases as over channels. Of a 3x3 kernel of stride 2 the four phases have 2x2, 2x1, 1x2 and 1x1 taps; those with one tap
along an axis have no products at its infinity. So F(4, 2) takes 25 + 20 + 20 + 16 products for 16 outputs, not 144.
The pieces of a long kernel are phases too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from convc.ir.types import ceil_div, round_up
from convc.kernels.base import LINE, Kernel
from convc.kernels.conv_packing import whole_and_rest
from convc.kernels.formula import Formula
from convc.kernels.plane import Plane
from convc.kernels.register_tile import unroll
from convc.kernels.tiles import Axis, divide, present
from convc.kernels.toom_cook import Scheme
from convc.kernels.winograd_packing import Phase, Schemes, phases, products, summed_channels, taking_part

#: Bytes of a map up to which its lines come from a cache soon enough.
MAP_BYTES = 4 * 1024 * 1024

#: Bytes of the weights of one product, which all register tiles of a block read from the first-level cache, by lanes:
#: with 16 of a core whose registers take more of them between two loads.
PANEL_BYTES = {16: 16 * 1024, 8: 12 * 1024, 4: 12 * 1024}


@dataclass(frozen=True, slots=True)
class Piece:
    """`count` tiles whose products are held in registers together, from tile `start` of the block."""

    start: int
    count: int


@dataclass(frozen=True)
class Winograd(Kernel):
    """Parameters of templates/kernels/winograd.c.j2; see the module docstring."""

    template: ClassVar[str] = "winograd"
    lanes: int
    vectors: int
    pixels: int  # tiles in registers at a time
    n: int
    ic: int
    oc: int
    groups: int
    depth: Axis
    height: Axis
    width: Axis
    schemes: Schemes
    block: int  # tiles of a work item, at most
    span: int  # tiles of output channels whose M is held at a time
    parts: int  # work items that share a block: each computes its part of the output channels
    src: Plane
    dst: Plane
    bias: bool
    epilogue: Formula
    starts: tuple[int, ...] = ()  # of the results in dst and in the epilogue's operands, where not 0; in floats

    @property
    def bias_floats(self) -> int:
        return round_up(self.oc, self.lanes)

    @property
    def stem(self) -> str:
        size = "x".join(str(scheme.outputs) for scheme in self.schemes)
        axes = present(self.depth, self.height, self.width)
        kernel, out = ("x".join(str(getattr(axis, name)) for axis in axes) for name in ("kernel", "out"))
        dilated = f"_dilated{self.height.dilation}" if self.height.dilation > 1 else ""
        stride = max(self.height.stride, self.width.stride)
        strided = f"s{stride}" if stride > 1 else ""
        shape = f"{self.ic}x{out}_{self.oc}"
        return f"winograd{size}_{kernel}{strided}{dilated}_{shape}{self.epilogue.suffix}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("src", "weights", *(("bias",) if self.bias else ()), *self.epilogue.parameters(), "scratch", "dst")

    @property
    def masked(self) -> bool:
        """Whether lanes past the last channel must be cleared before they are stored."""
        return self.epilogue.spoils(self.oc, self.lanes)

    @property
    def group_ic(self) -> int:
        return self.ic // self.groups

    @property
    def ic_blocks(self) -> int:
        """Blocks of input channels of a group."""
        return ceil_div(self.group_ic, self.lanes)

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        return phases(self.schemes)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Distinct (rows, columns) of a tile's inputs in a phase."""
        return tuple(dict.fromkeys((phase.rows, phase.columns) for phase in self.phases))

    @cached_property
    def taking_part(self) -> tuple[tuple[int, int], ...]:
        """For each point the first block of V that takes part, and how many do."""
        blocks = self.depth.kernel * self.ic_blocks
        return tuple((first * blocks, count * blocks) for first, count in taking_part(self.schemes))

    @property
    def uneven(self) -> bool:
        """Whether some phases do not take part in every point."""
        return len(set(self.taking_part)) > 1

    @property
    def products(self) -> int:
        return products(self.schemes)

    @property
    def channels(self) -> int:
        """Input channels of a phase that a product sums over, of all slices."""
        return summed_channels(self.schemes, self.depth.kernel, self.group_ic, self.lanes)

    @property
    def v_blocks(self) -> int:
        """Blocks of channels of all phases and slices."""
        return len(self.phases) * self.depth.kernel * self.ic_blocks

    @property
    def reduction(self) -> tuple[tuple[int, int, int], ...]:
        """(first block, blocks, channels in each) of all phases: the whole blocks, then the rest."""
        return whole_and_rest(len(self.phases) * self.channels, self.lanes)

    @property
    def oc_blocks(self) -> int:
        """Blocks of output channels of a group."""
        return ceil_div(self.oc // self.groups, self.lanes)

    @property
    def oc_tiles(self) -> int:
        return ceil_div(self.oc_blocks, self.vectors)

    @property
    def spans(self) -> int:
        return ceil_div(self.oc_tiles, self.span)

    @property
    def panels(self) -> int:
        """Parts of the input channels, so that the weights of one product stay in the first-level cache."""
        return ceil_div(len(self.phases) * self.channels * self.vectors * self.lanes * 4, PANEL_BYTES[self.lanes])

    @property
    def panel_blocks(self) -> int:
        """Blocks of input channels in a part."""
        return ceil_div(self.v_blocks, self.panels)

    def lines_ahead(self, channels: int) -> int:
        """Cache lines of the next panel that a register tile fetches while it computes so many channels."""
        return ceil_div(channels * self.vectors * self.lanes, LINE * min(map(len, self.pieces.values())))

    @property
    def ahead(self) -> int:
        channels = min(len(self.phases) * self.channels, self.panel_blocks * self.lanes)
        return round_up(ceil_div(channels * self.vectors * self.lanes, min(map(len, self.pieces.values()))), LINE)

    @property
    def fetches_source(self) -> bool:
        """Whether the map is too large for the second-level cache, so that its inputs are fetched a block ahead."""
        return self.blocks > 1 and 4 * self.ic * self.depth.size * self.height.size * self.width.size > MAP_BYTES

    @property
    def fetches_result(self) -> bool:
        return 4 * self.oc * self.depth.out * self.height.out * self.width.out > MAP_BYTES

    @property
    def input_rows(self) -> int:
        """Rows of a tile's inputs, of all phases."""
        return len(_reach(self.schemes[0]))

    @property
    def input_lines(self) -> tuple[int, ...]:
        """Floats from a tile's first input to each cache line of a row of its inputs."""
        return self._lines(self.src.w * self.width.dilation, _reach(self.schemes[1]))

    @property
    def output_lines(self) -> tuple[int, ...]:
        return self._lines(self.dst.w * self.width.dilation, range(self.schemes[1].outputs))

    def _lines(self, step: int, pixels: Sequence[int]) -> tuple[int, ...]:
        ends = (pixel * step + last for pixel in pixels for last in (0, self.lanes - 1))
        return tuple(dict.fromkeys(end // LINE * LINE for end in ends))

    @property
    def tile_rows(self) -> tuple[int, ...]:
        """The first output row of each row of tiles."""
        return _begins(self.height, self.schemes[0].outputs)

    @property
    def tile_columns(self) -> tuple[int, ...]:
        return _begins(self.width, self.schemes[1].outputs)

    @property
    def tiles(self) -> int:
        """Tiles of all images."""
        return self.n * self.depth.out * len(self.tile_rows) * len(self.tile_columns)

    @property
    def blocks(self) -> int:
        return ceil_div(self.tiles, self.block)

    @property
    def block_sizes(self) -> tuple[int, int]:
        """(tiles of the longer blocks, how many blocks are that long); the others have one tile less."""
        short, longer = divmod(self.tiles, self.blocks)
        return (short + 1, longer) if longer else (short, self.blocks)

    @cached_property
    def pieces(self) -> dict[int, tuple[Piece, ...]]:
        """How a block of each size is cut into register tiles."""
        longest, count = self.block_sizes
        sizes = [longest] if count == self.blocks else [longest, longest - 1]
        return {size: _cut(size, self.pixels) for size in sizes}

    @property
    def widths(self) -> tuple[int, ...]:
        """Distinct register tiles, widest first."""
        return tuple(sorted({piece.count for pieces in self.pieces.values() for piece in pieces}, reverse=True))

    @property
    def points(self) -> int:
        return self.schemes[0].inputs * self.schemes[1].inputs

    @property
    def v_point(self) -> int:
        """Floats from one point of V to the next: an odd number of lines, so that points do not share a cache set."""
        return _odd_lines(self.v_blocks * self.block_sizes[0] * self.lanes)

    @property
    def m_point(self) -> int:
        return _odd_lines(self.span * self.block_sizes[0] * self.vectors * self.lanes)

    @property
    def scratch_parts(self) -> dict[str, int]:
        """Floats of each piece of scratch, in order."""
        return {
            "V": self.points * self.v_point,
            "M": self.points * self.m_point,
            "PATCH": round_up(self.points * self.lanes, LINE),
            "OUT": round_up(self.schemes[0].outputs * self.schemes[1].outputs * self.lanes, LINE),
        }

    @property
    def scratch_bytes(self) -> int:
        return 4 * sum(self.scratch_parts.values())

    @property
    def items(self) -> int:
        return self.groups * self.parts * self.blocks

    def unroll(self, channels: int) -> int:
        """Channels per step of the inner loop: the most, up to 8, that leave no rest."""
        return unroll(channels)


def _reach(scheme: Scheme) -> range:
    """The inputs of a tile, of all phases, which leave no gaps."""
    last = max(scheme.stride * (phase.rows - 1) + phase.h for phase in phases((scheme, Scheme(1, 1))))
    return range(last + 1)


def _begins(axis: Axis, outputs: int) -> tuple[int, ...]:
    """First outputs of the tiles along an axis, one part of a dilated map after the other."""
    step = axis.dilation
    return tuple(begin for part in range(min(step, axis.out)) for begin in range(part, axis.out, step * outputs))


def _cut(size: int, longest: int) -> tuple[Piece, ...]:
    runs = divide(size, longest)
    return tuple(Piece(start + i * count, count) for start, count, many in runs for i in range(many))


def _odd_lines(floats: int) -> int:
    lines = ceil_div(floats, LINE)
    return (lines + 1 - lines % 2) * LINE
