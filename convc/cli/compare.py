"""`convc compare`"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convc.cli.common import count, echo_json, find_network, json_option, print_table, size
from convc.forms import NAMES

if TYPE_CHECKING:
    from convc.forms import Form
    from convc.inspect.compare import Compared, Taken, Timing
    from convc.native.kernel import Kernel
    from convc.options import Options


class Extents(click.ParamType[tuple[int, int]]):
    """`56` or `56x56`."""

    name = "extents"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+)(?:x(\d+))?", value)
        if found is None or min(int(n) for n in found.groups(found[1])) < 1:
            self.fail(f"{value!r} is no size; write 56 or 56x28", param, ctx)
        return int(found[1]), int(found[2] or found[1])


@click.command()
@click.option("--size", "extents", type=Extents(), default=(56, 56), show_default="56x56", help="Of the map.")
@click.option("--channels", type=click.IntRange(min=1), default=64, show_default=True, help="A multiple of 16.")
@click.option("--like", metavar="NETWORK:LAYER", help="The size and channels that a layer of a network reads.")
@click.option("--form", "chosen", type=click.Choice(NAMES), multiple=True, help="Only these (may be repeated).")
@click.option("--time", "budget", type=float, default=0.5, show_default=True, help="Seconds to measure each form.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="Also draw the comparison.")
@json_option
def command(
    extents: tuple[int, int], channels: int, like: str | None, chosen: tuple[str, ...], budget: float,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The forms of convolution side by side: parameters, operations, reach, bytes, and the time each takes here.

    \b
    Example:
        convc compare
        convc compare --size 14x14 --channels 256 --plot forms.svg
        convc compare --like resnet50:layer2.0.conv2
    """
    from convc.diagnostics import ConvcError
    from convc.forms import forms
    from convc.native.peak import peak_flops

    if like is not None:
        extents, channels = _like(like)
    if channels % 16:
        raise ConvcError(f"{channels} channels: the forms split them by 4 and by 16; take a multiple of 16")
    wanted = [form for form in forms() if not chosen or form.name in (NAMES[0], *chosen)]
    peak = 0.0
    rows = []
    for number, form in enumerate(wanted):
        _progress(f"{number + 1} of {len(wanted)}: {form.name}")
        found, timings, options = _measure(form, channels, extents, budget)
        peak = peak or peak_flops(options.target)
        rows.append((found, timings))
    _progress("")
    from convc.inspect.compare import Compared

    compared = [Compared(found, timings, peak) for found, timings in rows]
    title = f"{channels} channels over {extents[0]} x {extents[1]}"
    if plot is not None:
        from convc.inspect.compare_plot import draw_comparison

        note = f"measured here; the peak of one core is {count(peak)}FLOP/s of independent multiply-adds"
        plot.write_text(str(draw_comparison(f"Forms of convolution: {title}", compared, note)))
    if as_json:
        shape = {"channels": channels, "height": extents[0], "width": extents[1]}
        echo_json({**shape, "peak_flops_per_second": peak, "forms": [row.record() for row in compared]})
    else:
        _print(title, compared, peak)


def _progress(text: str) -> None:
    """One line that is written over, where somebody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)


def _like(text: str) -> tuple[tuple[int, int], int]:
    """The extents and channels of what a layer reads."""
    from convc.diagnostics import ConvcError
    from convc.frontend import load_graph

    name, colon, layer = text.rpartition(":")
    if not colon:
        raise ConvcError(f"{text}: write the network and the layer, as in resnet50:layer1.0.conv1")
    graph = load_graph(find_network(name)[0], {})
    if layer not in graph.producers:
        import difflib

        near = difflib.get_close_matches(layer, graph.producers, n=1)
        raise ConvcError(f"{name} has no layer `{layer}`" + (f"; did you mean `{near[0]}`?" if near else ""))
    reads = graph.producers[layer].inputs[0].type
    if not reads.is_image or reads.rank > 4:
        raise ConvcError(f"`{layer}` reads {reads}, which is no map of two axes")
    *_, height, width = (1, *reads.shape)
    return (height if reads.rank == 4 else 1, width), reads.shape[1]


def _measure(
    form: Form, channels: int, extents: tuple[int, int], budget: float
) -> tuple[Taken, tuple[Timing, ...], Options]:
    """What a form takes, and its time with one thread and with all; compiled for this machine."""
    from convc.driver import build_library, make_options, translate
    from convc.frontend import load_graph
    from convc.inspect.compare import Timing, is_inside, taken
    from convc.native.cores import available_threads
    from convc.native.kernel import Kernel
    from convc.network import Network
    from convc.weights.store import Weights

    graph = load_graph(form.path, form.parameters(channels, *extents))
    network = Network(graph, Weights.random(graph))
    timings = []
    for threads in sorted({1, available_threads()}):
        options = make_options(threads=threads)
        compiled = translate(network.graph, options)
        kernel = Kernel(build_library(network, compiled, options), threads)
        timings.append(Timing(threads, _fastest(kernel, is_inside(compiled.program), budget)))
    return taken(form.name, form.acts_in, network.graph, compiled.program), tuple(timings), options


def _fastest(kernel: Kernel, inside: list[bool], budget: float) -> float:
    """The seconds of the steps that belong to the form, of each step the fastest of several runs."""
    import numpy as np

    generator = np.random.default_rng(0)
    arrays = [generator.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs]
    best, end, runs = np.full(len(inside), np.inf), time.perf_counter() + budget, 0
    while runs < 5 or time.perf_counter() < end:
        best = np.minimum(best, [taken for _, taken in kernel.profile(*arrays)])
        runs += 1
    return max(float(best[inside].sum()), 1e-9)


def _print(title: str, rows: list[Compared], peak: float) -> None:
    from convc.inspect.compare import field_text, ratio

    plain = rows[0].taken
    times = tuple(f"ms, {timing.threads}" for timing in rows[0].timings)
    titles = ("form", "params", "x", "MACs", "x", "sees", "layers", "bytes", *times, "FLOP/s", "of peak", "acts in")
    lines = []
    for row in rows:
        t = row.taken
        milliseconds = (f"{timing.seconds * 1e3:.3f}" for timing in row.timings)
        lines.append(
            (t.form, count(t.parameters), ratio(t.parameters, plain.parameters), count(t.macs),
             ratio(t.macs, plain.macs), field_text(t.field), str(t.layers), size(t.bytes), *milliseconds,
             count(row.flops_per_second), f"{row.share:.0%}", t.acts_in)
        )  # fmt: skip
    print_table(titles, lines, right=titles[1:-1])
    click.echo(
        f"{title}; `x` is against plain convolution, `ms, N` with N threads; FLOP/s and share of the peak "
        f"({count(peak)}FLOP/s) with one"
    )
