"""Which algorithm computes a convolution: the candidates, and what each is expected to take.

Time is counted in cycles of one core, from what a kernel does: multiply-adds, loads and stores of the transforms, and
bytes of weights that stream past. The constants of the machine are all in `Machine`; they were measured by
`benchmarks/kernels.py` on a Zen 4 core and are ratios that other wide cores share. `convc build --tune` measures the
few best candidates instead and remembers which won.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from convc.ir.types import ceil_div, round_up
from convc.kernels.conv_direct import choose_tile
from convc.kernels.tiles import UNIT, Axis
from convc.kernels.toom_cook import PAIRS, Scheme, Sum
from convc.options import Options
from convc.plan.problem import Problem


@dataclass(frozen=True, slots=True)
class Machine:
    """What the model knows of a core, in cycles and in vectors of the target."""

    direct_efficiency: float = 0.95  # of direct convolution, relative to one multiply-add per cycle
    product_efficiency: float = 0.90  # of the products per point
    access: float = 1.0  # a load or store that hits the first or second level
    operation: float = 0.6  # an addition or multiply-add of a transform
    transform: float = 40.0  # what a transform of one tile costs besides
    call: float = 12.0  # what a product of one register tile costs besides
    third_level: int = 16 * 1024 * 1024  # bytes of the shared cache that may be counted on
    third_level_rate: float = 17.0  # bytes per cycle from there
    memory_rate: float = 5.5  # bytes per cycle from beyond


MACHINE: Final = Machine()

#: Tiles of a work item that are tried.
BLOCKS: Final = (14, 28, 56)

#: Kernels that Winograd is made for.
SHAPES: Final = ((3, 3),)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An algorithm with its parameters: direct convolution, or Winograd with tiles of `outputs`, `block` at a time."""

    outputs: tuple[int, int] = (0, 0)
    block: int = 0

    @property
    def is_direct(self) -> bool:
        return self.block == 0

    @property
    def name(self) -> str:
        return "direct" if self.is_direct else f"winograd {self.outputs[0]}x{self.outputs[1]}, {self.block} tiles"


