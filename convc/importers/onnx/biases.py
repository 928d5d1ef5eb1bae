"""A constant per channel that is added behind a convolution or a linear layer becomes its bias.

    y = conv(x, weight = w, bias = false)
    z = add(y, v)                                         # v: f32[1, oc, 1, 1], a weight

    y = conv(x, weight = w, bias = y.bias)                # y.bias: f32[oc]

Paddle and TensorFlow write their models so. Requires that nothing else reads `y`. The numbers are the same: a bias is
added after the sum, as the constant was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from convc.importers.builder import F32
from convc.ir.graph import Graph, Node, Value, fresh_name
from convc.ir.types import TensorType
from convc.ops.conv import Conv
from convc.ops.conv_transpose import ConvTranspose
from convc.ops.elementwise import Add
from convc.ops.linear import Linear

_Layer = Conv | ConvTranspose | Linear


def absorb_biases(graph: Graph, arrays: Mapping[str, F32]) -> tuple[Graph, dict[str, F32]]:
    """The graph with such constants as biases, and its weights."""
    constants = {value.name: value for value in graph.parameters}
    taken = {*constants, *(value.name for node in graph.nodes for value in node.outputs)}
    known, parameters = dict(arrays), list(graph.parameters)
    instead: dict[str, Value] = {}  # of a sum that is gone: the layer's result
    nodes: list[Node] = []
    places: dict[str, int] = {}
    for node in graph.nodes:
        found = _layer_and_constant(node, graph, constants)
        if found is None:
            inputs = tuple(instead.get(value.name, value) for value in node.inputs)
            places.update((value.name, len(nodes)) for value in node.outputs)
            nodes.append(node if inputs == node.inputs else replace(node, inputs=inputs))
            continue
        layer, constant = found
        result = layer.output
        bias = Value(fresh_name(f"{result.name}.bias", taken), TensorType.plain((constant.type.elements,)))
        taken.add(bias.name)
        parameters.append(bias)
        known[bias.name] = arrays[constant.name].reshape(bias.type.shape)
        instead[node.name] = result
        layer = nodes[places[result.name]]  # its input may be another layer's result by now
        assert isinstance(layer.op, _Layer)
        nodes[places[result.name]] = replace(layer, op=replace(layer.op, bias=True), inputs=(*layer.inputs, bias))
    outputs = tuple(replace(output, value=instead.get(output.value.name, output.value)) for output in graph.outputs)
    whole = replace(graph, nodes=tuple(nodes), parameters=tuple(parameters), outputs=outputs)
    result_graph = whole.only({output.name for output in outputs})
    return result_graph, {value.name: known[value.name] for value in result_graph.parameters}


def _layer_and_constant(node: Node, graph: Graph, constants: Mapping[str, Value]) -> tuple[Node, Value] | None:
    """The layer without a bias whose result `node` adds a constant per channel to, and that constant."""
    if not isinstance(node.op, Add):
        return None
    for result, constant in (node.inputs, node.inputs[::-1]):
        layer = graph.producers.get(result.name)
        if layer is None or constant.name not in constants or not isinstance(layer.op, _Layer) or layer.op.bias:
            continue
        alone = len(graph.users[result.name]) == 1 and result.name not in graph.output_names
        if alone and _is_per_channel(constant.type.shape, result.type, -1 if isinstance(layer.op, Linear) else 1):
            return layer, constant
    return None


def _is_per_channel(shape: tuple[int, ...], result: TensorType, axis: int) -> bool:
    if len(shape) > result.rank:
        return False
    whole = (1,) * (result.rank - len(shape)) + shape
    return whole[axis] == result.shape[axis] == prod(shape)
