"""Weights bound to a network: by name, all faults at once; or random, for a network that is not trained yet."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError
from convc.ir.graph import Graph
from convc.ir.types import Shape
from convc.weights import npz, safetensors

#: Names that frameworks store beside the weights and no network reads.
_BOOKKEEPING = "num_batches_tracked"

#: How the names of biases and means end, in every framework.
_SHIFTS = ("bias", "mean", "beta")

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """Float32 arrays by parameter name. Made by `random`, `load` or `bind`."""

    shapes: Mapping[str, Shape]
    _get: Callable[[str], F32]
    _digest: Callable[[], str]

    def __getitem__(self, name: str) -> F32:
        return self._get(name)

    def digest(self) -> str:
        """A hash of the contents: equal digests, equal weights."""
        return self._digest()

    @staticmethod
    def random(graph: Graph, seed: int = 0) -> Weights:
        """Seeded weights at a scale that keeps activations near one; each depends on its name, shape and the seed."""
        shapes = {value.name: value.type.shape for value in graph.parameters}
        text = repr(("random", seed, sorted(shapes.items())))
        return Weights(
            shapes, lambda name: _random(name, shapes[name], seed), lambda: hashlib.sha256(text.encode()).hexdigest()
        )

    @staticmethod
    def load(path: Path, graph: Graph) -> Weights:
        """Weights from a `.safetensors` or `.npz` file.

        Raises:
            ConvcError: The file cannot be read, or does not fit; every misfit is listed.
        """
        readers = {".safetensors": safetensors.read, ".npz": npz.read}
        if path.suffix not in readers:
            raise ConvcError(
                f"{path}: weights come as .safetensors or .npz, this is `{path.suffix or path.name}`; write them with "
                "safetensors.numpy.save_file, safetensors.torch.save_file or numpy.savez"
            )
        return Weights.bind(readers[path.suffix](path), graph, str(path))

    @staticmethod
    def bind(arrays: Mapping[str, npt.NDArray[Any]], graph: Graph, origin: str = "") -> Weights:
        """Weights from arrays by name.

        Raises:
            ConvcError: Missing, unused and mis-shaped tensors, all of them.
        """
        faults = _faults(arrays, graph)
        if faults:
            title = f"{origin}{': ' if origin else ''}the weights do not fit network `{graph.name}`"
            raise ConvcError("\n".join([f"{title}:", *(f"  {fault}" for fault in faults)]))
        shapes = {value.name: value.type.shape for value in graph.parameters}
        return Weights(
            shapes, lambda name: np.asarray(arrays[name], np.float32), lambda: _content_digest(arrays, shapes)
        )


def _faults(arrays: Mapping[str, npt.NDArray[Any]], graph: Graph) -> list[str]:
    wanted = {value.name: value.type.shape for value in graph.parameters}
    ignored = tuple(f"{scope}." for scope in graph.ignored)
    unused = [
        name for name in arrays
        if name not in wanted and not name.endswith(_BOOKKEEPING) and not name.startswith(ignored)
    ]  # fmt: skip
    faults = []
    for name, shape in wanted.items():
        if name not in arrays:
            alike = [other for other in unused if tuple(arrays[other].shape) == shape]
            near = difflib.get_close_matches(name, alike or unused, 1)
            faults.append(f"missing: {name} {list(shape)}" + (f" (there is {near[0]})" if near else ""))
        elif tuple(arrays[name].shape) != shape:
            faults.append(f"wrong shape: {name} is {list(arrays[name].shape)}, the network wants {list(shape)}")
        elif arrays[name].dtype.kind not in "fiu":
            faults.append(f"wrong type: {name} is {arrays[name].dtype}, the network wants floating point")
    return faults + [f"unused: {name} {list(arrays[name].shape)}" for name in unused]


def _random(name: str, shape: Shape, seed: int) -> F32:
    key = hashlib.sha256(f"{seed}:{name}:{shape}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(key[:8], "little"))
    if len(shape) < 2:  # what shifts is small; what scales is near one, and positive, because it may be a variance
        low, high = (-0.1, 0.1) if name.endswith(_SHIFTS) else (0.5, 1.5)
        return generator.uniform(low, high, shape).astype(np.float32)
    scale = np.float32(sqrt(2 / max(1, prod(shape[1:]))))
    return np.asarray(generator.standard_normal(shape, np.float32) * scale, np.float32)


def _content_digest(arrays: Mapping[str, npt.NDArray[Any]], shapes: Mapping[str, Shape]) -> str:
    digest = hashlib.sha256()
    for name in sorted(shapes):
        digest.update(f"{name}{shapes[name]}{arrays[name].dtype}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
