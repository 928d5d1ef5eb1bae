"""Elementwise nodes -> the `Formula` a kernel evaluates, with its operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial

from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Op
from convc.ir.types import TensorType, round_up
from convc.kernels.constants import BlockPacking
from convc.kernels.conv_packing import VectorPacking
from convc.kernels.formula import Access, Dims, Formula, Term
from convc.ops.activation import Gelu
from convc.ops.elementwise import Mod
from convc.ops.normalization import BatchNorm
from convc.ops.piecewise import Prelu
from convc.plan.call import Operand, Packed, extent5, five

#: How an operand is read, given the value and whether it is one number per channel.
Reader = Callable[[Value, bool], tuple[Operand, Access]]


def make_formula(
    graph: Graph, nodes: Sequence[Node], result: TensorType, lanes: int, accumulator: Value | None = None
) -> tuple[Formula, tuple[Operand, ...]]:
    """The formula of elementwise `nodes` in order, and the operands it reads beside the `accumulator`.

    `result` is the tensor written; operands are broadcast to its shape.
    """
    return build_formula(nodes, partial(_read, graph, result, lanes), accumulator)


def build_formula(
    nodes: Sequence[Node], read: Reader, accumulator: Value | None = None
) -> tuple[Formula, tuple[Operand, ...]]:
    """The formula of elementwise `nodes` in order, every operand beside the `accumulator` read as `read` says."""
    places: dict[tuple[str, bool], int] = {}  # by name, and whether it is read per channel
    operands: list[Operand] = []
    accesses: list[Access] = []
    made = {node.name for node in nodes}
    outside = dict.fromkeys(use for node in nodes for use in _uses(node) if use[0].name not in made)
    if accumulator is not None:
        places[accumulator.name, False] = 0
    for value, per_channel in outside:
        if (value.name, per_channel) in places:
            continue
        places[value.name, per_channel] = len(places)
        operand, access = read(value, per_channel)
        operands.append(operand)
        accesses.append(access)
    count = len(places)
    terms = []
    for number, node in enumerate(nodes):
        args = tuple(places[value.name, per_channel] for value, per_channel in _uses(node))
        terms.append(Term(_function(node.op), args, _numbers(node.op)))
        places[node.name, False] = count + number
    return Formula(count, tuple(terms), tuple(accesses)), tuple(operands)


def _uses(node: Node) -> list[tuple[Value, bool]]:
    """The operands, and whether each is one number per channel: the statistics of a batch norm, slopes of one axis."""
    return [(value, place > 0 and _per_channel(node.op, value)) for place, value in enumerate(node.inputs)]


def _per_channel(op: Op, value: Value) -> bool:
    return isinstance(op, BatchNorm) or (isinstance(op, Prelu) and value.type.rank == 1)


def _function(op: Op) -> str:
    """The C function, without `convc_`."""
    match op:
        case Gelu(approximate=True):
            return "gelu_tanh"
        case Mod(fmod=True):
            return "fmod"
    return op.name


def _numbers(op: Op) -> tuple[float, ...]:
    """The attributes that are numbers; the others choose a function."""
    values = (getattr(op, field.name) for field in fields(op))  # type: ignore[arg-type]
    return tuple(float(value) for value in values if not isinstance(value, bool))


def _read(graph: Graph, result: TensorType, lanes: int, value: Value, per_channel: bool) -> tuple[Operand, Access]:
    """How the kernel reads one operand of a result with this type.

    One number per channel belongs to axis 1; everything else is aligned at the last axis, by NumPy's broadcasting rule.
    """
    shape = _align(value.type.shape, result, 1, per_channel)
    if value.name in graph.constants:
        return _read_constant(value, shape, lanes)
    strides = _align(value.type.strides, result, 0, per_channel)
    n, c, d, h, w = (0 if extent == 1 else stride for extent, stride in zip(shape, strides, strict=True))
    if shape[1] == 1 and extent5(result)[1] > 1:
        return value, Access("splat", (n, 0, d, h, w))
    if value.type.block > 1 or lanes == 1:
        return value, Access("block", (n, c, d, h, w))
    whole = c == 1 and shape[1] % lanes == 0
    return value, Access("row" if whole else "lanes", (n, c * lanes, d, h, w), c)


def _read_constant(value: Value, shape: Dims, lanes: int) -> tuple[Operand, Access]:
    n, c, d, h, w = shape
    if value.type.elements == 1:
        return Packed(value, VectorPacking(1, 1)), Access("splat", (0, 0, 0, 0, 0))
    if n == d == h == w == 1:
        return Packed(value, VectorPacking(c, round_up(c, lanes))), Access("block", (0, lanes, 0, 0, 0))
    width = 1 if c == 1 else lanes
    packing = BlockPacking(shape, width)
    strides = (packing.size() // n, d * h * w * width, h * w * width, w * width, width)
    dense = tuple(0 if extent == 1 else stride for extent, stride in zip(shape, strides, strict=True))
    return Packed(value, packing), Access("splat" if c == 1 else "block", dense)


def _align(numbers: tuple[int, ...], result: TensorType, missing: int, per_channel: bool) -> Dims:
    """Extents or strides as those of (n, c, d, h, w) of the result; `missing` stands for axes that are not there."""
    if per_channel:
        return missing, numbers[0], missing, missing, missing
    return five((missing,) * (result.rank - len(numbers)) + numbers, missing)
