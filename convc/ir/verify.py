"""The laws of the IR; a graph that breaks one is a fault of convc's own."""

from __future__ import annotations

from collections.abc import Iterable

from convc.diagnostics import InternalError
from convc.ir.graph import Graph, Node, Value
from convc.ir.op import Fused, OpError
from convc.ir.types import TensorType, ceil_div


def verify(graph: Graph, after: str) -> None:
    """Check names, order, types and regions of `graph`, which `after` (a pass) made.

    Raises:
        InternalError: A law is broken; names the pass and the node.
    """
    known: dict[str, TensorType] = {}
    for value in (*graph.inputs, *graph.parameters):
        _define(known, value, after)
    _check_nodes(graph.nodes, known, after)
    for output in graph.outputs:
        if known.get(output.value.name) != output.value.type:
            raise InternalError(f"after {after}: output `{output.name}` is {output.value.name}, which nothing defines")
    names = [output.name for output in graph.outputs]
    if len(set(names)) != len(names):
        raise InternalError(f"after {after}: two outputs of one name: {names}")


def _define(known: dict[str, TensorType], value: Value, after: str) -> None:
    if value.name in known:
        raise InternalError(f"after {after}: `{value.name}` is defined twice")
    known[value.name] = value.type


def _check_nodes(nodes: Iterable[Node], known: dict[str, TensorType], after: str) -> None:
    for node in nodes:
        for value in node.inputs:
            if known.get(value.name) != value.type:
                raise InternalError(
                    f"after {after}: {node.name} reads `{value.name}: {value.type}`, "
                    f"which {'is ' + str(known[value.name]) if value.name in known else 'is not defined before it'}"
                )
        if isinstance(node.op, Fused):
            inner = {value.name: value.type for value in node.inputs}
            _check_nodes(node.op.nodes, inner, after)
            if node.inputs != node.op.inputs or node.outputs != node.op.results:
                raise InternalError(f"after {after}: the region {node.name} does not match its own nodes")
        _check_types(node, after)
        for value in node.outputs:
            _define(known, value, after)


def _check_types(node: Node, after: str) -> None:
    try:
        inferred = node.op.infer(*(value.type for value in node.inputs))
    except OpError as error:
        raise InternalError(f"after {after}: {node.name}: {error.title}: {error.note}") from error
    for value, type in zip(node.outputs, inferred, strict=True):
        if not value.type.same_logical(type):
            raise InternalError(f"after {after}: {value.name} is {value.type}, its op makes {type}")
    if getattr(node.op, "in_place", False):
        _check_in_place(node, after)


def _check_in_place(node: Node, after: str) -> None:
    """Operands of a concatenation in place share its strides and begin at whole blocks."""
    result, start = node.output.type, 0
    for value in node.inputs:
        same = value.type.layout == result.layout
        if not same or start % result.block:
            raise InternalError(f"after {after}: {value.name} does not lie in {node.name} at channel {start}")
        start += value.type.shape[1]
    if ceil_div(start, result.block) != ceil_div(result.shape[1], result.block):
        raise InternalError(f"after {after}: the operands of {node.name} do not fill it")
