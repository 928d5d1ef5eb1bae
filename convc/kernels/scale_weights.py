"""Weights of a direct pointwise convolution times what each image's input channels are scaled by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convc.ir.types import ceil_div
from convc.kernels.base import Kernel


@dataclass(frozen=True)
class ScaleWeights(Kernel):
    """Parameters of templates/kernels/scale_weights.c.j2: `dst[n][...] = weights[...] * scale[n][channel]`.

    `weights` are packed as `ConvPacking` has them: `[part][tile][channel of the part][vectors * lanes]`, `part`
    channels in each but the last; the scales of the next image begin `scale_n` floats further.
    """

    template: ClassVar[str] = "scale_weights"
    lanes: int
    vectors: int
    n: int
    channels: int
    tiles: int
    part: int
    scale_n: int

    @property
    def stem(self) -> str:
        return f"scale_weights_{self.channels}_{self.tiles * self.vectors * self.lanes}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return ("weights", "scale", "dst")

    @property
    def parts(self) -> int:
        return ceil_div(self.channels, self.part)

    @property
    def size(self) -> int:
        """Floats of one image's weights."""
        return self.channels * self.tiles * self.vectors * self.lanes

    @property
    def items(self) -> int:
        return self.n * self.parts * self.tiles
