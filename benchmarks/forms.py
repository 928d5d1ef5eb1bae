"""Every form of convolution, and what stands between convolutions, beside ONNX Runtime and PyTorch in one run.

    python benchmarks/forms.py [--only WORDS] [--shapes 64x56x56,256x14x14]
    python benchmarks/forms.py --machine "one core of ..." --write docs/forms-speed.md

A form is a network of its own, with equal weights and inputs on all sides, in one thread each; results are compared.
Each side gets a slice of every round in turn, so that drift of the machine meets all alike; a figure is the fastest
run. convc's time is that of the whole call, from and to the caller's arrays. Inside a network images stay in blocks of
channels: `inside` is the time without bringing them there and back. Needs onnx, onnxruntime and torch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from form_list import FORMS, Form
from form_page import Row, page, shape_of

import convc
from convc.driver import make_options, translate
from convc.exporters.onnx import export_model
from convc.frontend import parse_graph
from convc.inspect.compare import is_inside
from convc.inspect.cost import network_cost
from convc.kernels.base import Kernel
from convc.kernels.strassen import StrassenOnce
from convc.kernels.strassen_twice import PRODUCTS, StrassenTwice
from convc.kernels.toom_cook import additions
from convc.kernels.winograd import Winograd
from convc.native.peak import peak_flops
from convc.native.target import native
from convc.network import Network
from convc.weights.store import Weights

Run = Callable[[], Any]


@dataclass
class Sides:
    """The ways to run one form."""

    runs: dict[str, Run]
    inside: Callable[[], float]
    flops: int  # as the form is written
    made: int  # those that the algorithms make, their own sums among them


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def sides(form: Form, shape: tuple[int, int, int]) -> Sides:
    graph = parse_graph(form.network(*shape))
    network = Network(graph, Weights.random(graph))
    arrays = {value.name: network.weights[value.name] for value in graph.parameters}
    random = np.random.default_rng(0)
    inputs = [random.standard_normal(value.type.shape).astype(np.float32) for value in graph.inputs]
    kernel = convc.compile(network, threads=1)
    runs: dict[str, Run] = {"convc": lambda: kernel(*inputs)}
    try:
        held = session(export_model(graph, arrays).SerializeToString())
    except Exception as error:  # whatever ONNX Runtime raises is its answer; convc itself has run by now
        print(f"  ONNX Runtime lacks {form.name}: {str(error)[:100]}", file=sys.stderr)
    else:
        named = {value.name: array for value, array in zip(graph.inputs, inputs, strict=True)}
        runs["onnxruntime"] = lambda: held.run(None, named)[0]
    if form.torch is not None:
        of = form.torch
        weights = {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in arrays.items()}
        tensors = [torch.from_numpy(array) for array in inputs]
        runs["torch"] = lambda: of(*tensors, weights)
    program = translate(graph, make_options(threads=1)).program
    counted, flops = is_inside(program), network_cost(graph).flops

    def inside() -> float:
        return sum(took for (_, took), counts in zip(kernel.profile(*inputs), counted, strict=True) if counts)

    return Sides(runs, inside, flops, flops - sum(saved(step.kernel) for step in program.steps))


def saved(kernel: Kernel) -> int:
    """Operations that Winograd's or Strassen's method saves, what its own sums take counted as multiply-adds."""
    if isinstance(kernel, StrassenTwice):
        ic, oc, fours = kernel.quarter, kernel.packing.quarter, ceil(kernel.count / 4)
        sums = 56 * ic + 77 * oc
        return kernel.n * (2 * kernel.count * kernel.ic * kernel.oc - fours * (2 * PRODUCTS * ic * oc + 2 * sums))
    if isinstance(kernel, StrassenOnce):
        sums = 4 * kernel.low + 7 * kernel.packing.half
        return kernel.n * (
            2 * kernel.count * kernel.ic * kernel.oc
            - ceil(kernel.count / 2) * (14 * kernel.low * kernel.packing.half + 2 * sums)
        )
    if not isinstance(kernel, Winograd):
        return 0
    height, width = kernel.schemes
    before = sum(
        phase.columns * additions(height.input_sums) + phase.rows * additions(width.input_sums)
        for phase in kernel.phases
    )
    after = width.inputs * additions(height.output_sums) + height.outputs * additions(width.output_sums)
    transforms = 2 * kernel.tiles * kernel.lanes * kernel.groups * (
        kernel.ic_blocks * before + kernel.oc_blocks * after
    )
    taps = kernel.n * kernel.height.out * kernel.width.out * kernel.height.kernel * kernel.width.kernel
    return 2 * kernel.group_ic * kernel.oc * (taps - kernel.tiles * kernel.products) - transforms


def measure(form: Form, shape: tuple[int, int, int], rounds: int, slice_: float) -> Row:
    found = sides(form, shape)
    results = {side: np.asarray(run()) for side, run in found.runs.items()}
    ours = results["convc"]
    scale = float(np.abs(ours).max()) or 1.0
    difference = max((float(np.abs(ours - r).max()) / scale for s, r in results.items() if s != "convc"), default=0.0)
    best = dict.fromkeys((*found.runs, "inside"), float("inf"))
    for _ in range(rounds):
        for side, run in found.runs.items():
            end = time.perf_counter() + slice_
            while (start := time.perf_counter()) < end:
                run()
                best[side] = min(best[side], time.perf_counter() - start)
        end = time.perf_counter() + slice_ / 2
        while time.perf_counter() < end:
            best["inside"] = min(best["inside"], found.inside())
    return Row(
        form.name, "x".join(map(str, shape)), found.flops, found.made, form.twice, best["convc"], best["inside"],
        best.get("onnxruntime"), best.get("torch"), difference,
    )  # fmt: skip


def fastest(row: Row, before: Row) -> Row:
    """The faster time of every side of two runs, in which a busy machine met different rows."""
    assert (row.form, row.shape, row.made) == (before.form, before.shape, before.made)

    def peer(now: float | None, then: float | None) -> float | None:
        return min((t for t in (now, then) if t is not None), default=None)

    return replace(
        row, convc=min(row.convc, before.convc), inside=min(row.inside, before.inside),
        onnxruntime=peer(row.onnxruntime, before.onnxruntime), torch=peer(row.torch, before.torch),
        difference=max(row.difference, before.difference),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="forms whose names hold one of these, separated by commas")
    parser.add_argument("--shapes", default="64x56x56,256x14x14")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slice", type=float, default=0.02, help="seconds a side gets each round")
    parser.add_argument("--build-only", action="store_true", help="fill the cache of builds, measure nothing")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="JSON of runs of the same code before")
    parser.add_argument("--write", type=Path, help="the page, docs/forms-speed.md")
    parser.add_argument("--machine", default="this machine", help="what the page calls it")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    words = given.only.split(",") if given.only else [""]
    forms = [form for form in FORMS if any(word in form.name for word in words)]
    shapes = [shape_of(text) for text in given.shapes.split(",")]
    top, rows = peak_flops(native()), []
    for shape in shapes:
        for form in forms:
            if given.build_only:
                sides(form, shape)
                continue
            rows.append(measure(form, shape, given.rounds, given.slice))
            print(line(rows[-1], top), flush=True)
    again = peak_flops(native())
    tops = [top, again]
    for path in given.earlier:
        before = json.loads(path.read_text())
        rows = [fastest(row, Row(**old)) for row, old in zip(rows, before["rows"], strict=True)]
        tops += before["peak"]
    if given.json:
        given.json.write_text(json.dumps({"peak": [top, again], "rows": [asdict(row) for row in rows]}, indent=1))
    if given.write:
        given.write.write_text(page(rows, min(tops), max(tops), given.machine, 1 + len(given.earlier)))


def line(row: Row, top: float) -> str:
    peer = row.peer
    seconds = (row.convc, row.inside, row.onnxruntime, row.torch)
    times = [f"{1e3 * t:8.3f}" if t is not None else "       -" for t in seconds]
    gain = f"x{peer / row.convc:5.2f} inside x{peer / row.inside:5.2f}" if peer else "-"
    rate = row.flops / row.inside
    mark = " " if not peer or peer / row.convc >= (2 if row.twice else 1) else "<"
    share = f"{rate * 1e-9:6.1f} GF/s {100 * rate / top:4.0f} %"
    return f"{row.shape:10s} {row.form:36s} {' '.join(times)}  {share}  {gain} {mark} {row.difference:.0e}"


if __name__ == "__main__":
    main()
