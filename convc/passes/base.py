"""What a pass is, and how the pipeline runs them: verified, timed, every decision kept."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from convc.diagnostics import ConvcError, InternalError, Span
from convc.ir.graph import Graph, Node, Value, walk
from convc.ir.verify import verify, violations


@dataclass(frozen=True, slots=True)
class Decision:
    """What a pass did with a node, or why it left it alone."""

    pass_name: str
    node: str
    span: Span | None
    applied: bool
    text: str


@dataclass(slots=True)
class Report:
    """Collects the decisions of one pass."""

    pass_name: str
    decisions: list[Decision] = field(default_factory=list)

    def applied(self, node: Node, text: str) -> None:
        self.decisions.append(Decision(self.pass_name, node.name, node.span, True, text))

    def declined(self, node: Node, reason: str) -> None:
        self.decisions.append(Decision(self.pass_name, node.name, node.span, False, reason))


class Pass(ABC):
    """A rewrite of the graph; a frozen dataclass whose fields are its options."""

    name: ClassVar[str]
    level: ClassVar[int]  # the optimisation level from which it runs

    @abstractmethod
    def run(self, graph: Graph, report: Report) -> Graph:
        """The graph after the pass: the same object where nothing changed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The graph after a pass; the first stage is the source's own."""

    name: str
    graph: Graph
    seconds: float
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Stages:
    """The source's graph and the graph after each pass."""

    all: tuple[Stage, ...]

    @property
    def graph(self) -> Graph:
        return self.all[-1].graph

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(decision for stage in self.all for decision in stage.decisions)

    def __getitem__(self, name: str) -> Stage:
        return next(stage for stage in self.all if stage.name == name)


def run_passes(graph: Graph, passes: Sequence[Pass]) -> Stages:
    """Run `passes` in order; the graph is verified before the first and after each.

    Raises:
        ConvcError: The source's graph breaks a law of the IR, as only a dump that was edited can.
        InternalError: A pass failed or broke a law of the IR; names it and those before it.
    """
    for violation in violations(graph):  # an edited dump can say anything
        raise ConvcError(f"network `{graph.name}`: {violation}")
    stages = [Stage("source", graph, 0.0)]
    for item in passes:
        report = Report(item.name)
        start = time.perf_counter()
        try:
            graph = item.run(graph, report)
            verify(graph, item.name, stages[-1].graph)
        except InternalError:
            raise
        except Exception as error:
            before = ", ".join(stage.name for stage in stages)
            raise InternalError(f"pass {item.name} failed on `{graph.name}` (after {before}): {error!r}") from error
        seconds = time.perf_counter() - start
        stages.append(Stage(item.name, graph, seconds, _in_order(report.decisions, stages[-1].graph)))
    return Stages(tuple(stages))


def _in_order(decisions: list[Decision], graph: Graph) -> tuple[Decision, ...]:
    """The decisions in the order of the graph, whatever order the pass went in; those about new nodes come last."""
    place = {node.name: number for number, node in enumerate(walk(graph.nodes))}
    return tuple(sorted(decisions, key=lambda decision: place.get(decision.node, len(place))))


def where(node: Node) -> str:
    """`relu_2 (net.conv:4:3)`, for reasons."""
    return f"{node.name} ({node.span})" if node.span else node.name


def unwanted(*nodes: Node) -> str:
    """Why these are not to be computed with others: the source says `@nofuse` of one; empty if it does not."""
    marked = next((node for node in nodes if node.fuse is False), None)
    return f"{where(marked)} is marked @nofuse" if marked else ""


def users_text(graph: Graph, value: Value) -> str:
    """`c has 2 users: relu (net.conv:4:3), add (net.conv:5:9)`, for reasons."""
    users = graph.users.get(value.name, ())
    return f"{value.name} has {len(users)} users: {', '.join(map(where, users))}"
