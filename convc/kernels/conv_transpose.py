"""Transposed convolution as direct convolutions of stride 1, one for each phase of the result.

    o = i * stride + k * dilation - pad      so output o = phase + stride * t reads the taps k for which this has an i,
                                             and those are every (stride / g)-th, at inputs dilation / g apart

where g is the common divisor of stride and dilation. Phases whose taps lie alike are computed by one kernel, as if they
were further output channels; only where the results go tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import gcd, prod

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Packing
from convc.kernels.conv_packing import ConvPacking, Split
from convc.kernels.grouped import GroupedPacking
from convc.kernels.tiles import UNIT, Axis
from convc.kernels.winograd_packing import WinogradPacking

Taps = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AxisPhase:
    """Every stride-th output of one axis from number `start` on: the convolution that makes them, and its taps."""

    start: int
    axis: Axis
    taps: Taps


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of every axis (depth, height, width)."""

    starts: tuple[int, int, int]
    taps: tuple[Taps, Taps, Taps]


def axis_phases(size: int, out: int, kernel: int, stride: int, dilation: int, pad: int) -> tuple[AxisPhase, ...]:
    """The phases of one axis that have outputs."""
    common = gcd(stride, dilation)
    found = []
    for start in range(min(stride, out)):
        count = ceil_div(out - start, stride)
        # Descending taps are ascending inputs.
        taps = tuple(k for k in reversed(range(kernel)) if (start + pad - k * dilation) % stride == 0)
        if taps:
            first = (start + pad - taps[0] * dilation) // stride
            axis = Axis(size, count, len(taps), 1, dilation // common, -first)
        else:
            axis = Axis(size, count, 1, 1, 1, -size)  # one tap that lies outside everywhere
        found.append(AxisPhase(start, axis, taps))
    return tuple(found)


def group_phases(*axes: tuple[AxisPhase, ...]) -> dict[tuple[Axis, Axis, Axis], list[Phase]]:
    """All phases of the result, by the convolution that makes them."""
    found: dict[tuple[Axis, Axis, Axis], list[Phase]] = {}
    for depth, height, width in product(*axes):
        phase = Phase((depth.start, height.start, width.start), (depth.taps, height.taps, width.taps))
        found.setdefault((depth.axis, height.axis, width.axis), []).append(phase)
    return found


#: The phases of an axis that is not there.
WHOLE = (AxisPhase(0, UNIT, (0,)),)


@dataclass(frozen=True, slots=True)
class TransposePacking(Packing):
    """Weights `[ic, oc / groups, kernel...]` of some phases -> `[phase][tile]...`, each as `phase` says.

    `kernel` are the extents in depth, height and width, `taps` those of each phase along the three.
    """

    phase: ConvPacking
    kernel: tuple[int, int, int]
    taps: tuple[tuple[Taps, Taps, Taps], ...]
    split: Split | None

    def size(self) -> int:
        return len(self.taps) * self.phase.size()

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        weights = as_convolution(array, self.phase.groups, self.kernel)
        return self.phase.in_parts(np.concatenate([self._tiles(weights, taps) for taps in self.taps]), self.split)

    def _tiles(self, weights: npt.NDArray[np.float64], taps: tuple[Taps, Taps, Taps]) -> npt.NDArray[np.float32]:
        """One phase's weights; zeros where it has no taps."""
        if not all(taps):
            return self.phase.in_tiles(np.zeros((*weights.shape[:2], prod(self.phase.kernel))))
        return self.phase.in_tiles(taken(weights, taps))


@dataclass(frozen=True, slots=True)
class PhasePacking(Packing):
    """The same of one phase, as the kernel of a convolution reads them."""

    phase: WinogradPacking | GroupedPacking
    groups: int
    kernel: tuple[int, int, int]
    taps: tuple[Taps, Taps, Taps]

    def size(self) -> int:
        return self.phase.size()

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        weights = as_convolution(array, self.groups, self.kernel)
        if all(self.taps):
            weights = taken(weights, self.taps)
        else:  # no tap reaches this phase: its convolution has one, outside everywhere
            weights = np.zeros((*weights.shape[:2], *(max(1, len(taps)) for taps in self.taps)))
        return self.phase.apply(weights)


def as_convolution(
    array: npt.NDArray[np.float64], groups: int, kernel: tuple[int, int, int]
) -> npt.NDArray[np.float64]:
    """`[ic, oc / groups, kernel...]` -> `[oc, ic / groups, kd, kh, kw]`."""
    ic, per_group = array.shape[:2]
    weights = np.asarray(array).reshape(groups, ic // groups, per_group, *kernel).swapaxes(1, 2)
    return np.ascontiguousarray(weights).reshape(groups * per_group, ic // groups, *kernel)


def taken(weights: npt.NDArray[np.float64], taps: tuple[Taps, Taps, Taps]) -> npt.NDArray[np.float64]:
    """`[oc, ic / groups, kd, kh, kw]` at some taps of each axis."""
    depth, height, width = taps
    return weights[:, :, depth][:, :, :, height][:, :, :, :, width]
