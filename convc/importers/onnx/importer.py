"""A model as a graph with its weights: inputs and their shapes, the walk over the nodes, outputs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np

from convc.diagnostics import ConvcError
from convc.importers.builder import F32, GraphBuilder, legal_name
from convc.importers.onnx.biases import absorb_biases
from convc.importers.onnx.errors import UnsupportedModel
from convc.importers.onnx.reader import Model, read
from convc.importers.onnx.tensor import FLOAT, Array, Tensor
from convc.importers.onnx.walk import Walk
from convc.importers.onnx.weights import NARROWED, array_of, element_type
from convc.ir.graph import Graph, Value
from convc.ir.types import Shape

#: Names that say nothing about a network.
_NAMELESS: Final = {"main_graph", "torch_jit", "torch-jit-export", "graph", "main", ""}


@dataclass(frozen=True, slots=True)
class Imported:
    """What a model became. `outputs` are its results in order, in the model's types; `notes` say what was changed."""

    graph: Graph
    arrays: Mapping[str, F32]
    outputs: tuple[Tensor, ...]
    notes: tuple[str, ...]


def import_model(
    model: Any, shapes: Mapping[str, Sequence[int]] | None = None, constants: Mapping[str, Any] | None = None
) -> Imported:
    """The graph of an ONNX model.

    Args:
        model: A path, the bytes of a model, or a parsed `onnx.ModelProto`.
        shapes: Extents of inputs, by name, where the model leaves them open.
        constants: Inputs that are fixed to these numbers, such as a sample rate that decides what is computed.

    Raises:
        ConvcError: No readable model, or shapes are missing or do not fit.
        UnsupportedModel: Nodes that cannot be imported, all of them.
    """
    try:
        return _import(read(model), shapes or {}, constants or {})
    except UnicodeDecodeError:
        raise ConvcError("not a valid ONNX model: a name in it is not UTF-8") from None


def _import(opened: Model, shapes: Mapping[str, Sequence[int]], constants: Mapping[str, Any]) -> Imported:
    builder = GraphBuilder()
    walk = Walk(opened, builder)
    notes = list(_bind_weights(opened, walk))
    notes += _bind_inputs(opened, walk, shapes, constants)
    walk.graph(opened.proto.graph.node)
    if walk.refusals:
        raise UnsupportedModel(opened.origin, walk.refusals)
    outputs = tuple(_output(opened, walk, value.name) for value in opened.proto.graph.output)
    results = _named(builder, outputs)
    graph, arrays = absorb_biases(builder.finish(_network_name(opened), results), builder.arrays)
    return Imported(graph, arrays, outputs, tuple(notes))


def _bind_weights(model: Model, walk: Walk) -> Iterator[str]:
    narrowed: Counter[str] = Counter()
    for tensor in model.proto.graph.initializer:
        array = array_of(model, tensor)
        if array.dtype.name in NARROWED:
            narrowed[NARROWED[array.dtype.name]] += 1
            array = _narrow(model, tensor.name, array)
        walk.known[tensor.name] = Tensor.known(tensor.name, array)
    if model.proto.graph.sparse_initializer:
        raise ConvcError(f"{model.origin}: holds sparse weights; write them dense")
    for name, count in narrowed.items():
        yield f"{count} weight{'s' if count > 1 else ''} of type {name} became f32"


def _narrow(model: Model, name: str, array: Array) -> Array:
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.array_equal(np.isfinite(narrow), np.isfinite(array)):
        raise ConvcError(f"{model.origin}: weight `{name}` has numbers too large for f32")
    return narrow


# Inputs


def _bind_inputs(
    model: Model, walk: Walk, shapes: Mapping[str, Sequence[int]], constants: Mapping[str, Any]
) -> Iterator[str]:
    inputs = [value for value in model.proto.graph.input if value.name not in walk.known]
    _check_names(model, [value.name for value in inputs], [*shapes, *constants])
    faults: list[str] = []
    extents: dict[str, int] = {}
    for value in inputs:
        if value.name in constants:
            walk.known[value.name] = Tensor.known(value.name, _fixed(model, value, constants[value.name]))
            continue
        dtype = _dtype(model, value)
        shape = _shape(value, shapes.get(value.name), extents, faults)
        if shape is None:
            continue
        result = walk.builder.input(legal_name(value.name).replace(".", "_") or "x", shape)
        walk.known[value.name] = Tensor(value.name, dtype, shape, None, result, is_input=True)
        if dtype != FLOAT:
            yield f"input `{value.name}` is {dtype} in the model, f32 here"
    if faults:
        raise ConvcError("\n".join(f"{model.origin}: {fault}" for fault in faults))


