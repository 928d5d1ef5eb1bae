"""What the kernels that convolve by direct sums have in common."""

from __future__ import annotations

from abc import abstractmethod

from convc.kernels.base import Kernel
from convc.kernels.formula import Formula
from convc.kernels.tiles import Axis, present


class Convolution(Kernel):
    """A kernel over the axes of a map; its frozen dataclass has these fields.

    Where `sums` is set, the results of a work item, summed by channel, go to `dst_sums` [n][block][item][lane] too.
    """

    depth: Axis
    height: Axis
    width: Axis
    bias: bool
    epilogue: Formula
    sums: bool

    @property
    @abstractmethod
    def map_items(self) -> int:
        """Work items that a map is cut into, of a block of output channels."""

    @property
    def parameters(self) -> tuple[str, ...]:
        bias, sums = ("bias",) * self.bias, ("dst_sums",) * self.sums
        return ("src", "weights", *bias, *self.epilogue.parameters(), *sums, "dst")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Depth, where there is one, height and width."""
        return present(self.depth, self.height, self.width)

    @property
    def taps(self) -> int:
        return self.depth.kernel * self.height.kernel * self.width.kernel
