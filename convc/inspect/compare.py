"""The forms of convolution side by side: what each takes, how far it sees, and, measured, how fast it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from convc.inspect.cost import network_cost
from convc.inspect.table import rows
from convc.ir.graph import Graph, walk
from convc.ops.shape import Reorder
from convc.plan.program import Program


@dataclass(frozen=True, slots=True)
class Taken:
    """What a form takes, known without running it.

    `layers` are the ops with weights; `field` is the receptive field of one output; `bytes` are what the kernels read
    and write, weights included, without bringing the caller's arrays into blocks and back.
    """

    form: str
    acts_in: str
    parameters: int
    macs: int
    flops: int
    layers: int
    field: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a form took with so many threads, of each step the fastest of several runs."""

    threads: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of the comparison. `peak` is the FLOP/s of multiply-adds that one core can do at most."""

    taken: Taken
    timings: tuple[Timing, ...]
    peak: float

    @property
    def flops_per_second(self) -> float:
        """In one thread; operations as the form is written, so a faster algorithm can exceed the peak."""
        return self.taken.flops / self.timings[0].seconds

    @property
    def share(self) -> float:
        """Of the machine's limit, in one thread."""
        return self.flops_per_second / self.peak

    def record(self) -> dict[str, Any]:
        """The row in JSON's types."""
        derived = {"flops_per_second": self.flops_per_second, "share_of_peak": self.share}
        timings = [asdict(timing) for timing in self.timings]
        return {**asdict(self.taken), "timings": timings, **derived}


def taken(form: str, acts_in: str, source: Graph, program: Program) -> Taken:
    """What a form takes: its source's costs, and the bytes of its program's steps."""
    cost = network_cost(source)
    layers = sum(row.cost.parameters > 0 for row in cost.nodes)
    last = cost.nodes[-1]
    moved = sum(row.bytes for row, inside in zip(rows(program), is_inside(program), strict=True) if inside)
    return Taken(form, acts_in, cost.parameters, cost.macs, cost.flops, layers, last.field, moved)


def is_inside(program: Program) -> list[bool]:
    """For each step, whether it belongs to the network: not whether the caller's arrays go into blocks and back."""
    return [not all(isinstance(node.op, Reorder) for node in walk((step.node,))) for step in program.steps]


def ratio(number: float, of: float) -> str:
    """`1`, `0.13`, `12`: a number against that of plain convolution."""
    value = number / of if of else 0.0
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"


def field_text(field: Sequence[int]) -> str:
    return " x ".join(map(str, field))
