"""Which algorithm computes a convolution: the candidates, and what each is expected to take.

Time is counted in cycles of a core, from what a kernel does: multiply-adds, loads and stores of the transforms, and
bytes of weights that stream past. The constants of the machine are all in `Machine`; they were measured by
`benchmarks/kernels.py` and are ratios that other wide cores share. `convc build --tune` measures the
few best candidates instead and remembers which won.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from convc.ir.types import ceil_div, round_up
from convc.kernels.register_tile import choose_block_tile, choose_tile
from convc.kernels.strassen import GROWTH
from convc.kernels.tiles import UNIT, Axis
from convc.kernels.toom_cook import PAIRS, Scheme, Sum
from convc.kernels.winograd import phases, products, summed_channels
from convc.options import Options
from convc.plan.problem import Problem


@dataclass(frozen=True, slots=True)
class Machine:
    """What the model knows of a core, in cycles and in vectors of the target."""

    rate: int  # multiply-adds in a cycle, and loads
    access: float  # cycles of a load or store in a transform
    operation: float  # cycles of an addition or multiply-add in a transform
    memory_rate: float  # bytes per cycle from memory
    second_level_rate: float = 32.0  # bytes per cycle from a core's own cache
    third_level_rate: float = 17.0  # bytes per cycle from the shared cache
    third_level: int = 16 * 1024 * 1024  # bytes of the shared cache that may be counted on
    v_bytes: int = 256 * 1024  # of transformed inputs that may be read again for every tile of output channels
    own_bytes: int | None = None  # of transformed inputs and products, above which they go to the shared cache and back
    latency: int = 4  # of a multiply-add
    direct_efficiency: float = 0.92  # of direct convolution, relative to multiply-adds alone
    product_efficiency: float = 0.90  # of the products at the points
    transform: float = 40.0  # cycles of one transform besides
    call: float = 12.0  # cycles of the product of one register tile besides
    overlap: float = 0.85  # of a stream of weights that hides behind computation, or the other way round


#: By vector registers: AVX-512 as on Zen 4, where a vector takes both halves of a core, and others as AVX2 on Zen 3.
#: Products with 64-byte vectors read only 2 bytes of V in a cycle, which even the shared cache delivers.
MACHINES: Final = {
    32: Machine(
        rate=1, access=1.0, operation=0.6, memory_rate=5.5, v_bytes=8 * 1024 * 1024, own_bytes=512 * 1024
    ),
    16: Machine(rate=2, access=0.6, operation=0.35, memory_rate=4.4),
}

#: Tiles of a work item that are tried.
BLOCKS: Final = (14, 28, 56)

#: Pairs of register tiles that Strassen's product takes at a time, and the pixels that a tile has at least.
PAIRS_AT_A_TIME: Final = (1, 2, 4)
LEAST_PIXELS: Final = 8

#: How much longer than the best a candidate may be expected to take to be measured at all.
HOPE: Final = 1.7

#: How much coarser than the direct sum an algorithm may round to be chosen unasked in any network (`Scheme.growth`, of
#: both axes): 5.0 for F(4, 3), 5.5 for F(2, 5), 4.2 for F(5, 4) along one axis, but not F(6, 3), 20.6, or F(4, 5), 19.
MOST_GROWTH: Final = 6.0

#: What an algorithm's growth times the sums that follow one another in the network may be for it to be chosen unasked
#: though it rounds more coarsely. Errors grow with both: of F(6, 3) VGG-16 (16 sums) has 6e-6 of its largest output,
#: which is allowed, ResNet-50 (50) 7e-5 and Inception-v3 (48) 2.8e-4, which are not.
MOST_ROUNDING: Final = 520.0

#: Cycles that coarser rounding must be expected to save of a layer of one image.
COARSE_GAIN: Final = 50_000

#: Bytes that the transformed weights of a layer may take: 512 channels to 4096 under 7 x 7 taps, 411 MB as they are,
#: would be 1.9 GB in four phases of F(5, 4), and 2 GiB are all that a library can hold.
MOST_WEIGHTS: Final = 640 * 1024 * 1024

#: Taps along an axis, at most of a phase of the stride, that Winograd is made for; 1 is an axis without a transform.
TAPS: Final = (1, 2, 3, 4, 5, 7)

#: Taps from which on a kernel of stride 1 may also be cut in two: 5 are as fast whole.
MANY_TAPS: Final = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm with its parameters.

    Direct convolution has none, Winograd tiles of `outputs`, `block` at a time, Strassen `block` pairs at a time.
    """

    outputs: tuple[int, int] = (0, 0)
    block: int = 0

    @property
    def is_direct(self) -> bool:
        return self.block == 0

    @property
    def is_strassen(self) -> bool:
        return self.block > 0 and self.outputs == (0, 0)

    @property
    def name(self) -> str:
        if self.is_strassen:
            return f"strassen, {self.block} pairs"
        return "direct" if self.is_direct else f"winograd {self.outputs[0]}x{self.outputs[1]}, {self.block} tiles"


