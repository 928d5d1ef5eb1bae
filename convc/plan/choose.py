"""Which algorithm computes a convolution: the candidates, and what each is expected to take.

Time is counted in cycles of a core, from what a kernel does: multiply-adds, loads and stores of the transforms, and
bytes of weights that stream past (`plan/winograd_shape.py`, `plan/strassen_shape.py`). The constants of the machine are
all in `plan/machine.py`. `convc build --tune` measures the few best candidates instead and remembers which won.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

from convc.ir.types import ceil_div
from convc.kernels.register_tile import ends_in_half
from convc.kernels.tiles import Axis
from convc.kernels.toom_cook import PAIRS
from convc.options import Options
from convc.plan.candidate import DIRECT, Candidate, Choice
from convc.plan.machine import MACHINES
from convc.plan.problem import Problem
from convc.plan.strassen_shape import StrassenShape
from convc.plan.winograd_shape import WinogradShape

#: Tiles of a work item that are tried.
BLOCKS: Final = (14, 28, 56)

#: Pairs of register tiles that Strassen's product takes at a time, fours with two levels, and the pixels that a tile
#: has at least.
PAIRS_AT_A_TIME: Final = (1, 2, 4)
FOURS_AT_A_TIME: Final = (1, 2)
LEAST_PIXELS: Final = 8

#: How much longer than the best a candidate may be expected to take to be measured at all.
HOPE: Final = 1.7

#: How much coarser than the direct sum an algorithm may round to be chosen unasked in any network (`Scheme.growth`, of
#: both axes): 5.0 for F(4, 3), 5.5 for F(2, 5), 4.2 for F(5, 4) along one axis, 7 for Strassen's product of products,
#: but not F(6, 3), 20.6, or F(4, 5), 19.
MOST_GROWTH: Final = 7.1

#: What an algorithm's growth times the sums that follow one another in the network may be for it to be chosen unasked
#: though it rounds more coarsely. Errors grow with both: of F(6, 3) VGG-16 (16 sums) has 6e-6 of its largest output,
#: which is allowed, ResNet-50 (50) 7e-5 and Inception-v3 (48) 2.8e-4, which are not.
MOST_ROUNDING: Final = 520.0

#: Cycles that coarser rounding must be expected to save of a layer of one image.
COARSE_GAIN: Final = 50_000

#: Bytes that the transformed weights of a layer may take: 512 channels to 4096 under 7 x 7 taps, 411 MB as they are,
#: would be 1.9 GB in four phases of F(5, 4), and 2 GiB are all that a library can hold.
MOST_WEIGHTS: Final = 640 * 1024 * 1024

#: Taps of a phase along an axis that Winograd is made for; 1 is an axis without a transform.
TAPS: Final = (1, 2, 3, 4, 5, 7)

#: Taps from which on a kernel of stride 1 may also be cut, into so many phases at most: 5 are as fast whole.
MANY_TAPS: Final = 6
MOST_CUT: Final = 6


def candidates(problem: Problem) -> Iterator[Candidate]:
    """Direct convolution, and every way to take fewer multiplications that can compute the problem."""
    yield DIRECT
    if problem.line and min(problem.ic, problem.oc) > problem.lanes and problem.pixels >= 2 * LEAST_PIXELS:
        pairs = StrassenShape(problem, Candidate(block=1)).pairs
        yield from (Candidate(block=block) for block in PAIRS_AT_A_TIME if block == 1 or block <= pairs)
        if problem.ic % (4 * problem.lanes) == 0 and problem.pixels >= 4 * LEAST_PIXELS:
            fours = StrassenShape(problem, Candidate(block=1, levels=2)).pairs
            yield from (Candidate(block=b, levels=2) for b in FOURS_AT_A_TIME if b == 1 or b <= fours)
    if not _suits_winograd(problem):
        return
    for height in _outputs(problem.height):
        for width in _outputs(problem.width):
            shape = WinogradShape(problem, Candidate((height, width), 1))
            down, across = (scheme.inputs for scheme in shape.schemes)
            if (1 not in (down, across) and down != across) or shape.weights_bytes > MOST_WEIGHTS:
                continue
            for block in BLOCKS:
                yield Candidate((height, width), min(block, shape.tiles))
                if shape.tiles <= block:
                    break


def _outputs(axis: Axis) -> list[int]:
    """How many outputs along an axis a tile may have; none where Winograd is not made for its taps."""
    taps = _taps(axis)
    if taps == 1:
        return [1]
    parts = range(1, (MOST_CUT if axis.stride == 1 and taps >= MANY_TAPS else 1) + 1)
    lengths = [length for length in (ceil_div(taps, count) for count in parts) if length in TAPS[1:]]
    found = dict.fromkeys(t - length + 1 for length in lengths for t in PAIRS)
    return [outputs for outputs in found if outputs >= 2]


def _suits_winograd(problem: Problem) -> bool:
    p = problem
    narrow = p.groups > 1 and (p.ic // p.groups % p.lanes or p.oc // p.groups % p.lanes)
    fits = max(_taps(p.height), _taps(p.width)) > 1 and all(map(_outputs, (p.height, p.width)))
    plain = all(axis.stride == 1 or axis.dilation == 1 for axis in (p.height, p.width))
    return p.blocked and not narrow and fits and plain


def _taps(axis: Axis) -> int:
    """Taps of the longest phase of the stride."""
    return ceil_div(axis.kernel, axis.stride)


def direct_cycles(problem: Problem) -> float:
    """Expected cycles of direct convolution with every thread at work: taps in the padding cost nothing."""
    p, machine = problem, MACHINES[problem.registers]
    axes = (p.depth, p.height, p.width)
    taps = prod(axis.taps_inside for axis in axes)
    vectors = ceil_div(p.oc, p.lanes) - 0.5 * (p.groups == 1 and ends_in_half(p.oc, p.lanes))
    channels = p.ic // p.groups * vectors
    computed = p.n * taps * channels / machine.rate / machine.direct_efficiency
    streamed = 4 * p.ic // p.groups * p.oc * prod(axis.kernel for axis in axes) / machine.memory_rate
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
    best: dict[tuple[tuple[int, int], int], Candidate] = {}
    for candidate in sorted(times, key=lambda c: times[c]):
        best.setdefault((candidate.outputs, candidate.levels), candidate)
    ranked = sorted(best.values(), key=lambda c: times[c])
    first = ranked[0]
    second = [c for c in times if (c.outputs, c.levels) == (first.outputs, first.levels) and c != first]
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
