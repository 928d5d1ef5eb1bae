"""Nodes whose operands are all known, evaluated when the model is read: chains of shape arithmetic vanish.

The evaluator is ONNX's own reference implementation, so every op of every operator set folds, whether the language has
it or not. What a node would make is bounded before it is made.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np

from convc.importers.onnx.errors import Declined
from convc.importers.onnx.reader import package
from convc.importers.onnx.tensor import Array

#: Elements that one folded node may make.
LIMIT: Final = 1 << 27

#: Ops whose result is no function of their operands' values, or that would run a graph.
_NEVER: Final = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli",
                 "If", "Loop", "Scan", "SequenceMap", "Dropout",
                 "Softmax", "LogSoftmax", "Hardmax"}  # fmt: skip  # the reference knows only the newest rule of axes

#: Ops that the reference knows only from a later operator set, where they mean the same.
_FROM: Final = {"DequantizeLinear": 19, "QuantizeLinear": 19}


def can_fold(node: Any) -> bool:
    return node.op_type not in _NEVER and node.domain in ("", "ai.onnx")


def fold(node: Any, opset: int, operands: Sequence[Array | None]) -> list[Array]:
    """The results of a node over known operands.

    Raises:
        Declined: They would be too large, are not arrays, or the node refuses its operands.
    """
    if _size(node, operands) > LIMIT:
        raise Declined(f"its constant result would have {_size(node, operands)} elements, at most {LIMIT} are folded")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            results = _evaluate(node, max(opset, _FROM.get(node.op_type, 0)), operands)
    except Exception as error:  # the reference implementation raises nearly anything
        raise Declined(f"its constant operands do not fit: {' '.join(str(error).split())[:300]}") from None
    arrays = [np.asarray(result) for result in results]
    if any(array.dtype.kind not in "fiub" for array in arrays):
        raise Declined("its result is not made of numbers")
    return arrays


def _evaluate(node: Any, opset: int, operands: Sequence[Array | None]) -> Sequence[Any]:
    import onnx.reference

    onnx = package()
    given = {name: array for name, array in zip(node.input, operands, strict=True) if name and array is not None}
    inputs = [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
              for n, a in given.items()]  # fmt: skip
    outputs = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "folded", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    found: Any = onnx.reference.ReferenceEvaluator(model).run(None, given)
    return list(found)


def _size(node: Any, operands: Sequence[Array | None]) -> int:
    """A bound on the elements of the result, where the operands' values decide it."""
    first = operands[0] if operands else None
    known = [array for array in operands if array is not None]
    total = sum(array.size for array in known)
    match node.op_type:
        case "ConstantOfShape" if first is not None:
            return prod(int(n) for n in first.reshape(-1))
        case "Expand" if len(known) > 1:
            return max(1, known[0].size) * prod(max(1, int(n)) for n in known[1].reshape(-1))
        case "Tile" if len(known) > 1:
            return known[0].size * prod(max(0, int(n)) for n in known[1].reshape(-1))
        case "Range" if len(known) == 3 and all(array.size == 1 for array in known):
            start, limit, step = (float(array.reshape(())) for array in known)
            return int(max(0.0, (limit - start) / step)) if step else LIMIT + 1
        case "Pad" if len(known) > 1:
            return known[0].size + int(np.abs(known[1]).max(initial=0)) * max(1, known[0].size) * known[0].ndim
        case "OneHot" if len(known) > 1:
            return known[0].size * int(np.max(known[1], initial=0))
        case "MatMul" | "Gemm" if len(known) > 1:
            return int(known[0].size * known[1].size // max(1, *known[0].shape[-1:], *known[1].shape[:-1][-1:]))
        case "Conv" if len(known) > 1 and min(known[0].ndim, known[1].ndim) > 1:
            return _patches(node, known[0], known[1])
        case "Resize" | "Upsample" | "Einsum" | "Conv" | "ConvTranspose":
            return LIMIT + 1
        case _:
            return max(total, _broadcast_size(known))


def _patches(node: Any, x: Array, weight: Array) -> int:
    """A bound on the elements of a convolution's result and of the windows gathered for it, as if its stride were 1."""
    pads = next((attribute.ints for attribute in node.attribute if attribute.name == "pads"), ())
    rank = x.ndim - 2
    more = [sum(int(pad) for pad in pads[axis::rank]) for axis in range(rank)]
    pixels = x.shape[0] * prod(max(1, extent + pad) for extent, pad in zip(x.shape[2:], more, strict=True))
    return int(pixels * max(weight.shape[0], x.shape[1] * prod(weight.shape[2:])))


def _broadcast_size(known: Sequence[Array]) -> int:
    """The product of the largest extents: what broadcasting could make at most."""
    rank = max((array.ndim for array in known), default=0)
    shapes = [(1,) * (rank - array.ndim) + array.shape for array in known]
    largest = prod(max(extents) for extents in zip(*shapes, strict=True)) if shapes else 1
    return largest
