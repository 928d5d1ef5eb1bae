"""A library opened for use from Python: NumPy in, NumPy out."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import _cffi_backend
import cffi
import numpy as np
import numpy.typing as npt

from convc.diagnostics import ConvcError
from convc.ir.types import TensorType
from convc.native import arrays as check
from convc.native.arrays import F32
from convc.native.build import save
from convc.native.cores import available_threads
from convc.plan.program import Port

#: runtime/convc_model.h, as cffi reads it.
_DECLARATIONS: Final = """
typedef struct { const char *name; int rank; const long long *shape; } convc_port;
typedef struct {
    int version;
    const char *name, *generator;
    int input_count, output_count, step_count;
    const convc_port *inputs, *outputs;
    const char *const *step_names;
    size_t arena_bytes, weights_bytes;
    size_t (*context_bytes)(int threads);
    int (*create)(int threads, void **context);
    int (*run)(void *context, const float *const *inputs, float *const *outputs);
    int (*run_profiled)(void *context, const float *const *inputs, float *const *outputs, double *seconds);
    void (*destroy)(void *context);
    const char *(*status_text)(int status);
} convc_model_table;
const convc_model_table *convc_model(void);
"""

_ffi = cffi.FFI()
_ffi.cdef(_DECLARATIONS)

# Looked up once: a call of a small network takes microseconds.
_from_buffer: Final = _cffi_backend.from_buffer  # what FFI.from_buffer calls, without a look at its arguments' types
_FLOATS: Final = _ffi.typeof("float[]")
_F32: Final = np.dtype(np.float32)
_ARRAY: Final = np.ndarray
_empty: Final = np.empty


class Kernel:
    """A network ready to run.

    Many Python threads may call one kernel: each call takes a context of its own, and the GIL is released while the
    library runs.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path = Path(path)
        self.threads = threads
        try:
            self._library = _ffi.dlopen(str(self.path.resolve()))
            self._model = self._library.convc_model()
        except (OSError, AttributeError) as error:
            raise ConvcError(f"{path}: not a library that convc made: {error}") from None
        if self._model.version < 1:
            generator = _text(self._model.generator)
            raise ConvcError(f"{path}: made by another version of convc ({generator}); build it again")
        self.name = _text(self._model.name)
        self.inputs = _ports(self._model.inputs, self._model.input_count)
        self.outputs = _ports(self._model.outputs, self._model.output_count)
        self._in_names, self._in_shapes = _names_and_shapes(self.inputs)
        self._out_names, self._out_shapes = _names_and_shapes(self.outputs)
        self._only = self._out_shapes[0] if len(self._out_shapes) == 1 else None
        self._run = self._model.run
        self._free: list[_Context] = []
        self._free.append(self._take())

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps, in order."""
        return tuple(_text(self._model.step_names[i]) for i in range(self._model.step_count))

    @property
    def arena_bytes(self) -> int:
        return int(self._model.arena_bytes)

    @property
    def weights_bytes(self) -> int:
        return int(self._model.weights_bytes)

    def __call__(self, *arrays: npt.ArrayLike, out: F32 | tuple[F32, ...] | None = None) -> F32 | tuple[F32, ...]:
        """Run the network.

        Args:
            *arrays: A float32 array per input, of its shape. One that is not contiguous is copied once.
            out: Where to put the results, contiguous float32 of their shapes; without it they are allocated.

        Returns:
            The output, or a tuple of them where the network has several.

        Raises:
            ConvcError: Another number of arrays, another dtype, another shape; the message says what to write.
        """
        if out is None and self._only is not None and len(arrays) == len(self._in_shapes):
            # What `_call` does, where every array can be used as it is: nothing is put into lists and nothing called
            # that can be done here, which takes 1.5 us less. Where something is wrong `_call` says what.
            context = self._take()
            try:
                ins, shapes = context.inputs, self._in_shapes
                for i, array in enumerate(arrays):
                    if type(array) is not _ARRAY or array.dtype is not _F32 or array.shape != shapes[i]:
                        break
                    if not array.flags.carray:
                        break
                    ins[i] = _from_buffer(_FLOATS, array)
                else:
                    result = _empty(self._only, _F32)
                    context.outputs[0] = _from_buffer(_FLOATS, result)
                    if not self._run(context.handle, ins, context.outputs):
                        return result
            finally:
                self._free.append(context)
        results = self._call(arrays, out, self._run)
        return results[0] if len(results) == 1 else tuple(results)

    def profile(self, *arrays: npt.ArrayLike) -> list[tuple[str, float]]:
        """Run once; the name and the seconds of each step."""
        seconds = np.zeros(max(1, self._model.step_count))
        pointer = _ffi.from_buffer("double[]", seconds)
        self._call(arrays, None, lambda context, i, o: self._model.run_profiled(context, i, o, pointer))
        return list(zip(self.steps, seconds.tolist(), strict=False))

    def save(self, folder: str | Path) -> Path:
        """Copy the library, its header and its C sources into `folder`; the library's new path."""
        return save(self.path, Path(folder))

    def _call(self, arrays: tuple[npt.ArrayLike, ...], out: F32 | tuple[F32, ...] | None, run: Any) -> list[F32]:
        # Small networks run for microseconds: what this does around the library must stay well below that.
        if len(arrays) != len(self._in_shapes):
            wanted = ", ".join(f"{port.name} {list(port.type.shape)}" for port in self.inputs)
            raise ConvcError(f"`{self.name}` takes {len(self._in_shapes)} array(s) ({wanted}), not {len(arrays)}")
        sources = list(map(check.source, arrays, self._in_names, self._in_shapes))
        results = [np.empty(shape, _F32) for shape in self._out_shapes] if out is None else self._given(out, sources)
        context = self._take()
        try:
            ins, outs = context.inputs, context.outputs
            for i, array in enumerate(sources):  # `sources` and `results` keep the memory until the library is done
                ins[i] = _from_buffer(_FLOATS, array)
            for i, array in enumerate(results):
                outs[i] = _from_buffer(_FLOATS, array)
            status = run(context.handle, ins, outs)
        finally:
            self._free.append(context)
        if status:
            raise ConvcError(f"`{self.name}` did not run: {_text(self._model.status_text(status))}")
        return results

    def _given(self, out: F32 | tuple[F32, ...], sources: list[F32]) -> list[F32]:
        given = out if isinstance(out, tuple) else (out,)
        if len(given) != len(self._out_shapes):
            raise ConvcError(f"`{self.name}` has {len(self._out_shapes)} output(s); out has {len(given)} array(s)")
        results = list(map(check.destination, given, self._out_names, self._out_shapes))
        for i, array in enumerate(results):
            check.apart(array, self._out_names[i], sources if i == 0 else [*sources, *results[:i]])
        return results

    def _take(self) -> _Context:
        try:
            return self._free.pop()  # atomic under the GIL
        except IndexError:
            return _Context(self._model, self.threads)