DIRECT: Final = Candidate()


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that was chosen, and in words why."""

    candidate: Candidate
    reason: str


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
        """Input channels of each phase that a product sums over."""
        return summed_channels(self.schemes, self.problem.ic // self.problem.groups, self.problem.lanes)

    @property
    def tiles(self) -> int:
        p = self.problem
        across = (_tiles(axis, m) for axis, m in zip((p.height, p.width), self.candidate.outputs, strict=True))
        return p.n * next(across) * next(across)

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
        channels = self.ic_blocks * self.problem.lanes
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
        multiplied = channel / m.product_efficiency * self.channels * self.products
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
            down = phase.columns * _additions(height.input_sums[: -1 if phase.rows < height.inputs else None])
            across = phase.rows * _additions(width.input_sums[: -1 if phase.columns < width.inputs else None])
            moved = 4 * phase.rows * phase.columns
            before += machine.transform + machine.operation * (down + across) + machine.access * moved
        down, across = width.inputs * _additions(height.output_sums), height.outputs * _additions(width.output_sums)
        moved = self.points + 2 * height.outputs * width.inputs + 3 * height.outputs * width.outputs
        after = machine.transform + machine.operation * (down + across) + machine.access * moved
        return self.tiles * groups * (self.parts * self.ic_blocks * before + self.oc_blocks * after)


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
    def pairs(self) -> int:
        """Pairs of tiles in a map."""
        return ceil_div(self.problem.pixels, 2 * self.register_tile[0])

    @property
    def oc_tiles(self) -> int:
        """Tiles of output channels in a half."""
        return ceil_div(ceil_div(self.problem.oc, self.problem.lanes), 2 * self.register_tile[1])

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
        low = ceil_div(ceil_div(p.ic, p.lanes), 2) * p.lanes
        wide = ceil_div(ceil_div(p.pixels, self.pairs), 2)
        channel = max(wide * vectors / m.rate, (wide + vectors) / m.rate, m.latency)
        moved = 10 * m.access * wide * vectors + 3 * m.call  # products kept and read again, results
        tile = channel / m.direct_efficiency * (5 * low + 2 * (p.ic - low)) + moved
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
        size = 7 * p.ic * round_up(p.oc, p.lanes)
        again = m.third_level_rate if size < m.third_level else m.memory_rate
        return size / m.memory_rate + (p.n * self.chunks - 1) * size / again / p.threads


def _additions(sums: Sequence[Sum]) -> int:
    return sum(len(item.terms) - 1 for item in sums)


def _tiles(axis: Axis, outputs: int) -> int:
    """Tiles along an axis, over all parts of a dilated map."""
    parts = min(axis.dilation, axis.out)
    return sum(ceil_div(ceil_div(axis.out - part, axis.dilation), outputs) for part in range(parts))


def candidates(problem: Problem) -> Iterator[Candidate]:
    """Direct convolution, and every way to take fewer multiplications that can compute the problem."""
    yield DIRECT
    if problem.line and min(problem.ic, problem.oc) > problem.lanes and problem.pixels >= 2 * LEAST_PIXELS:
        pairs = StrassenShape(problem, Candidate(block=1)).pairs
        yield from (Candidate(block=block) for block in PAIRS_AT_A_TIME if block == 1 or block <= pairs)
    if not _suits_winograd(problem):
        return
    axes = problem.height, problem.width
    sizes = [_outputs(axis) for axis in axes]
    for height in sizes[0]:
        for width in sizes[1]:
            down, across = (_scheme(m, a.kernel, a.stride).inputs for m, a in zip((height, width), axes, strict=True))
            if 1 in (down, across) or down == across:
                shape = WinogradShape(problem, Candidate((height, width), 1))
                if shape.weights_bytes > MOST_WEIGHTS:
                    continue
                tiles = shape.tiles
                for block in BLOCKS:
                    yield Candidate((height, width), min(block, tiles))
                    if tiles <= block:
                        break


def _outputs(axis: Axis) -> list[int]:
    """How many outputs along an axis a tile may have."""
    taps = _taps(axis)
    if taps == 1:
        return [1]
    halves = [ceil_div(taps, 2)] if axis.stride == 1 and taps >= MANY_TAPS else []
    found = dict.fromkeys(t - r + 1 for r in (taps, *halves) for t in PAIRS)
    return [outputs for outputs in found if outputs >= 2]


def _suits_winograd(problem: Problem) -> bool:
    p = problem
    narrow = p.groups > 1 and (p.ic // p.groups % p.lanes or p.oc // p.groups % p.lanes)
    taps = _taps(p.height), _taps(p.width)
    fits = max(taps) > 1 and all(r in TAPS for r in taps)
    plain = all(axis.stride == 1 or axis.dilation == 1 for axis in (p.height, p.width))
    return p.depth == UNIT and p.blocked and not narrow and fits and plain


def _taps(axis: Axis) -> int:
    """Taps of the longest phase of the stride."""
    return ceil_div(axis.kernel, axis.stride)


def direct_cycles(problem: Problem) -> float:
    """Expected cycles of direct convolution with every thread at work: taps in the padding cost nothing."""
    p, machine = problem, MACHINES[problem.registers]
    taps = 1
    for axis in (p.height, p.width):
        taps *= sum(end - begin for begin, end in (axis.valid(0, axis.out, tap) for tap in range(axis.kernel)))
    channels = p.ic // p.groups * round_up(p.oc, p.lanes) / p.lanes
    computed = p.n * taps * channels / machine.rate / machine.direct_efficiency
    streamed = 4 * p.ic // p.groups * p.oc * p.kernel[0] * p.kernel[1] / machine.memory_rate
    return (max(computed, streamed) + (1 - machine.overlap) * min(computed, streamed)) / p.threads


def cycles(problem: Problem, candidate: Candidate) -> float:
    """Expected cycles from beginning to end, with every thread at work."""
    return direct_cycles(problem) if candidate.is_direct else shape_of(problem, candidate).cycles


def shape_of(problem: Problem, candidate: Candidate) -> WinogradShape | StrassenShape:
    """What a candidate other than direct convolution does."""
    return (StrassenShape if candidate.is_strassen else WinogradShape)(problem, candidate)


def permitted(problem: Problem) -> dict[Candidate, float]:
    """Expected cycles of what may be chosen unasked, by how it rounds."""
    times = {candidate: cycles(problem, candidate) for candidate in candidates(problem)}
    growths = {c: 1.0 if c.is_direct else shape_of(problem, c).growth for c in times}
    worth = min(times[c] for c in times if growths[c] <= MOST_GROWTH) - COARSE_GAIN * problem.n
    most = MOST_ROUNDING / problem.sums_in_a_row
    return {c: t for c, t in times.items() if growths[c] <= MOST_GROWTH or (growths[c] <= most and t <= worth)}


def contenders(problem: Problem) -> tuple[Candidate, ...]:
    """The likeliest, for measuring: of each algorithm the best block, of the best one another block too."""
    times = permitted(problem)
    best: dict[tuple[int, int], Candidate] = {}
    for candidate in sorted(times, key=lambda c: times[c]):
        best.setdefault(candidate.outputs, candidate)
    ranked = sorted(best.values(), key=lambda c: times[c])
    second = [c for c in times if c.outputs == ranked[0].outputs and c != ranked[0]]
    likely = [c for c in ranked if times[c] <= HOPE * times[ranked[0]]]
    return (*likely, *sorted(second, key=lambda c: times[c])[:1])


def choose(problem: Problem, options: Options, name: str = "") -> Choice:
    """The candidate expected to be fastest, or the first whose name begins as a choice of the options says.

    `name` is that of the convolution's result.
    """
    possible = list(candidates(problem))
    if not options.winograd or options.level < 2:
        return Choice(DIRECT, "")
    named = dict(options.choices)
    wanted = named.get(name) or named.get(problem.signature) or named.get("*")
    for candidate in possible:
        if wanted and candidate.name.startswith(wanted):
            return Choice(candidate, "measured" if problem.signature in named else "asked for")
    times = permitted(problem)
    best = min(times, key=lambda candidate: times[candidate])
    if best.is_direct:
        return Choice(best, "")
    return Choice(best, f"expected to take {times[best] / times[DIRECT]:.2f} of direct convolution")
