"""The program: what codegen prints and the runtime runs. Kernel calls over one arena, in segments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from convc.ir.graph import Node, Value
from convc.ir.types import TensorType
from convc.kernels.base import Kernel, Packing


class Space(Enum):
    """Where an operand of a kernel lies."""

    INPUT = "input"  # the caller's array number `index`
    OUTPUT = "output"  # the caller's array number `index`
    ARENA = "arena"  # `offset` bytes into the context's arena
    PORTION = "portion"  # `offset` bytes into what the arena has for one portion of the batch
    WEIGHTS = "weights"  # `offset` bytes into the packed weights
    SCRATCH = "scratch"  # the thread's own scratch, `offset` bytes into it
    NONE = "none"  # an operand that is absent


@dataclass(frozen=True, slots=True)
class Address:
    """An operand's place; offsets are in bytes and multiples of 64.

    `stride` is how many bytes further it lies for each next portion of the batch: 0 but for what all images have in one
    array and a segment reads or writes some at a time.
    """

    space: Space
    index: int = 0
    offset: int = 0
    stride: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One kernel call.

    `arguments` are in the order of the kernel's C parameters, destinations last; `items` is the number of independent
    work items it splits into (the kernel runs any range `[begin, end)` of them); `reason` says why this kernel. `node`
    is what one call computes; a run calls it for each of `portions` of the batch.
    """

    kernel: Kernel
    arguments: tuple[Address, ...]
    items: int
    node: Node
    reason: str
    portions: int = 1

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps `first` to before `end`, run one after another for each of `portions` of `images` each.

    Where there is more than one portion, values that no other segment touches are kept for one portion only, from
    `offset` in the arena; a second thread has the same `bytes` of its own.
    """

    first: int
    end: int
    images: int
    portions: int
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PackedWeight:
    """One constant in the form its kernel reads: evaluate `value`, apply `packing`, place at `offset`."""

    value: Value
    packing: Packing
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the network: plain row-major."""

    name: str
    type: TensorType


@dataclass(frozen=True, slots=True)
class Placed:
    """A value's place in the arena over the steps `first..last` (inclusive): one row of the memory table."""

    name: str
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Program:
    """All of a network that is needed to print its C, pack its weights and run it."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    steps: tuple[Step, ...]
    segments: tuple[Segment, ...]
    weights: tuple[PackedWeight, ...]
    weights_bytes: int
    arena_bytes: int
    lower_bound_bytes: int
    scratch_bytes: int
    memory: tuple[Placed, ...]

    @property
    def portion_bytes(self) -> int:
        """What every thread but the first needs beside the arena, to run portions of its own."""
        return max((segment.bytes for segment in self.segments), default=0)


WeightArray = npt.NDArray[np.float32]
