"""Graph -> Program: kernels chosen, weights and arena laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from convc.ir.graph import Graph, Node, Output, Value
from convc.ir.types import TensorType, round_up
from convc.kernels.base import Packing
from convc.kernels.conv_packing import VectorPacking
from convc.ops.shape import Reorder
from convc.options import Options, Target
from convc.plan.call import Call, Packed, Scratch
from convc.plan.copies import copy_call
from convc.plan.in_place import take_over
from convc.plan.memory import ALIGNMENT, Buffer, arena_bytes, lower_bound, place
from convc.plan.names import c_name
from convc.plan.program import Address, PackedWeight, Port, Program, Space, Step
from convc.plan.select import select
from convc.plan.storage import Place, is_view, storage_of


def lower(graph: Graph, options: Options) -> Program:
    """The program that runs `graph`; every value's layout is taken as its type says."""
    nodes = [node for node in graph.runtime_nodes() if not is_view(node.op)]
    calls = [call for node in nodes for call in select(graph, node, options)]
    storage = storage_of(graph)
    ports, copies = _outputs(graph, calls, storage, options.target)
    calls = [_with_constants(graph, call) for call in (*calls, *copies)]
    fixed = {value.name: Address(Space.INPUT, index) for index, value in enumerate(graph.inputs)} | ports
    storage = take_over(calls, storage, fixed)
    weights = _place_weights(calls)
    buffers = _buffers(calls, storage, fixed)
    places = place(buffers)
    arena = {p.name: Address(Space.ARENA, 0, p.offset) for p in places}
    steps = tuple(_step(call, storage, fixed | arena, weights) for call in calls)
    return Program(
        name=c_name(graph.name),
        inputs=tuple(Port(value.name, value.type) for value in graph.inputs),
        outputs=tuple(Port(output.name, TensorType.plain(output.value.type.shape)) for output in graph.outputs),
        steps=steps,
        weights=tuple(weights.values()),
        weights_bytes=sum(round_up(w.bytes, ALIGNMENT) for w in weights.values()),
        arena_bytes=arena_bytes(places),
        lower_bound_bytes=lower_bound(buffers),
        scratch_bytes=max((o.bytes for call in calls for o in call.operands if isinstance(o, Scratch)), default=0),
        memory=places,
    )


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


def _buffers(calls: Sequence[Call], storage: Mapping[str, Place], fixed: Mapping[str, Address]) -> list[Buffer]:
    """One buffer per root in the arena, alive from its first writer to its last reader."""
    lives: dict[str, tuple[Value, int, int]] = {}
    for step, call in enumerate(calls):
        for operand in call.operands:
            if not isinstance(operand, Value):
                continue
            root = storage[operand.name].root if operand.name in storage else operand
            if root.name not in fixed:
                first = lives[root.name][1] if root.name in lives else step
                lives[root.name] = (root, first, step)
    return [Buffer(root.name, root.type.bytes, first, last) for root, first, last in lives.values()]


def _step(
    call: Call,
    storage: Mapping[str, Place],
    addresses: Mapping[str, Address],
    weights: Mapping[tuple[str, Packing], PackedWeight],
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
        arguments.append(Address(base.space, base.index, base.offset + at.offset))
    return Step(call.kernel, tuple(arguments), call.items, call.node, call.reason)
