"""How a batch is run: which steps take how many of its images at a time.

Steps that compute image by image (`ops/images.py`) can run for a *portion* of the batch: all steps of a segment one
after another for a few images, then again for the next few. So activations stay in the caches, and in an arena of a
portion's size, however large the batch; several threads take whole portions and need not meet. But every portion reads
the weights again, so a linear layer wants as many images at a time as there are. Between two segments, activations of
the whole batch are written and read back.

The images of each step are those for which the sum of all this is least, in cycles for one image:

    step    the longer of arithmetic and moved bytes, and what of the shorter does not hide behind it; activations come
            from the cache that holds those of a portion
    change  what is alive between two steps, written and read once, and a meeting of the threads
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Final

from convc.ir.graph import Graph, Node
from convc.ir.op import members
from convc.ops.conv import Conv
from convc.ops.images import batch_of, image_values, is_by_image, of_images
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.options import Options
from convc.plan.choose import choose, cycles
from convc.plan.linear import is_of_one_pixel, product_problem
from convc.plan.machine import MACHINES, Machine
from convc.plan.problem import Problem, problem_of
from convc.plan.storage import Place, is_view, storage_of

#: The part of the shared cache that activations find free; beyond it, the rest of them comes from memory.
SHARED: Final = 0.375

#: The part of moved bytes that hides behind arithmetic, or the other way round.
HIDDEN: Final = 0.5

#: Cycles of a call of a kernel, and of a change from one segment to the next, besides.
CALL: Final = 300
CHANGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes, as they are for `images` of the batch, that run one after another `portions` times."""

    nodes: tuple[Node, ...]
    images: int
    portions: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What a step takes: cycles and bytes of one image, bytes that are read for every portion."""

    cycles: float
    activations: float
    weights: int
    rereads: bool  # its weights, for every image of a portion


def parts_of_batch(graph: Graph, options: Options) -> tuple[Part, ...]:
    """The steps of `graph` in order, each part with its images at a time; one part where nothing is to be gained."""
    nodes = [node for node in graph.runtime_nodes() if not is_view(node.op)]
    batch = batch_of(graph)
    if batch < 2:
        return (Part(tuple(nodes), batch, 1),)
    nodes, known = _for_all_first(graph, nodes), image_values(graph)
    images = _images(graph, nodes, [is_by_image(node, known) for node in nodes], batch, options)
    parts = []
    for count, group in groupby(zip(images, nodes, strict=True), lambda pair: pair[0]):
        taken = (node if count == batch else of_images(node, known, count) for _, node in group)
        parts.append(Part(tuple(taken), count, batch // count))
    return tuple(parts)


def problems(graph: Graph, options: Options) -> list[Problem]:
    """Those of the convolutions of `graph`, which is past the last pass, for the images they take at a time.

    Products with a constant matrix are convolutions of one pixel's width.
    """
    nodes = [node for part in parts_of_batch(graph, options) for node in part.nodes]
    found = []
    for anchor, node in ((members(node)[0], node) for node in nodes):
        if _one_convolution(node):
            found.append(problem_of(anchor, node.outputs[0].type, options, graph.sums_in_a_row))
        elif problem := product_problem(graph, anchor, options):
            found.append(problem)
    return found


def _for_all_first(graph: Graph, nodes: Sequence[Node]) -> list[Node]:
    """The nodes with those first that no image enters: they would part a segment."""
    entered = {value.name for value in graph.inputs if value.type.rank > 1 and value.type.shape[0] == batch_of(graph)}
    for node in graph.runtime_nodes():
        if any(value.name in entered for value in node.inputs):
            entered.update(value.name for value in node.outputs)
    return sorted(nodes, key=lambda node: node.name in entered)


def _images(graph: Graph, nodes: Sequence[Node], separable: Sequence[bool], batch: int, options: Options) -> list[int]:
    """The images at a time of every node: the cheapest way through them."""
    machine = MACHINES[options.target.registers]
    counts = _counts(batch, options)
    lanes, constants = options.target.lanes, graph.constants
    work = [_work(node, batch, lanes, machine, constants) for node in nodes]
    weights = sum(w.weights for w in work if w.weights <= machine.third_level)
    known, alone = image_values(graph), replace(options, threads=1)
    alive = _alive_between(graph, nodes)
    best: dict[int, tuple[float, list[int]]] = {count: (0.0, []) for count in counts}
    for number, node_work in enumerate(work):
        change = (2 * _moving(alive[number], alive[number], machine) + CHANGE) / batch if number else 0.0
        found: dict[int, tuple[float, list[int]]] = {}
        for count in counts if separable[number] else (batch,):
            before = min(best, key=lambda other: best[other][0] + (change if other != count else 0.0))
            cost, path = best[before]
            as_run = of_images(nodes[number], known, count) if separable[number] else nodes[number]
            known_cycles = _convolution_cycles(as_run, alone, graph.sums_in_a_row)
            cost += _cycles(node_work, count, weights, machine, options.threads, known_cycles)
            found[count] = (cost + (change if before != count else 0.0), [*path, count])
        best = found
    return min(best.values(), key=lambda pair: pair[0])[1] if nodes else []


def _counts(batch: int, options: Options) -> tuple[int, ...]:
    """Images at a time that are tried: divisors of the batch that leave every thread a portion, and all of it."""
    divisors = [count for count in range(1, batch + 1) if batch % count == 0]
    if options.portion:
        return (max(count for count in divisors if count <= options.portion),)
    return tuple(count for count in divisors if count == batch or batch // count >= options.threads)


def _work(node: Node, batch: int, lanes: int, machine: Machine, constants: frozenset[str]) -> _Work:
    inputs, outputs = [v.type for v in node.inputs], [v.type for v in node.outputs]
    moved = [value.type.bytes for value in (*node.inputs, *node.outputs) if value.name not in constants]
    anchor = members(node)[0]
    rows = isinstance(anchor.op, (Linear, MatMul)) or (isinstance(anchor.op, Conv) and is_of_one_pixel(anchor))
    return _Work(
        node.op.cost(inputs, outputs).flops / (2 * lanes * machine.rate * batch), sum(moved) / batch,
        sum(value.type.bytes for value in node.inputs if value.name in constants), not rows,
    )  # fmt: skip


def _convolution_cycles(node: Node, options: Options, sums_in_a_row: int) -> float | None:
    """What the choice of algorithms expects of a convolution, its weights included; None of what is none alone."""
    if not _one_convolution(node):
        return None
    problem = problem_of(members(node)[0], node.outputs[0].type, options, sums_in_a_row)
    return _expected(problem, options) if problem.groups == 1 else None


def _one_convolution(node: Node) -> bool:
    """Whether it begins with a convolution and has no other."""
    first, *rest = (isinstance(member.op, Conv) for member in members(node))
    return first and not any(rest)


@lru_cache(4096)
def _expected(problem: Problem, options: Options) -> float:
    return cycles(problem, choose(problem, options).candidate)


def _cycles(work: _Work, images: int, weights: int, machine: Machine, threads: int, known: float | None) -> float:
    """Cycles for one image of a step that takes so many at a time; `weights` are the bytes that every portion reads."""
    streamed = _moving(work.weights, max(weights, work.weights), machine)
    if work.rereads:
        streamed += (images - 1) * _moving(work.weights, work.weights, machine)
    arithmetic = work.cycles if known is None else known / images
    moved = streamed / images + _moving(work.activations, images * threads * work.activations, machine)
    return max(arithmetic, moved) + (1 - HIDDEN) * min(arithmetic, moved) + CALL / images


def _moving(size: float, between: float, machine: Machine) -> float:
    """Cycles for `size` bytes that are read again when `between` bytes, these among them, have passed."""
    if between <= machine.v_bytes:
        return size / machine.second_level_rate
    kept = min(1.0, SHARED * machine.third_level / between)
    return size * (kept / machine.third_level_rate + (1 - kept) / machine.memory_rate)


def _alive_between(graph: Graph, nodes: Sequence[Node]) -> list[int]:
    """For each node, the bytes that nodes before it leave for it and those after."""
    storage = storage_of(graph)
    lives: dict[str, tuple[int, int, int]] = {}
    given = {value.name for value in graph.inputs} | graph.constants
    for number, node in enumerate(nodes):
        for value in (*node.inputs, *node.outputs):
            root = storage.get(value.name, Place(value, 0)).root
            if root.name not in given:
                first = lives[root.name][1] if root.name in lives else number
                lives[root.name] = (root.type.bytes, first, number)
    return [sum(size for size, first, last in lives.values() if first < n <= last) for n in range(len(nodes))]


__all__ = ["Part", "parts_of_batch", "problems"]
