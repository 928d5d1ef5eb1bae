"""A convolution as the choice of its algorithm sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convc.ir.graph import Node
from convc.ir.types import TensorType
from convc.kernels.formula import IDENTITY, Formula
from convc.kernels.tiles import Axis
from convc.ops.conv import Conv
from convc.options import Options
from convc.plan.blocking import Walk, is_line, walk_of
from convc.plan.call import plane


@dataclass(frozen=True, slots=True)
class Problem:
    """A convolution, as far as its speed depends on it."""

    n: int
    ic: int
    oc: int
    groups: int
    depth: Axis
    height: Axis
    width: Axis
    blocked: bool  # source and result lie in blocks of `lanes` channels
    lanes: int
    registers: int
    threads: int
    sums_in_a_row: int = 1  # of the network: how often what is rounded here is rounded again
    line: bool = False  # pointwise, with maps as lines of pixels: of a strided one the result's

    @property
    def kernel(self) -> tuple[int, int]:
        return self.height.kernel, self.width.kernel

    @property
    def strided(self) -> bool:
        return any(axis.stride > 1 for axis in (self.depth, self.height, self.width))

    @property
    def pixels(self) -> int:
        """Of a map of the result."""
        return self.depth.out * self.height.out * self.width.out

    @property
    def signature(self) -> str:
        """A line that names the problem: what a measured choice is remembered by."""
        axes = (self.depth, self.height, self.width)

        def numbers(name: str) -> str:
            return "x".join(str(getattr(axis, name)) for axis in axes)

        return (
            f"conv {self.n}x{self.ic}x{numbers('size')} -> {self.oc}x{numbers('out')}, kernel {numbers('kernel')}, "
            f"stride {numbers('stride')}, dilation {numbers('dilation')}, pad {numbers('pad')}, groups {self.groups}, "
            f"{'blocked' if self.blocked else 'plain'}"
        )


def problem_of(
    anchor: Node, dst: TensorType, options: Options, sums_in_a_row: int, formula: Formula = IDENTITY
) -> Problem:
    """The problem of the convolution `anchor`, whose result, or that of its epilogue `formula`, is a `dst`.

    `sums_in_a_row` is the network's (`Graph.sums_in_a_row`): it decides how coarsely may be rounded.
    """
    op, src, target = anchor.op, anchor.inputs[0].type, options.target
    assert isinstance(op, Conv)
    oc = anchor.inputs[1].type.shape[0]
    walk = walk_of(anchor, dst, formula, target.lanes)
    axes, blocked = (walk.depth, walk.height, walk.width), src.block == target.lanes == dst.block
    strided, inside = max(op.stride) > 1, all((axis.out - 1) * axis.stride < axis.size for axis in axes)
    depth, height, width = (replace(axis, size=axis.out, stride=1) for axis in axes)  # of the result
    line = is_line(Walk(depth, height, width, plane(dst if strided else src), plane(dst), formula))
    return Problem(
        src.shape[0], src.shape[1], oc, op.groups, *axes, blocked, target.lanes, target.registers, options.threads,
        sums_in_a_row, blocked and op.groups == 1 and inside and line,
    )  # fmt: skip
