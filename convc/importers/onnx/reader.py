"""From bytes to a checked model: the onnx package parses it, its checker holds it against the schemas.

What comes out is well formed: nodes in topological order, every name defined once and before it is read, attributes of
the types their op has, local functions inlined.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from convc.diagnostics import ConvcError

#: The first operator set that is read as it is; older ones broadcast by other rules, and are converted first.
FIRST_OPSET: Final = 7

_MISSING = "reading ONNX models needs the onnx package: pip install 'convc[onnx]'"


@dataclass(frozen=True, slots=True)
class Model:
    """A checked model. `folder` is where external data may lie, `origin` how messages call the model."""

    proto: Any
    opset: int
    origin: str
    name: str
    folder: Path | None


def package() -> Any:
    """The onnx package, with the parts used here.

    Raises:
        ConvcError: It is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.inliner
        import onnx.numpy_helper
    except ImportError:
        raise ConvcError(_MISSING) from None
    return onnx


def read(model: Any) -> Model:
    """The model in a file, in bytes, or already parsed.

    Raises:
        ConvcError: No such file, no ONNX model, an operator set out of reach, or the checker refuses it.
    """
    onnx = package()
    origin, name, folder = "the model", "", None
    if isinstance(model, onnx.ModelProto):
        proto = model
    elif isinstance(model, (bytes, bytearray)):
        proto = _parse(onnx, bytes(model), origin)
    else:
        path = Path(model)
        origin, name, folder = str(path), path.stem, path.resolve().parent
        try:
            proto = _parse(onnx, path.read_bytes(), origin)
        except OSError as error:
            raise ConvcError(f"cannot read the model {path}: {error.strerror or error}") from None
    opset = _opset(onnx, proto, origin)
    if opset < FIRST_OPSET:
        proto, opset = _converted(proto, origin), FIRST_OPSET
    if proto.functions:
        proto = _inlined(onnx, proto, origin)
    _check(onnx, proto, origin)
    return Model(proto, opset, origin, name or proto.graph.name or "network", folder)


def _parse(onnx: Any, data: bytes, origin: str) -> Any:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # DecodeError, of whichever protobuf is installed
        raise ConvcError(f"{origin}: not an ONNX model: {_line(error)}") from None
    if not proto.graph.node and not proto.graph.output:
        raise ConvcError(f"{origin}: not an ONNX model: it holds no graph")
    return proto


def _opset(onnx: Any, proto: Any, origin: str) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1:
        raise ConvcError(f"{origin}: names {len(versions)} versions of ONNX's operator set; one is needed")
    if versions[0] > newest:
        raise ConvcError(f"{origin}: uses operator set {versions[0]}, the onnx package installed here knows {newest}; "
                         "upgrade it: pip install --upgrade onnx")  # fmt: skip
    return int(versions[0])


def _converted(proto: Any, origin: str) -> Any:
    """An old model in the first operator set that is read, by ONNX's own converter."""
    from onnx.version_converter import convert_version

    try:
        return convert_version(proto, FIRST_OPSET)
    except Exception as error:
        raise ConvcError(f"{origin}: uses an operator set before {FIRST_OPSET}, and ONNX's converter cannot bring it "
                         f"there: {_line(error)}") from None  # fmt: skip


def _inlined(onnx: Any, proto: Any, origin: str) -> Any:
    try:
        return onnx.inliner.inline_local_functions(proto)
    except Exception as error:
        raise ConvcError(f"{origin}: its local functions cannot be inlined: {_line(error)}") from None


def _check(onnx: Any, proto: Any, origin: str) -> None:
    """Hold everything but the weights' data against ONNX's own checker."""
    skeleton = onnx.ModelProto()
    skeleton.ir_version, skeleton.producer_name = proto.ir_version, proto.producer_name
    skeleton.opset_import.extend(proto.opset_import)
    graph = skeleton.graph
    graph.name = proto.graph.name or "graph"
    graph.node.extend(proto.graph.node)
    graph.input.extend(proto.graph.input)
    graph.output.extend(proto.graph.output)
    for value in (*graph.input, *graph.output):  # a shape may be missing: then it is asked for, or worked out
        if value.type.WhichOneof("value") == "tensor_type":
            value.type.tensor_type.shape.SetInParent()
    known = {value.name for value in graph.input}
    seen: set[str] = set()
    for tensor in proto.graph.initializer:
        if tensor.name in seen:
            raise ConvcError(f"{origin}: two weights are called `{tensor.name}`")
        seen.add(tensor.name)
        if tensor.name not in known:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    try:
        onnx.checker.check_model(skeleton)
    except Exception as error:  # ValidationError, or whatever odd bytes bring about
        raise ConvcError(f"{origin}: not a valid ONNX model: {_line(error)}") from None


def _line(error: Exception) -> str:
    """An exception's text on one line, and not without end."""
    return " ".join(str(error).split())[:600]
