"""convc behind ONNX's backend interface, so that the ONNX project's own tests run on it.

    from convc.onnx_backend import ConvcBackend
    (y,) = ConvcBackend.run_model(onnx.load("model.onnx"), [x])

A kernel is built for the shapes of the arrays it is run on, and for the values of those inputs that decide shapes or
are weights (the `shape` of a Reshape, the `W` of a Conv); it is kept and reused while these stay the same. The kernel
computes in f32: arrays of other types are converted at the boundary, whole numbers only where f32 holds them exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep, namedtupledict
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from convc import driver
from convc.diagnostics import ConvcError
from convc.importers.onnx import Imported, UnsupportedModel, import_model
from convc.importers.onnx.tensor import Array, Tensor
from convc.network import Network
from convc.weights.store import Weights

#: Whole numbers up to here are exact in f32.
_EXACT: Final = 1 << 24

Kernel = Any
Key = tuple[Any, ...]


class Unsupported(BackendIsNotSupposedToImplementIt, ConvcError):  # type: ignore[misc]
    """The model has something that convc does not do; the text says what."""


class ConvcRep(BackendRep):  # type: ignore[misc]
    """A model ready to run on arrays."""

    def __init__(self, model: onnx.ModelProto, options: Mapping[str, Any]) -> None:
        self._model, self._options = model, dict(options)
        weights = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [value.name for value in model.graph.input if value.name not in weights]
        self._outputs = [value.name for value in model.graph.output]
        if any(value.type.WhichOneof("value") not in (None, "tensor_type") for value in model.graph.output):
            raise Unsupported("an output is a sequence or optional; convc computes tensors of numbers only")
        self._types = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
        self._constants: set[str] = set()
        self._built: dict[Key, tuple[Imported, Kernel]] = {}

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for `inputs`: a sequence in the model's order, a mapping by name, or one array alone."""
        arrays = self._by_name(inputs)
        imported, kernel = self._specialised(arrays)
        given = [arrays[name] for name in self._inputs if name not in self._constants]
        results = iter(_run(kernel, [_to_f32(array) for array in given]))
        outputs = [
            tensor.array if tensor.array is not None else _from_f32(next(results), self._type(tensor))
            for tensor in imported.outputs
        ]
        named: tuple[Any, ...] = namedtupledict("Outputs", self._outputs)(*outputs)
        return named

    def _type(self, tensor: Tensor) -> np.dtype[Any]:
        """The element type of an output: the one the model writes, if it is of the kind that was computed."""
        written = self._types[tensor.name]
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(written)) if written else tensor.dtype
        return dtype if dtype.kind in (tensor.dtype.kind, "V") else tensor.dtype

    def _by_name(self, inputs: Any) -> dict[str, Array]:
        if isinstance(inputs, Mapping):
            given = dict(inputs)
        else:
            items = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
            if len(items) != len(self._inputs):
                raise ConvcError(f"the model takes {len(self._inputs)} inputs, not {len(items)}")
            given = dict(zip(self._inputs, items, strict=True))
        if any(item is None or isinstance(item, (list, tuple)) for item in given.values()):
            raise Unsupported("an input is a sequence or optional; convc takes tensors of numbers only")
        return {name: np.asarray(array) for name, array in given.items()}

    def _specialised(self, arrays: Mapping[str, Array]) -> tuple[Imported, Kernel]:
        """The kernel for these shapes, and for the values of the inputs that must be constant."""
        self._constants |= {name for name, array in arrays.items() if not array.size}  # a list of no axes, say
        while True:
            constants = {name: arrays[name] for name in sorted(self._constants)}
            key = (
                tuple((name, array.shape, array.dtype.str) for name, array in arrays.items()),
                tuple(array.tobytes() for array in constants.values()),
            )
            if key not in self._built:
                try:
                    self._built[key] = self._build(arrays, constants)
                except UnsupportedModel as error:
                    needed = {item.input for item in error.refusals if item.input} - self._constants
                    if not needed:
                        raise Unsupported("\n".join(map(str, error.refusals))) from None
                    self._constants |= needed
                    continue
                except ConvcError as error:
                    raise Unsupported(str(error)) from None
            return self._built[key]

    def _build(self, arrays: Mapping[str, Array], constants: Mapping[str, Array]) -> tuple[Imported, Kernel]:
        shapes = {name: array.shape for name, array in arrays.items() if name not in constants}
        imported = import_model(self._model, shapes, constants)
        graph = imported.graph
        if all(tensor.array is not None for tensor in imported.outputs):
            return imported, None
        kept = {o.name for o, t in zip(graph.outputs, imported.outputs, strict=True) if t.array is None}
        graph = graph.only(kept)
        network = Network(graph, Weights.bind({v.name: imported.arrays[v.name] for v in graph.parameters}, graph))
        return imported, driver.compile(network, **self._options)


class ConvcBackend(Backend):  # type: ignore[misc]
    """ONNX's backend interface; options of `convc.compile` (`threads`, `level`, ...) are passed on."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> ConvcRep:
        """The model, checked; built when it is run, as only then all shapes are known."""
        if not cls.supports_device(device):
            raise ConvcError(f"convc runs on the CPU, not on {device!r}")
        return ConvcRep(model, kwargs)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None, **kwargs: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        """One node on arrays, as a model of its own."""
        opset = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        names = [name for name in node.input if name]
        arrays = [np.asarray(array) for array in inputs]
        ports = [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, arrays, strict=True)
        ]
        outputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in node.output]
        graph = onnx.helper.make_graph([node], "node", ports, outputs)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        return cls.prepare(model, device, **kwargs).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.partition(":")[0] == "CPU"


def _run(kernel: Kernel, arrays: Sequence[Array]) -> Sequence[Array]:
    if kernel is None:
        return ()
    results = kernel(*arrays)
    return results if isinstance(results, tuple) else (results,)


def _to_f32(array: Array) -> Array:
    if array.dtype.kind in "iu" and array.size and max(abs(int(array.min())), abs(int(array.max()))) > _EXACT:
        raise Unsupported(f"whole numbers beyond {_EXACT}, which f32 does not hold exactly")
    with np.errstate(over="ignore", under="ignore"):
        narrow = np.asarray(array, np.float32, order="C")
    if array.dtype == np.float64 and not np.array_equal(np.abs(narrow) > 0, np.abs(array) > 0, equal_nan=True):
        raise Unsupported("numbers too small for f32")
    if array.dtype == np.float64 and not np.array_equal(np.isfinite(narrow), np.isfinite(array)):
        raise Unsupported("numbers too large for f32")
    return narrow


def _from_f32(array: Array, dtype: np.dtype[Any]) -> Array:
    return np.asarray(array if dtype.kind in "fbV" else np.rint(array)).astype(dtype)
