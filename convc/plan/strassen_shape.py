"""What Strassen's product does with a problem, and what it is expected to take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from convc.ir.types import ceil_div, round_up
from convc.kernels.register_tile import choose_tile
from convc.kernels.strassen import GROWTH, StrassenPacking
from convc.kernels.strassen_twice import GROWTH_TWICE, PRODUCTS, StrassenTwicePacking
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
        return GROWTH if self.candidate.levels == 1 else GROWTH_TWICE

    @property
    def pieces(self) -> int:
        """Into how many pieces pixels and channels are cut."""
        return 2 if self.candidate.levels == 1 else 4

    @cached_property
    def register_tile(self) -> tuple[int, int]:
        """(pixels, vectors of output channels), of a piece of both."""
        p, pieces = self.problem, self.pieces
        return choose_tile(ceil_div(ceil_div(p.oc, p.lanes), pieces), ceil_div(p.pixels, pieces), p.registers)

    @property
    def packing(self) -> StrassenPacking | StrassenTwicePacking:
        packing = StrassenPacking if self.candidate.levels == 1 else StrassenTwicePacking
        return packing(self.problem.oc, self.problem.ic, self.register_tile[1], self.problem.lanes)

    @property
    def pairs(self) -> int:
        """Pairs of tiles in a map, or fours."""
        return ceil_div(self.problem.pixels, self.pieces * self.register_tile[0])

    @property
    def oc_tiles(self) -> int:
        """Tiles of output channels in a piece."""
        p, vectors = self.problem, self.register_tile[1]
        return ceil_div(p.oc, self.pieces * vectors * p.lanes)

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
        p, m, vectors, packing = self.problem, self.machine, self.register_tile[1], self.packing
        if isinstance(packing, StrassenPacking):
            wide: float = ceil_div(ceil_div(p.pixels, self.pairs), 2)
            channels, accesses, calls = sum(packing.channels), 10, 3  # products kept and read again, results; calls
            sums = packing.low // p.lanes * wide * (8 * m.access + 4 * m.operation)
        else:
            wide = ceil_div(p.pixels, 4) / self.pairs  # fours are of nearly equal widths
            channels, accesses, calls = PRODUCTS * p.ic // 4, 131, 100  # short products wait for their first operands
            missed = 4 * p.lanes * PRODUCTS / m.second_level_rate  # the first level has no room for the pixels' sides
            sums = p.ic // 4 // p.lanes * wide * (105 * m.access + 56 * m.operation + missed)
        channel = max(wide * vectors / m.rate, (wide + vectors) / m.rate, m.latency)
        tile = channel / m.direct_efficiency * channels + accesses * m.access * wide * vectors + calls * m.call
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
