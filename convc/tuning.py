"""Measured choices: the likeliest algorithms of each convolution, timed on this machine.

A convolution's contenders are compiled into one small library, each with weights of its own, so that running them in
turn finds the weights where a network would: not in the cache that the last run filled. What won is remembered in the
cache folder by machine, compiler, target, threads, version of convc and the convolution's signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from convc.frontend import parse_graph
from convc.ir.graph import Graph
from convc.native.build import find, remember
from convc.native.kernel import Kernel
from convc.network import Network
from convc.options import Options
from convc.passes.pipeline import run_pipeline
from convc.plan.candidate import Candidate
from convc.plan.choose import choose, contenders
from convc.plan.portions import problems
from convc.plan.problem import Problem
from convc.weights.store import Weights

Progress = Callable[[int, int], None]
Build = Callable[[Network, Options], Path]

#: Seconds that the contenders of one convolution run together, and how often each runs at least.
SECONDS, RUNS = 0.4, 5

#: How much faster than the model's choice another candidate must be to replace it: below this it may be noise.
MARGIN = 0.02


def tuned(graph: Graph, options: Options, build: Build, progress: Progress | None = None) -> Options:
    """`options` with a measured choice for every convolution of `graph` that has one.

    `build` makes the library of a network; `progress` is called with (convolutions done, all).
    """
    if not options.winograd or options.level < 2:
        return options
    found = {p.signature: p for p in problems(run_pipeline(graph, options).graph, options)}
    open_to_choice = [problem for problem in found.values() if len(contenders(problem)) > 1]
    choices = []
    for done, problem in enumerate(open_to_choice):
        if progress:
            progress(done, len(open_to_choice))
        choices.append((problem.signature, _remembered(problem, options) or _measured(problem, options, build)))
    if progress:
        progress(len(open_to_choice), len(open_to_choice))
    return replace(options, choices=tuple(choices))


def _remembered(problem: Problem, options: Options) -> str | None:
    found = find(_key(problem, options), options)
    return found.note if found else None


def _measured(problem: Problem, options: Options, build: Build) -> str:
    rivals, expected = contenders(problem), choose(problem, replace(options, choices=())).candidate
    library, seconds = _race(problem, rivals, options, build)
    best = min(rivals, key=lambda rival: seconds[rival] * (1 - MARGIN if rival == expected else 1))
    remember(_key(problem, options), options, library, best.name)
    return best.name


def _key(problem: Problem, options: Options) -> str:
    rivals = ", ".join(rival.name for rival in contenders(problem))  # a deep network's do not round coarsely
    return f"tuning {problem.signature}, {options.target}, {options.threads} threads: {rivals}"


def _race(
    problem: Problem, rivals: tuple[Candidate, ...], options: Options, build: Build
) -> tuple[Path, dict[Candidate, float]]:
    """The library that was run, and each contender's fastest run in seconds."""
    graph = parse_graph(_source(problem, len(rivals)))
    named = tuple((f"y{i}", rival.name) for i, rival in enumerate(rivals))
    forced = replace(options, choices=named, portion=problem.n)  # all of this batch at once
    network = Network(graph, Weights.random(graph))
    library = build(network, forced)
    kernel = Kernel(library, forced.threads)
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(port.type.shape, np.float32) for port in kernel.inputs]
    best = dict.fromkeys((name for name, _ in named), np.inf)
    spent, runs = 0.0, 0
    while spent < SECONDS or runs < RUNS:
        for name, took in kernel.profile(*arrays):
            spent += took
            if name in best:
                best[name] = min(best[name], took)
        runs += 1
    return library, {rival: best[f"y{i}"] for i, rival in enumerate(rivals)}


def _source(p: Problem, count: int) -> str:
    """A network of `count` convolutions like `p`, each of an input of its own."""
    axes = (p.height, p.width)
    after = [(a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + 1 - a.size - a.pad for a in axes]
    pad = [*(a.pad for a in axes), *(max(0, extent) for extent in after)]
    inputs = ", ".join(f"x{i}: f32[{p.n}, {p.ic}, {p.height.size}, {p.width.size}]" for i in range(count))
    call = (
        f"{p.oc}, {[a.kernel for a in axes]}, stride = {[a.stride for a in axes]}, pad = {pad}, "
        f"dilation = {[a.dilation for a in axes]}, groups = {p.groups}"
    )
    lines = "\n".join(f"    y{i} = conv(x{i}, {call})" for i in range(count))
    return f"network tuning({inputs}) {{\n{lines}\n    return {', '.join(f'y{i}' for i in range(count))}\n}}"
