"""Graph -> Program: kernels chosen, weights and arena laid out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from convc.ir.graph import Graph, Node, Output, Value
from convc.ir.types import TensorType, round_up
from convc.kernels.base import Packing
from convc.kernels.conv_packing import VectorPacking
from convc.ops.images import batch_of, image_values
from convc.ops.shape import Reorder
from convc.options import Options, Target
from convc.plan.arena import for_portions, own_values, plan_arena
from convc.plan.call import Call, Packed, Scratch
from convc.plan.copies import copy_call
from convc.plan.in_place import take_over
from convc.plan.memory import ALIGNMENT
from convc.plan.names import c_name
from convc.plan.portions import parts_of_batch
from convc.plan.program import Address, PackedWeight, Port, Program, Segment, Space, Step
from convc.plan.select import select
from convc.plan.storage import Place, storage_of


def lower(graph: Graph, options: Options) -> Program:
    """The program that runs `graph`; every value's layout is taken as its type says."""
    calls, segments = _calls(graph, options)
    storage = storage_of(graph)
    ports, copies = _outputs(graph, calls, storage, options.target)
    if copies:
        segments = _with_copies(segments, len(copies), batch_of(graph))
    calls = [_with_constants(graph, call) for call in (*calls, *copies)]
    fixed = {value.name: Address(Space.INPUT, index) for index, value in enumerate(graph.inputs)} | ports
    own = own_values(calls, segments, storage, fixed)
    repeated = {step for s in segments if s.portions > 1 for step in range(s.first, s.end)}
    storage = take_over(calls, for_portions(storage, own), fixed, own, repeated)
    weights = _place_weights(calls)
    arena = plan_arena(calls, segments, storage, fixed, own)
    addresses, images = {**fixed, **arena.addresses}, image_values(graph)
    steps = (
        _step(call, segment, storage, addresses, weights, images)
        for segment in arena.segments
        for call in calls[segment.first : segment.end]
    )
    return Program(
        name=c_name(graph.name),
        inputs=tuple(Port(value.name, value.type) for value in graph.inputs),
        outputs=tuple(Port(output.name, TensorType.plain(output.value.type.shape)) for output in graph.outputs),
        steps=tuple(steps),
        segments=arena.segments,
        weights=tuple(weights.values()),
        weights_bytes=sum(round_up(w.bytes, ALIGNMENT) for w in weights.values()),
        arena_bytes=arena.bytes,
        lower_bound_bytes=arena.lower_bound,
        scratch_bytes=max((o.bytes for call in calls for o in call.operands if isinstance(o, Scratch)), default=0),
        memory=arena.memory,
    )


def _calls(graph: Graph, options: Options) -> tuple[list[Call], list[Segment]]:
    """The kernel calls in order, and the segments they make up; blocks in the arena are not known yet."""
    calls: list[Call] = []
    segments = []
    for part in parts_of_batch(graph, options):
        # Threads that take whole portions need no kernels whose items are shared.
        alone = part.portions > 1 and part.portions % options.threads == 0
        suited = replace(options, threads=1) if alone else options
        first = len(calls)
        calls += (call for node in part.nodes for call in select(graph, node, suited))
        if len(calls) > first:
            segments.append(Segment(first, len(calls), part.images, part.portions, 0, 0))
    return calls, segments


def _with_copies(segments: Sequence[Segment], copies: int, batch: int) -> list[Segment]:
    """The segments with steps at their end that copy results of all images."""
    *before, last = segments or [Segment(0, 0, batch, 1, 0, 0)]
    if last.portions == 1:
        return [*before, replace(last, end=last.end + copies)]
    return [*before, last, Segment(last.end, last.end + copies, batch, 1, 0, 0)]


def _outputs(
    graph: Graph, calls: Sequence[Call], storage: Mapping[str, Place], machine: Target
) -> tuple[dict[str, Address], list[Call]]:
    """Values computed straight into the caller's arrays, and copies for those that cannot be."""
    computed = {call.operands[-1].name for call in calls if isinstance(call.operands[-1], Value)}
    direct: dict[str, Address] = {}
    copies = []
    for index, output in enumerate(graph.outputs):
        at = storage.get(output.value.name, Place(output.value, 0))  # a constant lies among the weights
        whole = at.offset == 0 and at.root.type.is_plain and at.root.type.bytes == output.value.type.bytes
        if whole and at.root.name in computed and at.root.name not in direct:
            direct[at.root.name] = Address(Space.OUTPUT, index)
        else:
            target = Value(f"{output.name}.output", TensorType.plain(output.value.type.shape))
            direct[target.name] = Address(Space.OUTPUT, index)
            copies.append(_copy_out(output, target, machine))
    return direct, copies


def _copy_out(output: Output, target: Value, machine: Target) -> Call:
    node = Node(Reorder(), (output.value,), (target,))
    return copy_call(node, output.value, target, "the caller's array is another one", machine)


def _with_constants(graph: Graph, call: Call) -> Call:
    """Constants that a kernel reads like any other tensor (to join them, to copy them out) lie among the weights."""
    operands = tuple(
        Packed(operand, VectorPacking(operand.type.elements, operand.type.elements))
        if isinstance(operand, Value) and operand.name in graph.constants and operand.type.is_plain
        else operand
        for operand in call.operands
    )
    return call if operands == call.operands else replace(call, operands=operands)


def _place_weights(calls: Sequence[Call]) -> dict[tuple[str, Packing], PackedWeight]:
    """Every packed constant once, in order of first use, so that a run reads the weights from front to back."""
    found: dict[tuple[str, Packing], PackedWeight] = {}
    offset = 0
    for call in calls:
        for operand in call.operands:
            if not isinstance(operand, Packed) or (operand.value.name, operand.packing) in found:
                continue
            size = operand.packing.size() * 4
            found[operand.value.name, operand.packing] = PackedWeight(operand.value, operand.packing, offset, size)
            offset += round_up(size, ALIGNMENT)
    return found


def _step(
    call: Call,
    segment: Segment,
    storage: Mapping[str, Place],
    addresses: Mapping[str, Address],
    weights: Mapping[tuple[str, Packing], PackedWeight],
    images: Collection[str],
) -> Step:
    arguments = []
    for operand in call.operands:
        if isinstance(operand, Packed):
            arguments.append(Address(Space.WEIGHTS, 0, weights[operand.value.name, operand.packing].offset))
            continue
        if isinstance(operand, Scratch):
            arguments.append(Address(Space.SCRATCH))
            continue
        at = storage.get(operand.name, Place(operand, 0))
        base = addresses[at.root.name]
        apart = segment.portions > 1 and base.space is not Space.PORTION and operand.name in images
        stride = segment.images * operand.type.strides[0] * operand.type.dtype.size if apart else 0
        arguments.append(Address(base.space, base.index, base.offset + at.offset, stride))
    return Step(call.kernel, tuple(arguments), call.items, call.node, call.reason, segment.portions)