def _check_names(model: Model, inputs: Sequence[str], given: Sequence[str]) -> None:
    for name in given:
        if name not in inputs:
            known = ", ".join(f"`{known}`" for known in inputs) or "none"
            raise ConvcError(f"{model.origin}: has no input `{name}`; its inputs: {known}")


def _dtype(model: Model, value: Any) -> np.dtype[Any]:
    if not value.type.HasField("tensor_type"):
        raise ConvcError(f"{model.origin}: input `{value.name}` is no tensor; convc takes tensors of numbers only")
    dtype = element_type(value.type.tensor_type.elem_type)
    if dtype is None:
        raise ConvcError(f"{model.origin}: input `{value.name}` is not made of numbers")
    return dtype


def _fixed(model: Model, value: Any, given: Any) -> Array:
    """An input's numbers, in the model's type and rank; one number fills a tensor of any rank."""
    array, rank = np.asarray(given, _dtype(model, value)), len(value.type.tensor_type.shape.dim)
    array = array.reshape((1,) * rank) if array.size == 1 else array
    if array.ndim != rank:
        raise ConvcError(f"{model.origin}: input `{value.name}` has {rank} axes, its constant {array.ndim}")
    return array


def _shape(value: Any, given: Sequence[int] | None, extents: dict[str, int], faults: list[str]) -> Shape | None:
    """The extents of an input: the model's, and those given where it leaves them open; faults are collected."""
    tensor = value.type.tensor_type
    dims = list(tensor.shape.dim) if tensor.HasField("shape") else None
    if dims is None:
        if given is None:
            faults.append(_open(value.name, "says nothing about the shape of", [], []))
            return None
        return tuple(int(n) for n in given)
    fixed = [dim.dim_value if dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0 else None for dim in dims]
    names = [dim.dim_param for dim in dims]
    shown = [str(n) if n is not None else name or "?" for n, name in zip(fixed, names, strict=True)]
    if given is None:
        if None in fixed:
            faults.append(_open(value.name, f"leaves extents of [{', '.join(shown)}] open for", fixed, names))
            return None
        given = [n for n in fixed if n is not None]
    if len(given) != len(fixed) or any(n not in (None, g) or g < 0 for n, g in zip(fixed, given, strict=True)):
        faults.append(f"input `{value.name}` is [{', '.join(shown)}], which {list(given)} does not fit")
        return None
    for name, extent in zip(names, given, strict=True):
        if name and name != "?" and extents.setdefault(name, int(extent)) != extent:
            faults.append(f"input `{value.name}`: `{name}` is {extent} here and {extents[name]} in another input")
            return None
    if not 0 < prod(given) < 2**31:
        size = "too large" if prod(given) else "empty; tensors without elements are not computed"
        faults.append(f"input `{value.name}` of shape {list(given)} is {size}")
        return None
    return tuple(int(n) for n in given)


def _open(name: str, what: str, fixed: Sequence[int | None], names: Sequence[str]) -> str:
    """What to write where the model leaves a shape open, with likely numbers."""
    likely = [1, 3, 224, 224] if not fixed else [
        n if n is not None else 1 if place == 0 else 224 for place, n in enumerate(fixed)
    ]  # fmt: skip
    numbers = ", ".join(map(str, likely))
    return (
        f"the model {what} its input `{name}`\n"
        f'  write for example shapes={{"{name}": ({numbers}{"," if len(likely) == 1 else ""})}}, '
        f"or --shape {name}={','.join(map(str, likely))} on the command line"
    )


# Outputs


def _output(model: Model, walk: Walk, name: str) -> Tensor:
    tensor = walk.known.get(name)
    if tensor is None:
        raise ConvcError(f"{model.origin}: output `{name}` is computed by no node")
    return tensor.renamed(name)


def _named(builder: GraphBuilder, outputs: Sequence[Tensor]) -> dict[str, Value]:
    """The outputs under names of the language; what is known becomes a weight."""
    results: dict[str, Value] = {}
    for tensor in outputs:
        name = legal_name(tensor.name).replace(".", "_") or "output"
        while name in results:
            name += "_"
        if tensor.value is not None:
            results[name] = tensor.value
        else:
            assert tensor.array is not None
            results[name] = builder.parameter(name, tensor.array)
    return results


def _network_name(model: Model) -> str:
    name = model.name if model.proto.graph.name in _NAMELESS or model.folder is not None else model.proto.graph.name
    return legal_name(re.sub(r"\W", "_", name)).strip("_") or "network"
