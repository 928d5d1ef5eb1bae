"""fuse-epilogue: what follows a kernel element by element is done before its result is stored.

    before:  c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = b)
             s: f32[1, 8, 9, 9] = add(c, skip)
             y: f32[1, 8, 9, 9] = relu(s)
    after:   y: f32[1, 8, 9, 9] = fused {
                 c: f32[1, 8, 9, 9] = conv(x, weight = w, bias = b)
                 s: f32[1, 8, 9, 9] = add(c, skip)
                 y: f32[1, 8, 9, 9] = relu(s)
                 return y
             }

Regions begin at convolutions, linear layers and products with constant matrices, then at pools, then at elementwise
nodes that are left. A value read twice is no obstacle if both readers come into the region (`c * sigmoid(c)`). A linear
layer also takes in the `flatten` before it: the order of a blocked map then goes into the packed weights.
Requires: nothing. Ensures: the region's nodes are the originals, in order, and one value leaves it. Declines: where the
source says `@nofuse`, and where an intermediate result has a reader outside or leaves the network; of two convolutions
that are added, the one that runs last takes the addition.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node
from convc.ir.op import Fused
from convc.ops.adaptive_pool import AdaptivePool
from convc.ops.common import Elementwise
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.deform import DeformConv
from convc.ops.linear import Linear
from convc.ops.matmul import MatMul
from convc.ops.normalization import BatchNorm
from convc.ops.pool import GlobalPool, WindowPool
from convc.ops.resize import Resize
from convc.ops.shape import Flatten
from convc.passes.base import Pass, Report, unwanted, users_text, where

#: Ops that sum over weights.
_WEIGHTED: Final = (Conv, ConvTranspose, DeformConv, Linear)

#: Ops whose kernels work on each channel by itself.
_CHANNELWISE: Final = (WindowPool, GlobalPool, AdaptivePool, Resize)

#: How many nodes a region may grow by before one value alone leaves it again.
_LOOKAHEAD: Final = 4


@dataclass(frozen=True)
class FuseEpilogue(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-epilogue"
    level: ClassVar[int] = 1

    def run(self, graph: Graph, report: Report) -> Graph:
        fusion = _Fusion(graph, report, {node.name: place for place, node in enumerate(graph.nodes)})
        running = tuple(graph.runtime_nodes())
        fusion.begin_at(node for node in reversed(running) if _is_product(node, graph))
        fusion.begin_at(node for node in reversed(running) if isinstance(node.op, _CHANNELWISE))
        fusion.begin_at(node for node in running if isinstance(node.op, Elementwise))
        return fusion.result()


@dataclass
class _Fusion:
    graph: Graph
    report: Report
    order: dict[str, int]
    regions: dict[str, Node] = field(default_factory=dict)  # by the name of the last node, whose place they take
    owner: dict[str, str] = field(default_factory=dict)  # node -> the anchor of its region

    def begin_at(self, anchors: Iterable[Node]) -> None:
        for anchor in anchors:
            if anchor.name not in self.owner:
                self._fuse(anchor)

    def result(self) -> Graph:
        nodes = self.graph.nodes
        kept = [node for node in nodes if node.name in self.regions or node.name not in self.owner]
        return self.graph.with_nodes(self.regions.get(node.name, node) for node in kept)

    def _fuse(self, anchor: Node) -> None:
        followers, reason = self._follow(anchor)
        last = (followers or [anchor])[-1]
        if reason and not isinstance(anchor.op, Elementwise):
            self.report.declined(last, f"not fused further: {reason}")
        region = [*self._flatten_before(anchor), anchor, *followers]
        if len(region) == 1:
            return
        self.owner.update((member.name, anchor.name) for member in region)
        self.regions[last.name] = replace(Fused.of(region), span=anchor.span)
        self.report.applied(anchor, "computed together: " + ", ".join(member.name for member in region))

    def _follow(self, anchor: Node) -> tuple[list[Node], str]:
        """The followers of `anchor` that can join it, and why it ends there (empty: there are no more)."""
        region, whole = [anchor], 1  # the first `whole` members make a region that one value leaves
        reason = ""
        while not reason and len(region) - whole < _LOOKAHEAD:
            users = self._outside(region)
            if not any(isinstance(user.op, Elementwise) for user in users):
                break
            node = min(users, key=lambda user: self.order[user.name])
            reason = self._refusal(node, region)
            if not reason:
                region.append(node)
                whole = len(region) if self._closed(region) else whole
        last = region[whole - 1]
        if not any(isinstance(user.op, Elementwise) for user in self._outside(region[:whole])):
            return region[1:whole], ""
        if len(self.graph.users[last.name]) > 1:
            reason = users_text(self.graph, last.output)
        elif last.name in self.graph.output_names:
            reason = f"{last.name} is an output of the network"
        return region[1:whole], reason or f"what follows {last.name} is needed outside as well"

    def _outside(self, region: list[Node]) -> list[Node]:
        """Readers of the region's values that are not in it."""
        inside = {member.name for member in region}
        users = (user for member in region for user in self.graph.users.get(member.name, ()))
        return [user for user in users if user.name not in inside]

    def _closed(self, region: list[Node]) -> bool:
        """Whether only the last member's value is read outside: then nothing outside lies between two members."""
        inner = region[:-1]
        inside = {member.name for member in region}
        read = (user.name for member in inner for user in self.graph.users.get(member.name, ()))
        return inside.issuperset(read) and self.graph.output_names.isdisjoint(member.name for member in inner)

    def _refusal(self, node: Node, region: list[Node]) -> str:
        """Why `node` cannot join; empty if it can."""
        made = {member.name for member in region}
        if not isinstance(node.op, Elementwise):
            return f"{where(node)} is not elementwise"
        if reason := unwanted(node, region[0]):
            return reason
        if node.name in self.owner:
            return f"{where(node)} is computed with {self.owner[node.name]}"
        if isinstance(node.op, BatchNorm) and not made.isdisjoint(value.name for value in node.inputs[1:]):
            return f"{where(node)} takes it as a statistic"
        if not node.output.type.same_logical(region[0].output.type):
            return f"{where(node)} has another shape, {node.output.type}"
        if isinstance(region[0].op, (Linear, MatMul)) and not _is_by_rows(node):
            return f"{where(node)} is not the same along all rows"
        return ""

    def _flatten_before(self, anchor: Node) -> list[Node]:
        """The flatten of an image that only this linear layer reads."""
        before = self.graph.producers.get(anchor.inputs[0].name)
        if not isinstance(anchor.op, Linear) or before is None or not isinstance(before.op, Flatten):
            return []
        if unwanted(before, anchor):
            return []
        alone = len(self.graph.users[before.name]) == 1 and before.name not in self.graph.output_names
        return [before] if alone and before.inputs[0].type.is_image else []


def _is_product(node: Node, graph: Graph) -> bool:
    """Whether its kernel holds sums in registers and can go on with them."""
    if isinstance(node.op, MatMul):
        return not node.op.transpose_a and node.inputs[1].type.rank == 2 and node.inputs[1].name in graph.constants
    return isinstance(node.op, _WEIGHTED)


def _is_by_rows(node: Node) -> bool:
    """Whether each operand is of the result's shape, or at most a vector along its last axis."""
    whole = node.output.type
    if whole.rank == 2:
        return True
    return not isinstance(node.op, BatchNorm) and all(
        value.type.shape == whole.shape or value.type.elements == prod(value.type.shape[-1:]) for value in node.inputs
    )