DIRECT: Final = Candidate()


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that was chosen, and in words why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class WinogradShape:
    """What Winograd with one candidate does with a problem: tiles, blocks, register tiles, parts."""

    problem: Problem
    candidate: Candidate

    @cached_property
    def schemes(self) -> tuple[Scheme, Scheme]:
        height, width = self.candidate.outputs
        return Scheme(height, self.problem.height.kernel), Scheme(width, self.problem.width.kernel)

    @property
    def points(self) -> int:
        return self.schemes[0].inputs * self.schemes[1].inputs

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
        return choose_tile(self.oc_blocks, ceil_div(self.tiles, self.blocks), self.problem.registers)

    @property
    def parts(self) -> int:
        """Work items that share a block, so that there are enough for the threads."""
        if self.problem.threads == 1:
            return 1
        wanted = ceil_div(4 * self.problem.threads, self.blocks * self.problem.groups)
        return max(1, min(wanted, self.oc_blocks // self.register_tile[1] // 2))

    @property
    def weights_bytes(self) -> int:
        p = self.problem
        return 4 * self.points * p.ic // p.groups * round_up(p.oc // p.groups, p.lanes) * p.groups

    def cycles(self, machine: Machine = MACHINE) -> float:
        """Expected cycles of all work items, on one thread."""
        return max(self._product(machine), self._stream(machine)) + self._transforms(machine)

    def _product(self, machine: Machine) -> float:
        """The products: multiply-adds and loads of every register tile, and its sums stored and read again."""
        p, (pixels, vectors) = self.problem, self.register_tile
        size = ceil_div(self.tiles, self.blocks)
        pieces = ceil_div(size, pixels)
        channel = max(size * vectors, size + vectors * pieces, 4 * pieces) / machine.product_efficiency
        tile = channel * (p.ic // p.groups) + 2 * machine.access * size * vectors + machine.call * pieces
        return self.blocks * p.groups * ceil_div(self.oc_blocks, vectors) * self.points * tile

    def _stream(self, machine: Machine) -> float:
        """The transformed weights, once a block, from where they lie by then; the first time from memory."""
        size = self.weights_bytes
        again = machine.third_level_rate if size < machine.third_level else machine.memory_rate
        return size / machine.memory_rate + (self.blocks - 1) * size / again

    def _transforms(self, machine: Machine) -> float:
        (height, width), groups = self.schemes, self.problem.groups
        inner = height.inputs * width.inputs
        down, across = width.inputs * _additions(height.input_sums), height.inputs * _additions(width.input_sums)
        before = machine.transform + machine.operation * (down + across) + machine.access * 4 * inner
        down, across = width.inputs * _additions(height.output_sums), height.outputs * _additions(width.output_sums)
        moved = inner + 2 * height.outputs * width.inputs + 3 * height.outputs * width.outputs
        after = machine.transform + machine.operation * (down + across) + machine.access * moved
        return self.tiles * groups * (self.parts * self.ic_blocks * before + self.oc_blocks * after)


def _additions(sums: Sequence[Sum]) -> int:
    return sum(len(item.terms) - 1 for item in sums)


def _tiles(axis: Axis, outputs: int) -> int:
    """Tiles along an axis, over all phases of its dilation."""
    phases = min(axis.dilation, axis.out)
    return sum(ceil_div(ceil_div(axis.out - phase, axis.dilation), outputs) for phase in range(phases))


def candidates(problem: Problem) -> Iterator[Candidate]:
    """Direct convolution, and every Winograd that can compute the problem."""
    yield DIRECT
    if not _suits_winograd(problem):
        return
    sizes = [[1] if k == 1 else [t - k + 1 for t in PAIRS if t - k + 1 >= 2] for k in problem.kernel]
    for height in sizes[0]:
        for width in sizes[1]:
            if 1 in (height, width) or height == width:
                tiles = WinogradShape(problem, Candidate((height, width), 1)).tiles
                for block in BLOCKS:
                    yield Candidate((height, width), min(block, tiles))
                    if tiles <= block:
                        break


def _suits_winograd(problem: Problem) -> bool:
    p = problem
    narrow = p.groups > 1 and (p.ic // p.groups % p.lanes or p.oc // p.groups % p.lanes)
    square = all(axis.stride == 1 for axis in (p.height, p.width) if axis.kernel > 1 or axis.stride > 1)
    return p.depth == UNIT and p.blocked and not narrow and square and p.kernel in SHAPES


def direct_cycles(problem: Problem, machine: Machine = MACHINE) -> float:
    """Expected cycles of direct convolution, on one thread: taps in the padding cost nothing."""
    p = problem
    taps = 1
    for axis in (p.height, p.width):
        taps *= sum(end - begin for begin, end in (axis.valid(0, axis.out, tap) for tap in range(axis.kernel)))
    channels = p.ic // p.groups * round_up(p.oc, p.lanes) / p.lanes
    weights = 4 * p.ic // p.groups * p.oc * p.kernel[0] * p.kernel[1]
    return max(p.n * taps * channels / machine.direct_efficiency, weights / machine.memory_rate)


def cycles(problem: Problem, candidate: Candidate) -> float:
    return direct_cycles(problem) if candidate.is_direct else WinogradShape(problem, candidate).cycles()


def choose(problem: Problem, options: Options) -> Choice:
    """The candidate expected to be fastest, or the first whose name begins as a choice of the options says."""
    possible = list(candidates(problem))
    if not options.winograd or options.level < 2:
        return Choice(DIRECT, "")
    named = dict(options.choices)
    wanted = named.get(problem.signature, named.get("*"))
    for candidate in possible:
        if wanted and candidate.name.startswith(wanted):
            return Choice(candidate, "measured" if problem.signature in named else "asked for")
    times = {candidate: cycles(problem, candidate) for candidate in possible}
    best = min(possible, key=lambda candidate: times[candidate])
    if best.is_direct:
        return Choice(best, "")
    return Choice(best, f"expected to take {times[best] / times[DIRECT]:.2f} of direct convolution")
