"""What Winograd does with a problem, and what it is expected to take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from convc.ir.types import ceil_div, round_up
from convc.kernels.register_tile import choose_block_tile
from convc.kernels.tiles import Axis
from convc.kernels.toom_cook import Scheme, additions
from convc.kernels.winograd_packing import phases, products, summed_channels
from convc.plan.candidate import Candidate
from convc.plan.machine import MACHINES, Machine
from convc.plan.problem import Problem


@lru_cache(64)
def _scheme(outputs: int, kernel: int, stride: int) -> Scheme:
    """One object for all convolutions: what a scheme derives is kept in it."""
    return Scheme(outputs, kernel, stride)


@dataclass(frozen=True)
class WinogradShape:
    """What Winograd with one candidate does with a problem: tiles, blocks, register tiles, parts."""

    problem: Problem
    candidate: Candidate

    @cached_property
    def schemes(self) -> tuple[Scheme, Scheme]:
        (height, width), p = self.candidate.outputs, self.problem
        return (
            _scheme(height, p.height.kernel, p.height.stride),
            _scheme(width, p.width.kernel, p.width.stride),
        )

    @property
    def growth(self) -> float:
        """How much coarser than the direct sum it rounds."""
        return self.schemes[0].growth * self.schemes[1].growth

    @property
    def points(self) -> int:
        return self.schemes[0].inputs * self.schemes[1].inputs

    @cached_property
    def products(self) -> int:
        """Multiplications of a tile for each input and output channel."""
        return products(self.schemes)

    @property
    def channels(self) -> int:
        """Input channels of each phase that a product sums over, of all slices."""
        p = self.problem
        return summed_channels(self.schemes, p.depth.kernel, p.ic // p.groups, p.lanes)

    @property
    def tiles(self) -> int:
        p = self.problem
        across = (_tiles(axis, m) for axis, m in zip((p.height, p.width), self.candidate.outputs, strict=True))
        return p.n * p.depth.out * next(across) * next(across)

    @property
    def inside(self) -> float:
        """How much of the taps along the depth lies inside the volume, of those that products sum over."""
        if len(phases(self.schemes)) > 1:
            return 1.0
        depth = self.problem.depth
        return depth.taps_inside / (depth.kernel * depth.out)

    @property
    def blocks(self) -> int:
        return ceil_div(self.tiles, self.candidate.block)

    @property
    def ic_blocks(self) -> int:
        return ceil_div(self.problem.ic // self.problem.groups, self.problem.lanes)

    @property
    def oc_blocks(self) -> int:
        return ceil_div(self.problem.oc // self.problem.groups, self.problem.lanes)

    @cached_property
    def register_tile(self) -> tuple[int, int]:
        """(tiles, vectors of output channels)."""
        return choose_block_tile(self.oc_blocks, ceil_div(self.tiles, self.blocks), self.problem.registers)

    @property
    def span(self) -> int:
        """Tiles of output channels whose products are made point by point: all, where V is too large to read often."""
        channels = self.ic_blocks * self.problem.lanes * self.problem.depth.kernel
        if 4 * self.products * channels * ceil_div(self.tiles, self.blocks) <= self.machine.v_bytes:
            return 1
        return ceil_div(self.oc_tiles, self.parts)

    @property
    def oc_tiles(self) -> int:
        return ceil_div(self.oc_blocks, self.register_tile[1])

    @property
    def parts(self) -> int:
        """Work items that share a block, so that there are enough for the threads."""
        if self.problem.threads == 1:
            return 1
        wanted = ceil_div(2 * self.problem.threads, self.blocks * self.problem.groups)
        return max(1, min(wanted, self.oc_tiles // 2))

    @property
    def weights_bytes(self) -> int:
        p = self.problem
        return 4 * self.products * self.channels * round_up(p.oc // p.groups, p.lanes) * p.groups

    @property
    def machine(self) -> Machine:
        return MACHINES[self.problem.registers]

    @property
    def cycles(self) -> float:
        """Expected cycles from beginning to end, with every thread at work."""
        items = self.blocks * self.parts * self.problem.groups
        share = ceil_div(items, self.problem.threads) / items  # of all work, what the busiest thread does
        less, more = sorted((self._product() * share, self._stream()))
        return more + (1 - self.machine.overlap) * less + (self._transforms() + self._spilled()) * share

    def _product(self) -> float:
        """The products: multiply-adds and loads of every register tile, and its sums stored and read again."""
        p, m, (pixels, vectors) = self.problem, self.machine, self.register_tile
        size = ceil_div(self.tiles, self.blocks)
        pieces = ceil_div(size, pixels)
        channel = max(size * vectors / m.rate, (size + vectors * pieces) / m.rate, m.latency * pieces)
        multiplied = channel / m.product_efficiency * self.channels * self.inside * self.products
        stored = (2 * m.access * size * vectors + m.call * pieces) * self.points
        return self.blocks * p.groups * self.oc_tiles * (multiplied + stored)

    def _stream(self) -> float:
        """The transformed weights, once a block, from where they lie by then; the first time from memory.

        Threads at blocks of their own read the same weights at the same time, and memory serves those once: at the rate
        of one. Threads that share a block read different ones.
        """
        size, m, threads = self.weights_bytes, self.machine, self.problem.threads
        apart = max(1, threads // (self.blocks * self.problem.groups))
        again = m.third_level_rate if size < m.third_level else m.memory_rate
        return size / m.memory_rate / apart + (self.blocks - 1) * size / again / threads

    def _spilled(self) -> float:
        """What the core's own cache does not hold of a block's V and M is written to the shared one and read again."""
        m, size = self.machine, ceil_div(self.tiles, self.blocks)
        if m.own_bytes is None:
            return 0.0
        held = self.products * self.channels + self.points * self.span * self.register_tile[1] * self.problem.lanes
        spilled = max(0, 4 * held * size - m.own_bytes)
        return self.blocks * self.problem.groups * 2 * spilled / m.third_level_rate

    def _transforms(self) -> float:
        machine, (height, width), groups = self.machine, self.schemes, self.problem.groups
        before = 0.0
        for phase in phases(self.schemes):
            down = phase.columns * additions(height.input_sums[: -1 if phase.rows < height.inputs else None])
            across = phase.rows * additions(width.input_sums[: -1 if phase.columns < width.inputs else None])
            moved = 4 * phase.rows * phase.columns
            before += machine.transform + machine.operation * (down + across) + machine.access * moved
        down, across = width.inputs * additions(height.output_sums), height.outputs * additions(width.output_sums)
        moved = self.points + 2 * height.outputs * width.inputs + 3 * height.outputs * width.outputs
        after = machine.transform + machine.operation * (down + across) + machine.access * moved
        sources = self.parts * self.ic_blocks * self.problem.depth.kernel * self.inside
        return self.tiles * groups * (sources * before + self.oc_blocks * after)


def _tiles(axis: Axis, outputs: int) -> int:
    """Tiles along an axis, over all parts of a dilated map."""
    parts = min(axis.dilation, axis.out)
    return sum(ceil_div(ceil_div(axis.out - part, axis.dilation), outputs) for part in range(parts))
