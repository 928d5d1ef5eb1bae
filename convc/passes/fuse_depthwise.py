"""fuse-depthwise: a depthwise convolution and the pointwise one that alone reads it become one region.

    before:  d: f32[1, 64, 56, 56; nChw16c] = fused { conv(x, groups = 64) ... relu }
             y: f32[1, 128, 56, 56; nChw16c] = fused { conv(d, kernel 1) ... relu }
    after:   y: f32[1, 128, 56, 56; nChw16c] = fused { conv(x, groups = 64) ... relu, conv(d) ... relu }

The kernel computes a strip of the depthwise result for all channels into a thread's own cache and multiplies it at
once, so that result is never stored whole. It pays where the maps would leave the second-level cache; where they stay
in it, the pointwise convolution alone, by Strassen's product, saves more.
Requires: epilogues fused, layouts. Ensures: the region's nodes are the originals, in order, and one value leaves it.
Declines: where something else reads the depthwise result, where it is not stored by blocks, where its epilogue reads
other images, and where it does not pay (the numbers below were measured on the layers of MobileNet v1 and v2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node
from convc.ir.op import members
from convc.ops.conv import Conv, is_depthwise, is_pointwise
from convc.passes.base import Pass, Report
from convc.passes.regions import is_wanted, join_before

#: Bytes of the depthwise convolution's source and result, of one image, that caches still serve well.
CACHE_BYTES: Final = 1024 * 1024

#: Multiply-adds for each byte of the map between, up to which that byte's way through memory counts.
PAYS: Final = 18


@dataclass(frozen=True)
class FuseDepthwise(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-depthwise"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        how = "strip by strip with %s: the map between is never stored"
        return join_before(graph, report, _stage, _refusal, how)


def _stage(graph: Graph, node: Node) -> Node | None:
    """The depthwise region that `node`, a pointwise convolution with its epilogue, reads."""
    anchor = members(node)[0]
    if not is_pointwise(anchor):
        return None
    before = graph.producers.get(anchor.inputs[0].name)
    if before is None or not is_depthwise(members(before)[0]):
        return None
    return before if sum(isinstance(member.op, Conv) for member in members(before)) == 1 else None


def _refusal(graph: Graph, before: Node, node: Node) -> str:
    depthwise = members(before)[0]
    src = depthwise.inputs[0].type
    if src.block == 1 or src.block != before.output.type.block:
        return f"{depthwise.inputs[0].name} is not stored by blocks of channels"
    images = [v.name for v in before.inputs[1:] if v.name not in graph.constants]
    if images:
        return f"its epilogue reads {', '.join(images)}"
    return "" if is_wanted(before, node) else _no_gain(depthwise, before, node)


def _no_gain(depthwise: Node, before: Node, node: Node) -> str:
    """Why it would not pay; empty if it would."""
    between = before.output.type
    moved = depthwise.inputs[0].type.bytes + between.bytes
    if moved <= CACHE_BYTES * between.shape[0]:
        return f"the maps it reads and writes, {moved:,} bytes, stay in the cache"
    per_byte = node.output.type.shape[1] / between.dtype.size
    if per_byte > PAYS:
        return f"{per_byte:g} multiply-adds for a byte of the map between hide its way through memory"
    return ""
