"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError
from convc.ir.graph import Node, fresh_name


def package() -> Any:
    """The onnx package.

    Raises:
        ConvcError: It is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ConvcError("writing ONNX models needs the onnx package: pip install 'convc[onnx]'") from None
    return onnx


class Emitter:
    """Collects nodes and initializers. The value of a node of ours keeps its name; what is between gets a new one."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._taken = set(taken)
        self._known: dict[tuple[Any, ...], str] = {}
        self._onnx = package()
        self._scope = ""

    def begin(self, node: Node) -> None:
        """All that follows belongs to `node`."""
        self._scope = node.name

    def fresh(self, wanted: str) -> str:
        name = fresh_name(wanted, self._taken)
        self._taken.add(name)
        return name

    def op(self, kind: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        """A node with one result, called `into` where that is given."""
        (result,) = self.ops(kind, inputs, (into or self.fresh(f"{self._scope}/{kind}"),), **attributes)
        return result

    def ops(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> tuple[str, ...]:
        name = self.fresh(f"/{self._scope.replace('.', '/')}/{kind}")
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), list(outputs), name=name, **attributes))
        return tuple(outputs)

    def weight(self, name: str, array: npt.NDArray[Any]) -> None:
        self.initializers.append(self._onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))

    def numbers(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant of the model; equal ones are shared."""
        array = np.asarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self.fresh(f"constant_{len(self._known)}")
            self.weight(self._known[key], array)
        return self._known[key]

    def ints(self, values: Sequence[int]) -> str:
        return self.numbers(list(values), np.int64)

    def to_bool(self, name: str) -> str:
        return self.op("Cast", name, to=self._onnx.TensorProto.BOOL)

    def to_f32(self, name: str, into: str) -> str:
        return self.op("Cast", name, into=into, to=self._onnx.TensorProto.FLOAT)