class _Context:
    """A context of the library with its arrays of pointers."""

    def __init__(self, model: Any, threads: int) -> None:
        handle = _ffi.new("void **")
        status = model.create(threads, handle)
        if status:
            raise ConvcError(f"cannot make a context: {_text(model.status_text(status))}")
        self.handle = handle[0]
        self.inputs = _ffi.new("const float *[]", max(1, model.input_count))
        self.outputs = _ffi.new("float *[]", max(1, model.output_count))
        weakref.finalize(self, model.destroy, self.handle)


def _ports(ports: Any, count: int) -> tuple[Port, ...]:
    return tuple(
        Port(_text(ports[i].name), TensorType.plain(tuple(ports[i].shape[d] for d in range(ports[i].rank))))
        for i in range(count)
    )


def _names_and_shapes(ports: Sequence[Port]) -> tuple[list[str], list[tuple[int, ...]]]:
    return [port.name for port in ports], [port.type.shape for port in ports]


def _text(pointer: Any) -> str:
    data = _ffi.string(pointer)
    return data.decode() if isinstance(data, bytes) else str(data)


def open_library(path: str | Path, threads: int | None = None) -> Kernel:
    """Open a library that `convc build` or `Kernel.save` wrote; no compiler is needed.

    Raises:
        ConvcError: There is no such file, or convc did not make it.
    """
    if not Path(path).is_file():
        raise ConvcError(f"{path}: no such library")
    return Kernel(Path(path), available_threads() if threads is None else threads)
