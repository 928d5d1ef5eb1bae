"""The ONNX project's own backend tests, run on convc one by one, each with its verdict."""

from __future__ import annotations

import functools
import importlib
import os
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import onnx
from onnx.backend.test import BackendTest, loader

from convc.onnx_backend import ConvcBackend, ConvcRep, Unsupported


@dataclass(frozen=True)
class Verdict:
    """`status` is passed, unsupported or failed; `reason` says why it is not the first."""

    case: str
    group: str
    status: str
    reason: str
    ops: tuple[str, ...]
    opset: int
    seconds: float


class _Recorder(ConvcBackend):
    """Remembers the model of the case at hand, and what was unsupported: the suite swallows that exception."""

    model: onnx.ModelProto | None = None
    refused = ""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> Any:
        cls.model, cls.refused = model, ""
        try:
            return _RecordedRep(super().prepare(model, device, threads=1))
        except Unsupported as error:
            cls.refused = str(error)
            raise


class _RecordedRep:
    def __init__(self, rep: ConvcRep) -> None:
        self._rep = rep

    def run(self, inputs: Any) -> Any:
        try:
            return self._rep.run(inputs)
        except Unsupported as error:
            _Recorder.refused = str(error)
            raise


@functools.cache
def cases(modules: tuple[str, ...] = ()) -> dict[str, tuple[str, Callable[[], None]]]:
    """Every test of the suite for this device: its group and what runs it.

    `modules` limits those of single nodes to some files of the suite: making the data of all takes half a minute.
    """
    with warnings.catch_warnings(), _limited(modules):
        warnings.simplefilter("ignore")  # the suite's own data overflows here and there
        found = BackendTest(_Recorder, __name__).test_cases
    tests = {}
    for group, case in found.items():
        for name in dir(case):
            if name.startswith("test_") and name.endswith("_cpu"):
                short = group.removeprefix("OnnxBackend").removesuffix("ModelTest")
                tests[name.removesuffix("_cpu")] = (short, functools.partial(getattr(case, name), case(name)))
    return tests


@contextmanager
def _limited(modules: tuple[str, ...]) -> Iterator[None]:
    whole = loader.load_node_model_tests
    if modules:
        loader.load_node_model_tests = lambda: _of(modules)
    try:
        yield
    finally:
        loader.load_node_model_tests = whole


def _of(modules: tuple[str, ...]) -> list[Any]:
    from onnx.backend.test.case import node

    for module in modules:
        importlib.import_module(f"{node.__name__}.{module}")
    return list(node._NodeTestCases)


def run(name: str, modules: tuple[str, ...] = ()) -> Verdict:
    """Run one test."""
    group, test = cases(modules)[name]
    os.environ.setdefault("ONNX_MODELS", tempfile.mkdtemp(prefix="onnx-models-"))
    _Recorder.model, _Recorder.refused = None, ""
    start = time.perf_counter()
    status, reason = "passed", ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test()
        if _Recorder.refused:
            status, reason = "unsupported", _Recorder.refused
    except Exception:
        status, reason = "failed", traceback.format_exc(limit=-4)
    model = _Recorder.model
    ops = tuple(dict.fromkeys(node.op_type for node in model.graph.node)) if model else ()
    opset = max((entry.version for entry in model.opset_import if not entry.domain), default=0) if model else 0
    return Verdict(name, group, status, reason, ops, opset, time.perf_counter() - start)
