"""What an op is, and the one structural op: `Fused`.

The ops themselves live in `convc.ops`, one file per family. An op instance is a frozen dataclass; its fields are its
attributes, fully resolved (padding is numbers, never `same`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convc.ir.graph import Node, Value
from convc.ir.types import TensorType

Array = npt.NDArray[np.floating]


class OpError(Exception):
    """A node that cannot be: raised by `infer` and by building an op, turned into a diagnostic by the front end.

    `argument` is the name of the operand or attribute at fault (its span is underlined), `note` the arithmetic, `help`
    something that can be pasted.
    """

    def __init__(self, code: str, title: str, argument: str = "", note: str = "", help: str = "") -> None:
        super().__init__(title)
        self.code, self.title, self.argument, self.note, self.help = code, title, argument, note, help


@dataclass(frozen=True, slots=True)
class Cost:
    """What a node takes. `macs` counts multiply-accumulates, `flops` all floating operations (a MAC is two).

    `taps` is the kernel's reach on each spatial axis in its own input pixels, `(kernel - 1) * dilation + 1`, and
    `strides` its step (a fraction where maps are enlarged); the receptive field of a network follows from them. Both
    are empty where an element of the result sees one element alone.
    """

    parameters: int = 0
    macs: int = 0
    flops: int = 0
    taps: tuple[int, ...] = ()
    strides: tuple[int | Fraction, ...] = ()


class Op(ABC):
    """An operation with its attributes."""

    name: ClassVar[str]

    @abstractmethod
    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """Types of the outputs, in plain dense layout; layouts of the inputs are ignored. Raises `OpError`."""

    @abstractmethod
    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        """The op in NumPy, in the dtype of its inputs: obvious rather than fast, because it is the specification."""

    @abstractmethod
    def operands(self, count: int) -> tuple[str, ...]:
        """Names of the operands, in order, when the node has `count` inputs.

        The first is printed by position, the others as keywords; the name `*` marks operands that are all positional
        (those of `concat`, `add`).
        """

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        """What one application takes; the default is nothing but the movement of bytes."""
        return Cost()


@dataclass(frozen=True, slots=True)
class Fused(Op):
    """A region: nodes that one kernel computes together. The node's inputs are what the region reads from outside,
    in order of first use; its outputs are `results`, values made inside."""

    name: ClassVar[str] = "fused"
    nodes: tuple[Node, ...]
    results: tuple[Value, ...]

    @staticmethod
    def of(nodes: Sequence[Node], results: Sequence[Value] | None = None) -> Node:
        """A node that computes `nodes` as one; by default it results in the outputs of the last."""
        made = {value.name for node in nodes for value in node.outputs}
        inputs = dict.fromkeys(value for node in nodes for value in node.inputs if value.name not in made)
        outputs = tuple(results) if results is not None else nodes[-1].outputs
        return Node(Fused(tuple(nodes), outputs), tuple(inputs), outputs, nodes[0].span)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.results)

    def reference(self, *inputs: Array) -> tuple[Array, ...]:
        names = [value.name for value in self.inputs]
        known = dict(zip(names, inputs, strict=True))
        for node in self.nodes:
            results = node.op.reference(*(known[value.name] for value in node.inputs))
            known.update(zip((value.name for value in node.outputs), results, strict=True))
        return tuple(known[value.name] for value in self.results)

    def operands(self, count: int) -> tuple[str, ...]:
        return ("*",) * count

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What the region reads from outside, in order of first use: the inputs of its node."""
        made = {value.name for node in self.nodes for value in node.outputs}
        return tuple(dict.fromkeys(v for node in self.nodes for v in node.inputs if v.name not in made))

    def cost(self, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> Cost:
        parts = [n.op.cost([v.type for v in n.inputs], [v.type for v in n.outputs]) for n in self.nodes]
        taps, strides = next(((part.taps, part.strides) for part in parts if part.taps), ((), ()))
        total = Cost(sum(p.parameters for p in parts), sum(p.macs for p in parts), sum(p.flops for p in parts))
        return Cost(total.parameters, total.macs, total.flops, taps, strides)


def members(node: Node) -> tuple[Node, ...]:
    """The nodes of a region, or the node itself. The first is what the others follow."""
    return node.op.nodes if isinstance(node.op, Fused) else (node,)
