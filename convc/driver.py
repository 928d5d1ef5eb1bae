"""The stages, in order, on one page.

    load      a .conv file            -> Network   checked: every shape inferred, every weight bound
    from_onnx an ONNX model           -> Network   the same, its weights the model's
    from_torch a PyTorch module       -> Network   the same
    optimise  Graph                   -> Stages    verified after each pass; the last graph has the layouts
    lower     Graph                   -> Program   kernels chosen, arena and weights laid out
    emit      Program                 -> Emitted   C text, byte-identical for equal programs
    build     Emitted, packed weights -> a library, cached by content
    open      a library               -> Kernel    callable

Stages only look to the left.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from convc.diagnostics import ConvcError
from convc.native.build import Built, build, find, remember
from convc.native.cores import available_threads
from convc.native.target import generic, native
from convc.options import Options, Target

if TYPE_CHECKING:  # what only some calls need is imported by them: a library from the cache is there in milliseconds
    from convc.codegen.emitted import Emitted
    from convc.ir.graph import Graph
    from convc.ir.op import Array
    from convc.native.kernel import Kernel
    from convc.network import Network
    from convc.passes.base import Stages
    from convc.plan.program import Program
    from convc.trust.bisect import Findings
    from convc.trust.passes import Verdict

Progress = Callable[[int, int], None]

#: Bytes of weights that a library can hold: code reaches 2 GiB of it.
LIBRARY_BYTES: Final = 2**31 - 2**26


def load(path: str | Path, weights: str | Path | None = None, seed: int = 0, **parameters: object) -> Network:
    """The network in a `.conv` file, checked.

    Args:
        path: The file; its imports stay inside its folder.
        weights: A `.safetensors` or `.npz` file; without one, seeded random weights.
        seed: Of the random weights.
        **parameters: Values for the network's own parameters, e.g. `classes=10`.

    Raises:
        CompileError: The source is wrong; all faults are listed.
        ConvcError: The weights do not fit; all faults are listed.
    """
    from convc.frontend import load_sources
    from convc.network import Network
    from convc.weights import Weights

    graph, sources = load_sources(Path(path), parameters)
    bound = Weights.random(graph, seed) if weights is None else Weights.load(Path(weights), graph)
    return Network(graph, bound, sources)


def from_onnx(
    model: str | Path | bytes,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Network:
    """The network in an ONNX model, with its weights.

    Args:
        model: A path, or the bytes of a model.
        shapes: Extents of inputs where the model leaves them open, e.g. `{"x": (1, 3, 224, 224)}`.
        constants: Numbers for inputs that decide what is computed and are none then, e.g. `{"sample_rate": 16000}`.

    Raises:
        ConvcError: No readable model, an open shape, or nodes that cannot be imported (all of them are listed); or the
            onnx package is not installed.
    """
    from convc.importers.onnx import import_model
    from convc.network import Network
    from convc.weights import Weights

    imported = import_model(model, shapes, constants)
    for note in imported.notes:
        warnings.warn(note, stacklevel=2)
    return Network(imported.graph, Weights.bind(imported.arrays, imported.graph))


def from_torch(module: Any, example_inputs: Sequence[Any]) -> Network:
    """The network of a `torch.nn.Module` in evaluation mode, with its weights, by way of `torch.export`.

    Args:
        module: The module.
        example_inputs: A tensor for each input; the network is compiled for their shapes.

    Raises:
        ConvcError: The module trains or cannot be traced, an input has another type than float32, or nodes cannot be
            imported (all of them are listed); or torch is not installed.
    """
    from convc.importers.torch import import_module
    from convc.network import Network
    from convc.weights import Weights

    imported = import_module(module, example_inputs)
    return Network(imported.graph, Weights.bind(imported.arrays, imported.graph))


@dataclass(frozen=True)
class Compiled:
    """Everything between a network and its library."""

    stages: Stages
    program: Program
    emitted: Emitted

    @property
    def graph(self) -> Graph:
        """The graph after the last pass."""
        return self.stages.graph


def make_options(
    target: str = "native",
    threads: int | None = None,
    level: int = 2,
    winograd: bool = True,
    without: Sequence[str] = (),
    portion: int | None = None,
) -> Options:
    """Options from what a person writes.

    Raises:
        ConvcError: No such target, level, thread count, portion or pass.
    """
    targets: dict[str, Callable[[], Target]] = {"native": native, "generic": generic}
    if target not in targets:
        raise ConvcError(f"unknown target `{target}`; there are: {', '.join(targets)}")
    if level not in (0, 1, 2):
        raise ConvcError(f"unknown optimisation level {level}; there are 0, 1 and 2")
    count = available_threads() if threads is None else threads
    if count < 1:
        raise ConvcError(f"threads is {count}; it must be at least 1 (None: all cores this process may use)")
    if portion is not None and portion < 1:
        raise ConvcError(f"portion is {portion}; it is at least one image at a time (None: chosen by the compiler)")
    machine = targets[target]()
    if without:
        from convc.passes.pipeline import check_names

        without = check_names(without, machine)
    return Options(machine, count, level, winograd, without=tuple(without), portion=portion or 0)


def translate(graph: Graph, options: Options) -> Compiled:
    """Graph to C text, nothing run."""
    from convc.passes.pipeline import run_pipeline

    return generate(run_pipeline(graph, options), options)


def generate(stages: Stages, options: Options) -> Compiled:
    """The last of the stages to C text."""
    from convc.codegen.emit import emit
    from convc.plan.lower import lower

    program = lower(stages.graph, options)
    return Compiled(stages, program, emit(program, options))


def find_library(digest: str, options: Options) -> Built | None:
    """The library of a network, known by its digest, where it was built before; no pass is run to find it."""
    return find(_request(digest, options), options)


def build_library(
    network: Network, compiled: Compiled, options: Options, progress: Progress | None = None, note: str = ""
) -> Path:
    """The shared library of `compiled`, the network's translation, with its weights; from the cache where it is there.

    `note` is kept for `find_library`.
    """
    library = make_library(network, compiled, options, progress)
    remember(_request(network.digest, options), options, library, note)
    return library


def make_library(network: Network, compiled: Compiled, options: Options, progress: Progress | None = None) -> Path:
    """The same, where `find_library` is not to find it: of a graph that is not as the pipeline would leave it.

    Raises:
        ConvcError: The packed weights are more than a library can hold.
    """
    from convc.plan.packing import pack

    size = compiled.program.weights_bytes
    if size > LIBRARY_BYTES:
        raise ConvcError(
            f"the packed weights take {size / 2**30:.2f} GiB, and a library can hold {LIBRARY_BYTES / 2**30:.2f}\n  "
            "help: `--no-winograd` keeps them as few as they are, where faster algorithms take more; or build the "
            "network in parts"
        )
    write = partial(pack, compiled.program, compiled.graph, network.weights)
    digest = hashlib.sha256(network.weights.digest().encode())
    for piece in compiled.program.weights:
        digest.update(repr((piece.value.name, piece.packing, piece.offset)).encode())
    return build(compiled.emitted, write, digest.hexdigest(), options, progress)


def tune_options(network: Network, options: Options, progress: Progress | None = None) -> Options:
    """`options` with the fastest algorithm of every convolution, measured on this machine or remembered from before."""
    from convc.tuning import tuned

    return tuned(network.graph, options, lambda net, o: build_library(net, translate(net.graph, o), o), progress)


def _request(digest: str, options: Options) -> str:
    """All that a library depends on but for convc and the compiler."""
    return f"{digest}\n{options!r}"


def compile(
    network: Network,
    target: str = "native",
    threads: int | None = None,
    tune: bool = False,
    level: int = 2,
    winograd: bool = True,
    without: Sequence[str] = (),
    check_passes: bool = False,
    portion: int | None = None,
) -> Kernel:
    """A callable kernel for `network`, from the cache where it was built before.

    Args:
        network: What `load` returned.
        target: `native` (this machine) or `generic` (any x86-64 or Arm).
        threads: How many it may use; None: the cores of this process; 1 starts no thread.
        tune: Measure the likeliest algorithms of each convolution on this machine, once; the results are kept.
        level: 0 runs no pass, 1 rewrites the graph, 2 also blocks layouts.
        winograd: Whether convolutions may be computed with fewer multiplications, by Winograd's method and Strassen's:
            faster, and rounded a little differently.
        without: Names of passes that are not to run, e.g. `["fuse-depthwise"]`.
        check_passes: Run the graph after every pass in the interpreter, against the source's on the same data.
        portion: How many images of a batch are run at a time at most; None: as many as the caches suggest.

    Raises:
        InternalError: `check_passes`, and a pass changed what the network computes.
    """
    from convc.native.kernel import Kernel

    options = make_options(target, threads, level, winograd, without, portion)
    if check_passes:
        verify_passes(network, options)
    if tune:
        options = tune_options(network, options)
    built = find_library(network.digest, options)
    library = built.library if built else build_library(network, translate(network.graph, options), options)
    return Kernel(library, options.threads)


def verify_passes(network: Network, options: Options) -> tuple[Verdict, ...]:
    """What every pass did to the network's results, in the interpreter.

    Raises:
        InternalError: A pass changed them beyond what rounding explains; it is named.
    """
    from convc.passes.pipeline import run_pipeline
    from convc.trust.passes import check_passes, require

    verdicts = check_passes(run_pipeline(network.graph, options), network.weights)
    require(network.graph, verdicts)
    return verdicts


def bisect(network: Network, options: Options, inputs: Mapping[str, Array] | None = None) -> Findings:
    """Which pass or kernel makes a network wrong on these inputs (random ones by default), and at which node."""
    from convc.native.kernel import Kernel
    from convc.network import Network
    from convc.trust.bisect import search

    def library(stages: Stages) -> Kernel:
        path = make_library(Network(stages.graph, network.weights), generate(stages, options), options)
        return Kernel(path, options.threads)

    return search(network, options, library, inputs)
