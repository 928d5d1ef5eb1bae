"""One side of the race, with one network, in a process of its own: `race_worker.py SIDE MODEL THREADS`.

First answers with a line of JSON: the result of one run. Then, for every number of seconds it reads, it runs the
network for that long and answers with the times.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[], Any]


def image(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def onnxruntime(model: Path, threads: int) -> tuple[Run, bool]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    x = image(tuple(port.shape))
    return lambda: session.run(None, {port.name: x})[0], True


def convc(model: Path, threads: int) -> tuple[Run, bool]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import convc
    from convc import zoo

    network, same = convc.load(zoo.find(model.stem).path), False
    if (weights := initialisers(model)) is not None:
        from convc.weights import Weights

        with suppress(convc.ConvcError):  # an exporter that folds batch norm gives weights other names
            network, same = convc.Network(network.graph, Weights.bind(weights, network.graph)), True
    kernel = convc.compile(network, threads=threads)
    x = image(kernel.inputs[0].type.shape)
    return lambda: kernel(x), same


def initialisers(model: Path) -> dict[str, Any] | None:
    """The model's weights by name; None where the onnx package is not installed."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        return None
    graph = onnx.load(model).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def main() -> None:
    side, model, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    run, same = {"convc": convc, "onnxruntime": onnxruntime}[side](model, threads)
    print(json.dumps({"same_weights": same, "result": np.asarray(run()).ravel().tolist()}), flush=True)
    for text in sys.stdin:
        times: list[float] = []
        end = time.perf_counter() + float(text)
        while len(times) < 2 or time.perf_counter() < end:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        print(json.dumps({"times": times}), flush=True)


if __name__ == "__main__":
    main()
