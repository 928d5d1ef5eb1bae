"""`convc bench --ablate`: what each pass gains, measured by leaving it out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from convc.cli.common import count, print_table, seconds

if TYPE_CHECKING:
    from convc.network import Network
    from convc.options import Options

#: Rounds of one run each that are always measured.
_ROUNDS = 5


@dataclass(frozen=True)
class Variant:
    """The network without one pass (empty: with all of them), compiled."""

    without: str
    steps: int
    bytes: int  # read and written by all steps
    run: Callable[[], object]


def ablate(
    network: Network, options: Options, inputs: Callable[[Any], list[Any]], budget: float
) -> list[dict[str, Any]]:
    """A record for all passes together, then for each pass that changes the program what is lost without it.

    Runs are interleaved, one of each variant a round, so that a change of the machine's speed meets all alike.
    """
    variants = _variants(network, options, inputs)
    times: list[list[float]] = [[] for _ in variants]
    for variant in variants:
        variant.run()
    end = time.perf_counter() + budget
    while len(times[0]) < _ROUNDS or time.perf_counter() < end:
        for variant, taken in zip(variants, times, strict=True):
            start = time.perf_counter()
            variant.run()
            taken.append(time.perf_counter() - start)
    return [_record(variant, taken, times[0]) for variant, taken in zip(variants, times, strict=True)]


def _variants(network: Network, options: Options, inputs: Callable[[Any], list[Any]]) -> list[Variant]:
    from convc.driver import build_library, translate
    from convc.inspect.table import rows
    from convc.native.kernel import Kernel
    from convc.passes.pipeline import pipeline

    found: list[Variant] = []
    seen: set[object] = set()
    for name in ("", *(item.name for item in pipeline(options))):
        chosen = replace(options, without=(*options.without, name)) if name else options
        compiled = translate(network.graph, chosen)
        if compiled.emitted in seen:
            continue  # the pass does nothing here
        seen.add(compiled.emitted)
        kernel = Kernel(build_library(network, compiled, chosen), options.threads)
        arrays = inputs(kernel)
        table = rows(compiled.program)
        found.append(Variant(name, len(table), sum(row.bytes for row in table), _call(kernel, arrays)))
    return found


def _call(kernel: Any, arrays: Sequence[Any]) -> Callable[[], object]:
    return lambda: kernel(*arrays)


def _record(variant: Variant, taken: Sequence[float], all_passes: Sequence[float]) -> dict[str, Any]:
    median = statistics.median(taken)
    return {
        "without": variant.without, "median": median, "fastest": min(taken), "steps": variant.steps,
        "bytes": variant.bytes, "slower": median / statistics.median(all_passes),
    }  # fmt: skip


def print_ablation(records: Sequence[dict[str, Any]]) -> None:
    titles = ("without", "median", "fastest", "times", "steps", "bytes moved")
    lines = [
        (r["without"] or "(nothing)", seconds(r["median"]), seconds(r["fastest"]), f"{r['slower']:.2f}",
         str(r["steps"]), f"{count(r['bytes'])}B")
        for r in records
    ]  # fmt: skip
    print_table(titles, lines, right=titles[1:])
