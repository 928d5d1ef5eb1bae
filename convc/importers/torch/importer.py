"""A module as a graph with its weights, which keep the names of the module's state dict."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convc.diagnostics import ConvcError
from convc.importers.builder import F32, GraphBuilder, legal_name
from convc.importers.onnx.errors import UnsupportedModel
from convc.importers.torch.call import Weight
from convc.importers.torch.handlers import HANDLERS
from convc.importers.torch.walk import Walk, name_of
from convc.ir.graph import Graph, Value


@dataclass(frozen=True, slots=True)
class Imported:
    """What a module became."""

    graph: Graph
    arrays: Mapping[str, F32]


def import_module(module: Any, example_inputs: Sequence[Any], name: str = "") -> Imported:
    """The graph of a `torch.nn.Module` for inputs of these shapes.

    Raises:
        ConvcError: torch is not installed, the module trains, or cannot be traced.
        UnsupportedModel: Nodes that cannot be imported, all of them.
    """
    program = export(module, example_inputs)
    origin = name or type(module).__name__
    builder = GraphBuilder()
    walk = Walk(builder)
    _bind_placeholders(program, walk, origin)
    walk.run(program.graph.nodes)
    if walk.refusals:
        raise UnsupportedModel(origin, walk.refusals)
    (last,) = (node for node in program.graph.nodes if node.op == "output")
    outputs = _named(walk, program, last.args[0], origin)
    graph = builder.finish(legal_name(re.sub(r"\W", "_", origin)).lower() or "network", outputs)
    return Imported(graph, builder.arrays)


def export(module: Any, example_inputs: Sequence[Any]) -> Any:
    """The module as an exported program in which no op writes to its operands."""
    try:
        import torch
    except ImportError:
        raise ConvcError("PyTorch is not installed; install convc with its extra: pip install 'convc[torch]'") from None
    training = [name or "the module" for name, part in module.named_modules() if part.training]
    if training:
        raise ConvcError(f"{training[0]} is in training mode; call `module.eval()` first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch's tracer says of itself
            program = torch.export.export(module, tuple(example_inputs))
            return program if _is_read(program) else program.run_decompositions(_rules())
    except Exception as error:  # whatever the module's own code does while it is traced
        raise ConvcError(f"torch.export cannot trace {type(module).__name__}: {error}") from error


def _is_read(program: Any) -> bool:
    """Whether every op of it has a handler, or is folded, and none writes to an operand."""
    schemas = [getattr(node.target, "_schema", None) for node in program.graph.nodes if node.op == "call_function"]
    named = [schema for schema in schemas if schema is not None]
    return all(name_of(schema) in HANDLERS and not schema.is_mutable for schema in named)


def _rules() -> dict[Any, Any]:
    """torch's own rules for ops in terms of others, but for those that have handlers."""
    import torch

    rules = torch.export.default_decompositions()
    return {op: rule for op, rule in rules.items() if name_of(op._schema) not in HANDLERS}


def _bind_placeholders(program: Any, walk: Walk, origin: str) -> None:
    """Parameters, buffers and constants as weights; the user's inputs as inputs."""
    values = {**program.state_dict, **program.constants}
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            array = values[spec.target].detach().cpu().numpy()
            folded = spec.kind.name == "CONSTANT_TENSOR" or array.dtype.kind != "f"
            walk.known[node.name] = Weight(spec.target, array, folded)
        elif spec.kind.name == "USER_INPUT" and hasattr(node.meta.get("val"), "dtype"):
            walk.known[node.name] = _input(walk.builder, node, origin)
        else:
            walk.known[node.name] = getattr(spec.arg, "value", None)  # a number or a flag, which the trace has used


def _input(builder: GraphBuilder, node: Any, origin: str) -> Value:
    tensor = node.meta["val"]
    if str(tensor.dtype) != "torch.float32":
        raise ConvcError(f"{origin}: input `{node.name}` is {tensor.dtype}; convc takes torch.float32")
    if any(not isinstance(extent, int) for extent in tensor.shape):
        raise ConvcError(f"{origin}: input `{node.name}` has no fixed shape: {list(tensor.shape)}")
    return builder.input(legal_name(node.name), tuple(tensor.shape))


def _named(walk: Walk, program: Any, results: Sequence[Any], origin: str) -> dict[str, Value]:
    """The results the user asked for; what the export adds for changed buffers is no inference."""
    kinds = [spec.kind.name for spec in program.graph_signature.output_specs]
    if "BUFFER_MUTATION" in kinds or "USER_INPUT_MUTATION" in kinds:
        raise ConvcError(f"{origin}: changes a buffer or an input while it runs")
    outputs: dict[str, Value] = {}
    for result in results:
        value = walk.known.get(getattr(result, "name", ""))
        if isinstance(value, Weight):
            value = walk.weight_value(value)
        if not isinstance(value, Value):
            raise ConvcError(f"{origin}: returns {result!r}, which is no tensor that it computes")
        outputs[f"output{len(outputs) + 1}" if len(results) > 1 else "output"] = value
    if not outputs:
        raise ConvcError(f"{origin}: returns no tensor")
    return outputs


__all__ = ["Imported", "export", "import_module"]
