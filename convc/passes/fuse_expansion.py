"""fuse-expansion: the expansion of an inverted residual joins the depthwise convolution and the projection after it.

    before:  e: f32[1, 96, 112, 112; nChw16c] = fused { conv(x, kernel 1) ... relu6 }
             y: f32[1, 24, 56, 56; nChw16c] = fused { conv(e, groups = 96) ... relu6, conv(d) }
    after:   y: f32[1, 24, 56, 56; nChw16c] = fused { conv(x) ... relu6, conv(e, groups = 96) ... relu6, conv(d) }

The expanded map is several times as large as what the block reads and writes. The kernel keeps a few rows of it in a
ring in a thread's own cache, of all channels, and computes each just before the first strip that reads it. It pays
where the whole map would leave the caches.
Requires: fuse-depthwise. Ensures: the region's nodes are the originals, in order, and one value leaves it.
Declines: where something else reads the expanded map, where it is not stored by blocks, where its epilogue reads
images, where its rows are too long for a ring, and where it does not pay (measured on the blocks of MobileNet-v2 and
MnasNet).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node
from convc.ir.op import members
from convc.ops.conv import Conv, is_depthwise, is_pointwise
from convc.passes.base import Pass, Report
from convc.passes.regions import is_wanted, join_before

#: Bytes of the expanded map, of one image, that caches still serve well.
CACHE_BYTES: Final = 768 * 1024

#: Bytes of a ring, of the rows that one row of the depthwise result reads, that stay in a core's own cache.
RING_BYTES: Final = 384 * 1024

#: Channels before the expansion up to which it pays; beyond, it alone saves more by Strassen's product.
CHANNELS: Final = 48


@dataclass(frozen=True)
class FuseExpansion(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-expansion"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        how = "row by row with %s: the expanded map is never stored"
        return join_before(graph, report, _expansion, _refusal, how)


def _expansion(graph: Graph, node: Node) -> Node | None:
    """The pointwise region that `node`, a depthwise convolution computed with the pointwise one after it, reads."""
    first = members(node)[0]
    if not is_depthwise(first) or _convolutions(node) != 2:
        return None
    before = graph.producers.get(first.inputs[0].name)
    return before if before and is_pointwise(members(before)[0]) and _convolutions(before) == 1 else None


def _convolutions(node: Node) -> int:
    return sum(isinstance(member.op, Conv) for member in members(node))


def _refusal(graph: Graph, before: Node, node: Node) -> str:
    src, expanded = members(before)[0].inputs[0], before.output.type
    if src.type.block == 1 or src.type.block != expanded.block:
        return f"{src.name} is not stored by blocks of channels"
    images = [v.name for v in before.inputs[1:] if v.name not in graph.constants]
    if images:
        return f"its epilogue reads {', '.join(images)}"
    return "" if is_wanted(before, members(node)[0]) else _no_gain(src.type.shape[1], before, members(node)[0])


def _no_gain(channels: int, before: Node, depthwise: Node) -> str:
    """Why it would not pay; empty if it would."""
    expanded, op, window = before.output.type, depthwise.op, depthwise.inputs[1].type.shape[2:]
    assert isinstance(op, Conv)
    size = expanded.bytes // expanded.shape[0]
    if size <= CACHE_BYTES:
        return f"the expanded map, {size:,} bytes, stays in the cache"
    rows = (window[0] - 1) * op.dilation[0] + 1
    ring = rows * size // expanded.shape[2]
    if ring > RING_BYTES:
        return f"a ring of {rows} rows, {ring:,} bytes, does not stay in the cache"
    return f"the expansion of {channels} channels saves more by Strassen's product" if channels > CHANNELS else ""
