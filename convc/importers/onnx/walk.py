"""The nodes of a model in order: folded, handed to their handlers, or refused, every refusal kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from convc.importers.builder import GraphBuilder, MissingOp, OpError
from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined, NeedsConstant, Refusal
from convc.importers.onnx.fold import can_fold, fold
from convc.importers.onnx.names import node_names
from convc.importers.onnx.reader import Model, package
from convc.importers.onnx.table import GIVES_BOOL, HANDLERS, advice, refused_type
from convc.importers.onnx.tensor import BOOL, Array, Tensor
from convc.importers.onnx.weights import array_of
from convc.ir.graph import Value

#: Subgraphs inside each other.
_DEEPEST: Final = 16

#: Operands that decide shapes or positions and are whole numbers by nature: their type is not the data's.
_DATA_OPERANDS: Final = {
    "Where": 3, "Concat": 1 << 20, "Max": 1 << 20, "Min": 1 << 20, "Sum": 1 << 20, "Mean": 1 << 20, "Add": 2, "Sub": 2,
    "Mul": 2, "Div": 2, "Pow": 2, "Mod": 2, "MatMul": 2, "Gemm": 3, "Equal": 2, "Less": 2, "Greater": 2,
    "LessOrEqual": 2, "GreaterOrEqual": 2, "And": 2, "Or": 2, "Xor": 2, "PRelu": 2, "Clip": 3,
}  # fmt: skip


@dataclass
class Walk:
    """The state of one import. A name of `known` is None where its node was refused."""

    model: Model
    builder: GraphBuilder
    known: dict[str, Tensor | None] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    weights: dict[tuple[str, str], Value] = field(default_factory=dict)

    def graph(self, nodes: Sequence[Any], depth: int = 0) -> None:
        names = node_names(nodes)
        for place, node in enumerate(nodes):
            operands = [self.known.get(name) if name else None for name in node.input]
            if any(name and tensor is None for name, tensor in zip(node.input, operands, strict=True)):
                self._unknown(node)  # follows from a refusal that is told already
                continue
            try:
                results = self._results(node, operands, names[place], depth)
                self._define(node, results)
            except (Declined, OpError, MissingOp) as error:
                self._refuse(node, error)

    # One node

    def _results(self, node: Any, operands: Sequence[Tensor | None], name: str, depth: int) -> Sequence[Any]:
        attributes = {item.name: package().helper.get_attribute_value(item) for item in node.attribute}
        if node.domain not in ("", "ai.onnx"):
            raise Declined(advice(node.op_type, node.domain))
        if node.op_type == "Constant":
            return [Tensor.known(node.output[0], self._constant(node, attributes))]
        if node.op_type in ("Shape", "Size") and operands and operands[0] is not None:
            return [Tensor.known(node.output[0], _extents(node.op_type, operands[0].shape, attributes))]
        if node.op_type == "If":
            return self._branch(operands, attributes, depth)
        if can_fold(node) and (operands or node.op_type in ("EyeLike", "Range")):
            arrays = [tensor.array if tensor is not None else None for tensor in operands]
            if all(t is None or a is not None for t, a in zip(operands, arrays, strict=True)):
                found = fold(node, self.model.opset, arrays)
                return [Tensor.known(name, a) for name, a in zip(filter(None, node.output), found, strict=False)]
        handler = HANDLERS.get(node.op_type)
        if handler is None:
            raise Declined(advice(node.op_type, node.domain))
        self._check_types(node, operands)
        call = Call(node.op_type, name, self.model.opset, operands, list(node.output), attributes, self.builder,
                    self.weights)  # fmt: skip
        results = handler(call)
        return results if isinstance(results, tuple) else (results,)

    def _define(self, node: Any, results: Sequence[Any]) -> None:
        wanted = [name for name in node.output if name]
        if len(results) < len(wanted):
            raise Declined(f"its result `{wanted[len(results)]}` is not computed")
        first = next((t.dtype for name in node.input if name and (t := self.known.get(name)) is not None), None)
        if node.op_type == "Where":
            first = self.known[node.input[1]].dtype  # type: ignore[union-attr]
        dtype = BOOL if node.op_type in GIVES_BOOL else first or np.dtype(np.float32)
        for name, result in zip(wanted, results, strict=False):
            if isinstance(result, Tensor):
                self.known[name] = result if result.name == name else result.renamed(name)
            else:
                self.known[name] = Tensor.computed(name, result, dtype)

    def _check_types(self, node: Any, operands: Sequence[Tensor | None]) -> None:
        for place, tensor in enumerate(operands[: _DATA_OPERANDS.get(node.op_type, 1)]):
            if tensor is not None and refused_type(node.op_type, tensor.dtype.kind.replace("u", "i"), place == 0):
                what = "truth values" if tensor.dtype == BOOL else f"whole numbers ({tensor.dtype})"
                raise Declined(f"it would compute with {what} while the network runs; convc computes in f32")

    def _constant(self, node: Any, attributes: Mapping[str, Any]) -> Array:
        for name, value in attributes.items():
            if name == "value":
                return array_of(self.model, value, node.output[0])
            if name in ("value_float", "value_floats"):
                return np.asarray(value, np.float32)
            if name in ("value_int", "value_ints"):
                return np.asarray(value, np.int64)
        raise Declined("a constant that is not made of numbers")

    def _branch(self, operands: Sequence[Tensor | None], attributes: Mapping[str, Any], depth: int) -> Sequence[Any]:
        """The branch of an `If` whose condition is known, in place of the node."""
        condition = operands[0] if operands else None
        if condition is None or condition.array is None:
            reason = "the condition must be a constant; convc runs the same steps every time"
            if condition is not None and condition.is_input:
                raise NeedsConstant(condition.name, reason)
            raise Declined(f"{reason}; an input that decides it is fixed by constants={{...}}, or --constant NAME=...")
        if depth >= _DEEPEST:
            raise Declined(f"more than {_DEEPEST} subgraphs inside each other")
        branch = attributes["then_branch" if bool(condition.array.reshape(-1).all()) else "else_branch"]
        for tensor in branch.initializer:
            self.known[tensor.name] = Tensor.known(tensor.name, array_of(self.model, tensor))
        self.graph(branch.node, depth + 1)
        results = [self.known.get(value.name) for value in branch.output]
        if any(result is None for result in results):
            raise Declined("a node inside its branch was refused")
        return results

    # Refusals

    def _refuse(self, node: Any, error: Exception) -> None:
        shown = node.name or next((name for name in node.output if name), "") or node.op_type
        if isinstance(error, MissingOp):
            reason = f"the op `{error}` is not there yet"
        elif isinstance(error, OpError):
            reason = f"{error}: {error.note}" if error.note else str(error)
        else:
            reason = str(error)
        needed = ""
        if isinstance(error, NeedsConstant):
            needed = error.input
            reason += f'; give it as constants={{"{needed}": ...}}, or --constant {needed}=... on the command line'
        self.refusals.append(Refusal(shown, node.op_type, reason, needed))
        self._unknown(node)

    def _unknown(self, node: Any) -> None:
        self.known.update((name, None) for name in node.output if name)
        if node.op_type not in HANDLERS and not self._told(node) and node.op_type not in _QUIET:
            shown = node.name or node.output[0]
            self.refusals.append(Refusal(shown, node.op_type, advice(node.op_type, node.domain)))

    def _told(self, node: Any) -> bool:
        shown = node.name or next((name for name in node.output if name), "") or node.op_type
        return any(item.node == shown for item in self.refusals)


#: Ops without a handler that are fine where their operands are known.
_QUIET: Final = {"Constant", "Shape", "Size", "If", "Range", "ConstantOfShape", "NonZero", "EyeLike"}


def _extents(op: str, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> Array:
    if op == "Size":
        return np.asarray(np.prod(shape, dtype=np.int64), np.int64)
    start, end = attributes.get("start", 0), attributes.get("end", len(shape))
    return np.asarray(shape[slice(start, end)], np.int64)
