"""The phases of a Winograd convolution along both axes, and how its weights are laid out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div, round_up
from convc.kernels.base import Packing
from convc.kernels.toom_cook import Scheme

Schemes = tuple[Scheme, Scheme]


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of both axes: its numbers, its first taps, and the inputs of a tile along them."""

    numbers: tuple[int, int]
    h: int
    w: int
    rows: int
    columns: int


def phases(schemes: Schemes) -> tuple[Phase, ...]:
    """All phases, in an order in which those that take part in a point are neighbours.

    At the height's infinity those do that are long along the height, at the width's those long along the width.
    """
    height, width = schemes

    def place(phase: Phase) -> int:
        tall, wide = phase.rows == height.inputs, phase.columns == width.inputs
        return (1 if wide else 0) if tall else (2 if wide else 3)

    def inputs(scheme: Scheme, phase: int) -> int:
        return scheme.inputs - (phase >= scheme.long_phases)

    both = product(range(height.phases), range(width.phases))
    found = (
        Phase((h, w), height.first_tap(h), width.first_tap(w), inputs(height, h), inputs(width, w)) for h, w in both
    )
    return tuple(sorted(found, key=place))


def taking_part(schemes: Schemes) -> tuple[tuple[int, int], ...]:
    """For each point the first phase that has a product there, and how many have."""
    height, width = schemes
    found = []
    for i, j in product(range(height.inputs), range(width.inputs)):
        numbers = [number for number, phase in enumerate(phases(schemes)) if i < phase.rows and j < phase.columns]
        found.append((numbers[0], len(numbers)))
    return tuple(found)


def products(schemes: Schemes) -> int:
    """Multiplications of a tile for each input and output channel."""
    return sum(count for _, count in taking_part(schemes))


def summed_channels(schemes: Schemes, slices: int, channels: int, lanes: int) -> int:
    """Channels of each phase that a product sums over: slices and phases follow one another in whole blocks."""
    return channels if slices == len(phases(schemes)) == 1 else slices * round_up(channels, lanes)


@dataclass(frozen=True, slots=True)
class WinogradPacking(Packing):
    """Weights `[oc, ic / groups, kd, kh, kw]` -> `[group][span][point][tile of oc][phase][kd][ic][o][lane]`.

    They are transformed; absent channels are zero. A span is `span` tiles of output channels, whose products are made
    point by point.
    """

    oc: int
    ic: int
    groups: int
    slices: int  # taps along the depth
    schemes: Schemes
    vectors: int
    lanes: int
    span: int

    @property
    def tiles(self) -> int:
        """Tiles of output channels in a group."""
        return ceil_div(self.oc // self.groups, self.vectors * self.lanes)

    @property
    def channels(self) -> int:
        """Input channels of a phase in a group, of all slices."""
        return summed_channels(self.schemes, self.slices, self.ic // self.groups, self.lanes)

    def size(self) -> int:
        return self.groups * self.tiles * products(self.schemes) * self.channels * self.vectors * self.lanes

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        height, width = self.schemes
        per_group, channels = self.oc // self.groups, self.ic // self.groups
        taps = height.kernel * width.kernel
        weights = np.asarray(array, np.float64).reshape(self.groups, per_group, channels, self.slices, taps)
        every, tile = phases(self.schemes), self.vectors * self.lanes
        points = height.inputs * width.inputs
        shape = (self.groups, self.tiles, points, len(every), self.slices, self.channels // self.slices, tile)
        out = np.zeros(shape, np.float32)
        for number, phase in enumerate(every):
            both = np.kron(height.weights(phase.numbers[0]), width.weights(phase.numbers[1]))
            for group, at in product(range(self.groups), range(self.tiles)):
                part = weights[group, at * tile : min((at + 1) * tile, per_group)]
                out[group, at, :, number, :, :channels, : part.shape[0]] = (part @ both.T).transpose(3, 2, 1, 0)
        parts = [
            out[:, begin : begin + self.span, point, first : first + count].reshape(self.groups, -1)
            for begin in range(0, self.tiles, self.span)
            for point, (first, count) in enumerate(taking_part(self.schemes))
        ]
        return np.concatenate(parts, axis=1).reshape(-1)
