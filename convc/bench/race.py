"""Several systems on one network, in turn: a round gives each a slice, so that drift of the machine meets all alike.

The figure is the median over rounds of a round's fastest run. Results are compared with those of the first system.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convc.bench.peers import SYSTEMS, is_installed, version_of
from convc.diagnostics import ConvcError


@dataclass
class Entrant:
    """A process that holds the network for one system; `error` says why it does not."""

    system: str
    process: subprocess.Popen[str]
    results: Path
    error: str = ""
    load: float = 0.0
    fastest: list[float] = field(default_factory=list)

    def start(self) -> None:
        answer = self._answer()
        self.error, self.load = answer.get("error", ""), answer.get("load", 0.0)

    def run(self, seconds: float) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.error = "its process ended"
            return
        answer = self._answer()
        if isinstance(answer, dict):
            self.error = answer["error"]
        else:
            self.fastest.append(answer)

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": f"its process ended with {self.process.wait()}"}


@dataclass(frozen=True, slots=True)
class Timed:
    """A system's seconds, and the largest difference of its results from the first system's, relative to their largest.

    Where `error` is not empty it did not run.
    """

    system: str
    version: str
    seconds: float
    difference: float
    load: float
    error: str = ""


def check_systems(names: Sequence[str]) -> None:
    """That every name is a system, and installed.

    Raises:
        ConvcError: One is not; the message says how to get it.
    """
    for name in names:
        if name not in SYSTEMS:
            raise ConvcError(f"`{name}` is no system convc can be measured against; there are {', '.join(SYSTEMS)}")
        if not is_installed(name):
            title, package, _ = SYSTEMS[name]
            extra = "pip install 'convc[bench]'" if name == "ort" else f"pip install {package}"
            raise ConvcError(f"{title} is not installed\n  {extra}")


def race(
    models: Mapping[str, Path], inputs: Sequence[Any], threads: int, rounds: int = 7, slice_: float = 0.4
) -> list[Timed]:
    """The systems' times; `models` is what each loads, the first of them the one results are compared with."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        np.savez(folder / "inputs.npz", *inputs)
        entrants = []
        for system, model in models.items():
            results = folder / f"{system}.npz"
            arguments = [system, model, threads, folder / "inputs.npz", results]
            command = [sys.executable, "-m", "convc.bench.worker", *map(str, arguments)]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            entrants.append(Entrant(system, process, results))
            entrants[-1].start()  # one after another: none loads while another is timed
        running = [entrant for entrant in entrants if not entrant.error]
        for _ in range(rounds):
            for entrant in running:
                if not entrant.error:
                    entrant.run(slice_)
        for entrant in entrants:
            entrant.stop()
        reference = _results(running[0]) if running else []
        return [_timed(entrant, reference) for entrant in entrants]


def _timed(entrant: Entrant, reference: Sequence[Any]) -> Timed:
    name = entrant.system
    if entrant.error or not entrant.fastest:
        return Timed(name, version_of(name), float("nan"), float("nan"), entrant.load, entrant.error or "did not run")
    difference = max((_difference(a, b) for a, b in zip(_results(entrant), reference, strict=True)), default=0.0)
    return Timed(name, version_of(name), statistics.median(entrant.fastest), difference, entrant.load)


def _results(entrant: Entrant) -> list[Any]:
    with np.load(entrant.results) as found:
        return [found[name] for name in found.files]


def _difference(got: Any, wanted: Any) -> float:
    if got.size != wanted.size:
        return float("inf")
    scale = float(np.abs(wanted).max()) or 1.0
    return float(np.abs(got.reshape(-1).astype(np.float64) - wanted.reshape(-1)).max()) / scale
