"""What Strassen's product does with a problem, and what it is expected to take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from convc.ir.types import ceil_div, round_up
from convc.kernels.register_tile import choose_tile
from convc.kernels.strassen import GROWTH, StrassenPacking
from convc.plan.candidate import Candidate
from convc.plan.machine import MACHINES, Machine
from convc.plan.problem import Problem


@dataclass(frozen=True)
class StrassenShape:
    """What Strassen's product with one candidate does with a problem."""

    problem: Problem
    candidate: Candidate

    @property
    def machine(self) -> Machine:
        return MACHINES[self.problem.registers]

    @property
    def growth(self) -> float:
        """How much coarser than the direct sum it rounds."""
        return GROWTH

    @cached_property
    def register_tile(self) -> tuple[int, int]:
        """(pixels, vectors of output channels); the pixels are halved, and so are the channels."""
        p = self.problem
        return choose_tile(ceil_div(ceil_div(p.oc, p.lanes), 2), ceil_div(p.pixels, 2), p.registers)

    @property
    def packing(self) -> StrassenPacking:
        return StrassenPacking(self.problem.oc, self.problem.ic, self.register_tile[1], self.problem.lanes)

    @property
    def pairs(self) -> int:
        """Pairs of tiles in a map."""
        return ceil_div(self.problem.pixels, 2 * self.register_tile[0])

    @property
    def oc_tiles(self) -> int:
        """Tiles of output channels in a half."""
        return self.packing.half // (self.register_tile[1] * self.problem.lanes)

    @property
    def chunks(self) -> int:
        return ceil_div(self.pairs, self.candidate.block)

    @cached_property
    def parts(self) -> int:
        """Work items that share a chunk of pairs: as many as leave the threads least to wait for."""
        threads = self.problem.threads
        return min(range(1, min(threads, self.oc_tiles) + 1), key=lambda parts: (self._computed(parts), parts))

    @property
    def cycles(self) -> float:
        """Expected cycles from beginning to end, with every thread at work."""
        less, more = sorted((self._computed(self.parts), self._stream()))
        return more + (1 - self.machine.overlap) * less + self._gather() / self.problem.threads

    def _gather(self) -> float:
        """The pixels of a strided convolution, brought together first."""
        p, m = self.problem, self.machine
        size = 4 * p.n * round_up(p.ic, p.lanes) * p.pixels
        return size / m.third_level_rate + size / m.second_level_rate if p.strided else 0.0

    def _computed(self, parts: int) -> float:
        """The products and the sums of the busiest thread, when work items are shared out."""
        p, m, vectors = self.problem, self.machine, self.register_tile[1]
        low = self.packing.low
        wide = ceil_div(ceil_div(p.pixels, self.pairs), 2)
        channel = max(wide * vectors / m.rate, (wide + vectors) / m.rate, m.latency)
        moved = 10 * m.access * wide * vectors + 3 * m.call  # products kept and read again, results
        tile = channel / m.direct_efficiency * sum(self.packing.channels) + moved
        sums = low // p.lanes * wide * (8 * m.access + 4 * m.operation)
        pairs = p.n * self.pairs * parts  # each with its part of the output channels
        if parts % p.threads:  # else every thread has parts of its own, and the same work
            pairs = min(pairs, ceil_div(p.n * self.chunks * parts, p.threads) * self.candidate.block)
        else:
            pairs //= p.threads
        return pairs * (sums + ceil_div(self.oc_tiles, parts) * tile)

    def _stream(self) -> float:
        """The weights, once a chunk, the first time from memory."""
        p, m = self.problem, self.machine
        size = 4 * self.packing.size()
        again = m.third_level_rate if size < m.third_level else m.memory_rate
        return size / m.memory_rate + (p.n * self.chunks - 1) * size / again / p.threads
