"""Passes and kernels that are wrong on purpose, put in the place of right ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from convc.ir.graph import Graph, Node
from convc.ops.activation import Sigmoid
from convc.ops.pool import MaxPool
from convc.passes import pipeline
from convc.passes.base import Pass, Report
from convc.plan import arena, select
from convc.plan.call import Call


@dataclass(frozen=True)
class TakesAnother(Pass):
    """Takes `sigmoid` for `tanh`, as a pass that recognises activations might."""

    name: ClassVar[str] = "take-another"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        return graph.with_nodes(self._other(node, report) for node in graph.nodes)

    @staticmethod
    def _other(node: Node, report: Report) -> Node:
        if node.op.name != "tanh":
            return node
        report.applied(node, "taken for a sigmoid")
        return replace(node, op=Sigmoid())


@dataclass(frozen=True)
class Commutes(Pass):
    """A right pass: turns operands of additions round, which changes nothing, not even the last bit."""

    name: ClassVar[str] = "commute"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        return graph.with_nodes(
            replace(node, inputs=node.inputs[::-1]) if node.op.name == "add" else node for node in graph.nodes
        )


def use_passes(monkeypatch: pytest.MonkeyPatch, *extra: Pass) -> None:
    """The pipeline with these passes before the others."""
    real = pipeline.all_passes
    monkeypatch.setattr(pipeline, "all_passes", lambda target: (*extra, *real(target)))


def break_pooling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every maximum is taken over a window moved by one: a kernel that disagrees with its op."""
    real = select.pool_call

    def pool_call(graph: Graph, node: Node, anchor: Node, followers: Sequence[Node]) -> Call:
        assert isinstance(anchor.op, MaxPool)
        top, left, bottom, right = anchor.op.pad
        moved = replace(anchor.op, pad=(top, left - 1, bottom, right + 1))
        return real(graph, node, replace(anchor, op=moved), followers)

    monkeypatch.setattr(select, "pool_call", pool_call)


def break_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every buffer at the start of the arena, whoever else is alive."""
    real = arena.place
    monkeypatch.setattr(arena, "place", lambda buffers: tuple(replace(p, offset=0) for p in real(buffers)))


def forget_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers are given away after their first reader, but for those that the caller gets: a plan that looks right."""
    real = arena._buffers

    def buffers(calls, *rest):  # type: ignore[no-untyped-def]
        ends = {operand.name for call in calls if call.reason.startswith("the caller") for operand in call.operands}
        return [b if b.name in ends else replace(b, last=min(b.last, b.first + 1)) for b in real(calls, *rest)]

    monkeypatch.setattr(arena, "_buffers", buffers)
