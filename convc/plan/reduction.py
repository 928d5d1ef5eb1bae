"""What a tile of output channels sums over: shared by the kernels that multiply by a convolution's weights."""

from __future__ import annotations

from convc.ir.types import TensorType, ceil_div
from convc.kernels.conv_packing import Reduction
from convc.kernels.register_tile import choose_tile, ends_in_half
from convc.options import Target


def tile_blocks(oc: int, groups: int, lanes: int, blocks: int) -> int:
    """Vectors of output channels a tile may span: within a group, where groups are whole vectors; else one."""
    if groups == 1:
        return blocks
    return oc // groups // lanes if oc // groups % lanes == 0 else 1


def channel_tile(oc: int, groups: int, width: int, target: Target) -> tuple[int, int]:
    """(pixels, vectors) of the register tile of a convolution to `oc` channels whose rows have `width` pixels.

    Of one group the last tile of output channels may be narrower, and end in half a vector.
    """
    blocks, one = ceil_div(oc, target.lanes), groups == 1
    vectors = tile_blocks(oc, groups, target.lanes, blocks)
    half = one and ends_in_half(oc, target.lanes)
    return choose_tile(vectors, width, target.registers, ragged=one, half=half)


def reduction_of(src: TensorType, oc: int, groups: int, tile: int, tiles: int) -> Reduction:
    """Which input channels each tile of output channels reads, and how they lie."""
    ic, per_in, per_out = src.shape[1], src.shape[1] // groups, oc // groups
    if groups == 1:
        return Reduction(ic, src.block if src.block > 1 else ic, (0,) * tiles)
    spans = [(t * tile // per_out, (min(oc, (t + 1) * tile) - 1) // per_out) for t in range(tiles)]
    channels = max((last - first + 1) * per_in for first, last in spans)
    bases = tuple(min(first * per_in, ic - channels) for first, _ in spans)
    if src.block == 1:
        return Reduction(channels, channels, bases)
    if all(base % src.block == 0 for base in bases):
        return Reduction(channels, src.block, bases)
    return Reduction(channels, 1, bases, scattered=True)
