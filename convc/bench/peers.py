"""How each system loads a network and runs it: convc a library it built, others an ONNX file or what was made of it.

A loader takes a path and a number of threads, and gives a function from arrays to arrays and the system's version. It
imports its system itself, so that only what is raced need be installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

Arrays = Sequence[Any]
Run = Callable[[Arrays], Arrays]
Loader = Callable[[Path, int], Run]


def _convc(path: Path, threads: int) -> Run:
    from convc.native.kernel import open_library

    kernel = open_library(path, threads)

    def run(arrays: Arrays) -> Arrays:
        results = kernel(*arrays)
        return results if isinstance(results, tuple) else (results,)

    return run


def _ort(path: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def _openvino(path: Path, threads: int) -> Run:
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(path), "CPU", hints)
    request = model.create_infer_request()

    def run(arrays: Arrays) -> Arrays:
        request.infer(list(arrays), share_inputs=True)
        return [request.get_output_tensor(i).data for i in range(len(model.outputs))]

    return run


def _torch(path: Path, threads: int, compiled: bool = False) -> Run:
    import torch

    from convc.bench.torch_module import torch_run

    torch.set_num_threads(threads)
    return torch_run(path, compiled)


def _inductor(path: Path, threads: int) -> Run:
    """PyTorch's compiler, which needs a C++ compiler."""
    return _torch(path, threads, compiled=True)


def _ncnn(path: Path, threads: int) -> Run:
    """What `pnnx` made of the model: `NAME.ncnn.param` and `.bin` beside it, of one input and one output."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    for half in ("fp16_storage", "fp16_packed", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{half}", False)
    net.load_param(str(path.with_suffix(".ncnn.param")))
    net.load_model(str(path.with_suffix(".ncnn.bin")))

    def run(arrays: Arrays) -> Arrays:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(arrays[0][0]))
        return [np.array(extractor.extract("out0")[1])]

    return run


def _mnn(path: Path, threads: int) -> Run:
    """What `MNNConvert` made of the model: `NAME.mnn` beside it, of one input and one output."""
    import MNN

    interpreter = MNN.Interpreter(str(path.with_suffix(".mnn")))
    session = interpreter.createSession({"numThread": threads, "backend": "CPU", "precision": "high"})
    source, result = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
    shape, floats, layout = tuple(result.getShape()), MNN.Halide_Type_Float, MNN.Tensor_DimensionType_Caffe

    def run(arrays: Arrays) -> Arrays:
        source.copyFrom(MNN.Tensor(arrays[0].shape, floats, arrays[0], layout))
        interpreter.runSession(session)
        host = MNN.Tensor(shape, floats, np.zeros(shape, np.float32), layout)
        result.copyToHostTensor(host)
        return [np.array(host.getNumpyData()).reshape(shape)]

    return run


#: By name: the system, its package, and its loader.
SYSTEMS: Final[dict[str, tuple[str, str, Loader]]] = {
    "convc": ("convc", "convc", _convc),
    "ort": ("ONNX Runtime", "onnxruntime", _ort),
    "openvino": ("OpenVINO", "openvino", _openvino),
    "torch": ("PyTorch", "torch", _torch),
    "inductor": ("PyTorch Inductor", "torch", _inductor),
    "ncnn": ("ncnn", "ncnn", _ncnn),
    "mnn": ("MNN", "MNN", _mnn),
}


def is_installed(name: str) -> bool:
    return find_spec(SYSTEMS[name][1]) is not None


def version_of(name: str) -> str:
    """The version of an installed system."""
    if name == "convc":
        from convc import __version__

        return __version__
    return version(SYSTEMS[name][1])


def keep_threads(threads: int) -> None:
    """For systems that ask the environment; before they are loaded."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
