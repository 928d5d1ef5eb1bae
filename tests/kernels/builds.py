"""Networks built with an algorithm of the test's choice, and data for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convc.driver import build_library, make_options, translate
from convc.frontend import parse_graph
from convc.native.kernel import Kernel
from convc.network import Network
from convc.options import Options, Target
from convc.plan.program import Program
from convc.weights.store import Weights

#: AVX-512's width and registers as the compiler makes them from what this machine has.
WIDE = Target("wide", 16, 32, ("-mavx2", "-mfma"))


def options_for(target: str, threads: int, choice: str) -> Options:
    """Every convolution by the first algorithm whose name begins like `choice`."""
    options = make_options("generic" if target == "wide" else target, threads)
    if target == "wide":
        options = replace(options, target=WIDE)
    return replace(options, choices=(("*", choice),))


def compiled(text: str, options: Options, weights: Weights | None = None) -> tuple[Program, Kernel, Weights]:
    """The program, the library and the weights, random ones unless given."""
    graph = parse_graph(text)
    weights = weights or Weights.random(graph)
    translated = translate(graph, options)
    library = build_library(Network(graph, weights), translated, options)
    return translated.program, Kernel(library, options.threads), weights


def integers(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Small ones, as floats."""
    return random.integers(-3, 4, shape).astype(np.float32)
