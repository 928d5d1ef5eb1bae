"""fuse-prologue: elementwise work before a pointwise convolution is done with it, and its result never stored.

    before:  m: f32[1, 240, 28, 28; nChw16c] = mul(x, s)                   squeeze-and-excitation's scale
             y: f32[1, 40, 28, 28; nChw16c] = conv(m, kernel 1)
    after:   y: f32[1, 40, 28, 28; nChw16c] = fused { mul(x, s), conv(m) }

Also a batch norm and activation before the convolution, where they cannot be folded (DenseNet, pre-activation ResNets).
The kernel computes a strip for a chunk of channels into a thread's own cache and multiplies it at once; what only
scales channels goes into the weights, where those are fewer than the pixels (`convc/plan/scaled.py`).
Requires: epilogues fused, layouts. Ensures: the region's nodes are the originals, in order, and one value leaves it.
Declines: where something else reads the elementwise result, where it is not stored by blocks or a plain image takes
part, and where many output channels make the pass over memory small beside the convolution, which alone may take
Strassen's product (measured on the layers of EfficientNet-B0 and DenseNet-121).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from convc.ir.graph import Graph, Node
from convc.ir.op import members
from convc.ops.common import Elementwise
from convc.ops.conv import Conv, is_pointwise
from convc.passes.base import Pass, Report
from convc.passes.regions import is_wanted, join_before

#: Output channels up to which it pays; beyond, the convolution alone saves more by Strassen's product.
CHANNELS: Final = 64


@dataclass(frozen=True)
class FusePrologue(Pass):
    """See the module docstring."""

    name: ClassVar[str] = "fuse-prologue"
    level: ClassVar[int] = 2

    def run(self, graph: Graph, report: Report) -> Graph:
        return join_before(graph, report, _stage, _refusal, "with %s, and never stored")


def _stage(graph: Graph, node: Node) -> Node | None:
    """The elementwise region that `node`, a pointwise convolution with its epilogue and no more, reads."""
    anchor = members(node)[0]
    alone = is_pointwise(anchor) and sum(isinstance(member.op, Conv) for member in members(node)) == 1
    before = graph.producers.get(anchor.inputs[0].name) if alone else None
    if before is None or not all(isinstance(member.op, Elementwise) for member in members(before)):
        return None
    return before


def _refusal(graph: Graph, before: Node, node: Node) -> str:
    block = before.output.type.block
    if block == 1:
        return f"{before.name} is not stored by blocks of channels"
    if before.output.type.rank > 4:
        return "only images and sequences are staged"
    plain = [
        v.name for v in before.inputs
        if v.name not in graph.constants and v.type.block != block and v.type.rank > 1 and v.type.shape[1] > 1
    ]  # fmt: skip
    if plain:
        return f"{', '.join(plain)} is not stored by blocks of channels"
    if is_wanted(before, node):
        return ""
    channels = node.output.type.shape[1]
    return f"beside {channels} output channels the pass over memory is small" if channels > CHANNELS else ""
