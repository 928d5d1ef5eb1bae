"""A race's results as a line, a table and a picture."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from convc.bench.peers import SYSTEMS
from convc.inspect.svg import FAINT, SERIES, Svg
from convc.native.compiler import find_compiler

#: Difference from convc's results, relative to the largest, up to which a system's time counts.
AGREES: Final = 1e-3

Race = dict[str, Any]


def describe_machine() -> str:
    """The processor, its cores for this process, the system and the compiler, in a sentence."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    facts = {text.split(":")[0].strip(): text.split(":", 1)[1].strip() for text in lines if ":" in text}
    name = facts.get("model name", platform.processor() or platform.machine())
    family = f", family {facts['cpu family']}, model {facts['model']}" if "cpu family" in facts else ""
    vectors = [flag for flag in ("avx512f", "avx2") if flag in facts.get("flags", "").split()][:1]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with_vectors = f" with {vectors[0].upper()}" if vectors else ""
    count = f"{cores} core{'s' if cores > 1 else ''}"
    return f"{name}{family}{with_vectors}, {count}; {platform.system()}; {find_compiler().version}."


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")


def agreeing(race: Race) -> dict[str, float]:
    """Seconds of the other systems that ran and agree."""
    others = race["systems"][1:]
    return {s["system"]: s["seconds"] for s in others if not s["error"] and s["difference"] < AGREES}


def gain(race: Race) -> float:
    """The best other system's time over convc's; no number where there is none."""
    others = agreeing(race)
    return min(others.values()) / race["systems"][0]["seconds"] if others else math.nan


def geometric_mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else math.nan


def line(race: Race) -> str:
    """One network's times, as they come."""
    cells = [f"{s['system']} {_milliseconds(s)}" for s in race["systems"]]
    return f"{race['network']:20s} {race['threads']} thread(s)  {'  '.join(cells)}  x {gain(race):.2f}"


def table(races: Sequence[Race]) -> str:
    """Markdown: milliseconds by system, the best other in bold, and how many times convc's time that is."""
    names = [name for name in SYSTEMS if any(s["system"] == name for race in races for s in race["systems"])]
    versions = {s["system"]: s["version"] for race in races for s in race["systems"]}
    titles = ["network", "threads", *(f"{SYSTEMS[name][0]} {versions[name]}" for name in names), "best other / convc"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for race in races:
        others = agreeing(race)
        best = min(others, key=lambda name: others[name], default="")
        by_name = {s["system"]: s for s in race["systems"]}
        cells = [_cell(by_name.get(name), name == best) for name in names]
        lines.append("| " + " | ".join([race["network"], str(race["threads"]), *cells, f"{gain(race):.2f}"]) + " |")
    for threads in sorted({race["threads"] for race in races}):
        mean = geometric_mean([gain(race) for race in races if race["threads"] == threads])
        lines.append("| " + " | ".join(["geometric mean", str(threads), *[""] * len(names), f"**{mean:.2f}**"]) + " |")
    return "\n".join(lines)


def _cell(timed: dict[str, Any] | None, best: bool) -> str:
    text = _milliseconds(timed) if timed else ""
    return f"**{text}**" if best else text


def _milliseconds(timed: dict[str, Any]) -> str:
    if timed["error"]:
        return "failed"
    text = f"{timed['seconds'] * 1e3:.3g}"
    return text if timed["difference"] < AGREES else f"{text} (off by {timed['difference']:.0e})"


def draw(races: Sequence[Race]) -> Svg:
    """A row of bars for each network, one for each number of threads: the best other system's time over convc's."""
    names = list(dict.fromkeys(race["network"] for race in races))
    threads = sorted({race["threads"] for race in races})
    row, left, scale, top = 12.0 * len(threads) + 10, 160.0, 240.0, 62.0
    picture = Svg(left + 2.2 * scale + 60, top + row * len(names) + 14)
    picture.text(8, 22, "the best other system's time over convc's", 15, bold=True)
    for number, count in enumerate(threads):
        picture.box(left + 110 * number, 36, 12, 10, SERIES[number], "none")
        picture.text(left + 110 * number + 18, 45, f"{count} thread{'s' if count > 1 else ''}", 11)
    for mark in (1.0, 1.5, 2.0):
        picture.line(left + mark * scale, top - 6, left + mark * scale, top + row * len(names), FAINT)
        picture.text(left + mark * scale - 8, top - 9, f"{mark:g}", 10)
    gains = {(race["network"], race["threads"]): gain(race) for race in races}
    for place, name in enumerate(names):
        y = top + place * row
        picture.text(8, y + row / 2 + 2, name, 12)
        for number, count in enumerate(threads):
            value = gains.get((name, count), math.nan)
            if not math.isnan(value):
                at = y + 3 + 12 * number
                picture.box(left, at, min(value, 2.2) * scale, 10, SERIES[number], "none")
                picture.text(left + min(value, 2.2) * scale + 4, at + 9, f"{value:.2f}", 10)
    return picture
