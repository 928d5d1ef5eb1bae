"""The laws of the IR; a graph that breaks one is a fault of convc's own.

Every value has one definition and a name of its own, regions included; it is defined before it is read, and read with
the type it was defined with; every op infers the types its node has (but for layouts); what leaves a region is made in
it; no two elements of a tensor share memory; the operands of a concatenation in place lie where the result has them, a
slice in place where its source has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from convc.diagnostics import InternalError
from convc.ir.graph import Graph, Node, Value, walk
from convc.ir.op import Fused, OpError
from convc.ir.types import TensorType, ceil_div


def verify(graph: Graph, after: str, before: Graph | None = None) -> None:
    """Check `graph`, which `after` (a pass) made, of `before` if that was checked already.

    Raises:
        InternalError: A law is broken; names the pass and the node.
    """
    for violation in violations(graph, before):
        raise InternalError(f"after {after}: {violation}")


def violations(graph: Graph, before: Graph | None = None) -> Iterator[str]:
    """The laws that `graph` breaks, in words.

    What a node says by itself is not looked at again where `before`, a graph without violations, has the same node:
    nodes never change.
    """
    sound = {id(node) for node in walk(before.nodes)} if before else set()
    yield from _names(graph)
    known: dict[str, TensorType] = {value.name: value.type for value in (*graph.inputs, *graph.parameters)}
    yield from _check_nodes(graph.nodes, known, sound)
    yield from _check_layouts(graph, sound)
    yield from _check_places(graph)
    for output in graph.outputs:
        value = output.value
        if known.get(value.name) != value.type:
            yield f"output `{output.name}` is `{value.name}: {value.type}`, which {_instead(known, value)}"


def _names(graph: Graph) -> Iterator[str]:
    """A region's results are its members' values under the same names, and count once."""
    made = [value.name for node in walk(graph.nodes) if not isinstance(node.op, Fused) for value in node.outputs]
    counts = Counter([value.name for value in (*graph.inputs, *graph.parameters)] + made)
    yield from (f"`{name}` is defined {count} times" for name, count in counts.items() if count > 1)
    outputs = Counter(output.name for output in graph.outputs)
    yield from (f"{count} outputs are named `{name}`" for name, count in outputs.items() if count > 1)


def _instead(known: dict[str, TensorType], value: Value) -> str:
    return f"is {known[value.name]}" if value.name in known else "is not defined before it"


def _check_nodes(nodes: Iterable[Node], known: dict[str, TensorType], sound: set[int]) -> Iterator[str]:
    """Check `nodes` in order, adding what they define to `known`; those in `sound` are right by themselves."""
    for node in nodes:
        for value in node.inputs:
            if known.get(value.name) != value.type:
                yield f"{node.name} reads `{value.name}: {value.type}`, which {_instead(known, value)}"
        if id(node) not in sound:
            if isinstance(node.op, Fused):
                yield from _check_region(node, node.op, sound)
            yield from _check_types(node)
        known.update((value.name, value.type) for value in node.outputs)


def _check_region(node: Node, region: Fused, sound: set[int]) -> Iterator[str]:
    if node.inputs != region.inputs or node.outputs != region.results:
        yield f"the region {node.name} reads or returns other values than its nodes"
    inner = {value.name: value.type for value in node.inputs}
    yield from _check_nodes(region.nodes, inner, sound)
    made = {value.name for member in region.nodes for value in member.outputs}
    for value in region.results:
        if value.name not in made or inner[value.name] != value.type:
            yield f"the region {node.name} returns `{value.name}: {value.type}`, which it does not make"


def _check_types(node: Node) -> Iterator[str]:
    count = len(node.inputs)
    if len(node.op.operands(count)) != count:
        yield f"{node.name}: {node.op.name} does not take {count} operands"
        return
    try:
        inferred = node.op.infer(*(value.type for value in node.inputs))
    except OpError as error:
        yield f"{node.name}: {error}" + (f": {error.note}" if error.note else "")
        return
    except (IndexError, TypeError, ValueError) as error:
        yield f"{node.name}: {node.op.name} does not take {count} such operands ({error})"
        return
    if len(inferred) != len(node.outputs):
        yield f"{node.name} has {len(node.outputs)} results, its op makes {len(inferred)}"
    for value, type in zip(node.outputs, inferred, strict=False):
        if not value.type.same_logical(type):
            yield f"{value.name} is {value.type}, its op makes {type}"


def _check_layouts(graph: Graph, sound: set[int]) -> Iterator[str]:
    new = (node for node in walk(graph.nodes) if id(node) not in sound)
    values = [*graph.inputs, *graph.parameters, *(value for node in new for value in node.outputs)]
    for value in dict.fromkeys(value for value in values if not value.type.is_dense):
        block = value.type.block
        if any(stride % block for stride in value.type.strides):
            yield f"{value.name} is {value.type}: strides must be multiples of the block"
        elif not _is_injective(value.type):
            yield f"{value.name} is {value.type}: two of its elements would share a place"


def _is_injective(type: TensorType) -> bool:
    """Whether each stride steps over all that lies inside it."""
    extents = list(type.shape)
    if type.block > 1:
        extents[1] = ceil_div(extents[1], type.block)
    inside = type.block
    for stride, extent in sorted(zip(type.strides, extents, strict=True)):
        if extent > 1:
            if stride < inside:
                return False
            inside += (extent - 1) * stride
    return True


def _check_places(graph: Graph) -> Iterator[str]:
    """Operands of a concatenation in place share its strides, begin at whole blocks, and lie in no other."""
    owner: dict[str, str] = {}
    for node in graph.nodes:
        if not getattr(node.op, "in_place", False):
            continue
        cut = node.op.name == "slice"
        for value in node.inputs:
            if value.name not in graph.producers or value.name in graph.constants:
                shared = f"{node.name} cannot lie in it" if cut else f"it cannot lie in {node.name}"
                yield f"{value.name} is not computed while running: {shared}"
        if cut:
            yield from _check_slice(node)
            owner[node.name] = node.inputs[0].name
            continue
        result, start = node.output.type, 0
        for value in node.inputs:
            if value.type.layout != result.layout or start % result.block:
                yield f"{value.name} does not lie in {node.name} at channel {start}"
            if value.name in owner:
                yield f"{value.name} lies in {owner[value.name]} and in {node.name}"
            owner[value.name] = node.name
            start += value.type.shape[1]


def _check_slice(node: Node) -> Iterator[str]:
    """A slice in place shares its source's strides and takes whole blocks of channels, one after another."""
    source, result = node.inputs[0].type, node.output.type
    axis, begin, end, step = (getattr(node.op, name) for name in ("axis", "begin", "end", "step"))
    whole = axis != 1 or (begin % source.block == 0 and (end % source.block == 0 or end == source.shape[1]))
    if result.layout != source.layout or step != 1 or not whole:
        yield f"{node.name} does not lie in {node.inputs[0].name} as it is stored"
