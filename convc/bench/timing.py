"""Timing of calls that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable


def fastest_run(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest of the runs that fit into so many seconds, of two at least."""
    fastest, runs, end = float("inf"), 0, time.perf_counter() + seconds
    while runs < 2 or time.perf_counter() < end:
        began = time.perf_counter()
        run()
        fastest, runs = min(fastest, time.perf_counter() - began), runs + 1
    return fastest
