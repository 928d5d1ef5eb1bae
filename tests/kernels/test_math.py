"""The vector functions of runtime/convc_math.h against float64: the stated errors, the edges, NaN and infinities."""

from __future__ import annotations

from pathlib import Path

import cffi
import numpy as np
import pytest

from convc import resources
from convc.driver import make_options
from convc.native.compiler import find_compiler

#: Function: (its exact value, lowest and highest x, ulp allowed).
FUNCTIONS = {
    "exp": (np.exp, -87.0, 88.0, 2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -80.0, 80.0, 3),
    "tanh": (np.tanh, -12.0, 12.0, 3),
    "log": (np.log, 1e-30, 1e30, 3),
}
COUNT = 1 << 18


@pytest.fixture(scope="module", params=["native", "generic"])
def functions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    target = make_options(request.param, 1).target
    folder: Path = tmp_path_factory.mktemp("math")
    body = "".join(
        f"void apply_{name}(const float *x, float *y, int n) {{ for (int i = 0; i < n; i += CONVC_LANES) "
        f"convc_storeu(y + i, convc_{name}(convc_loadu(x + i))); }}\n"
        for name in [*FUNCTIONS, "relu", "relu6"]
    )
    (folder / "m.c").write_text(f'#define CONVC_LANES {target.lanes}\n#include "convc_math.h"\n{body}')
    compiler = find_compiler()
    flags = [flag for flag in compiler.flags if "visibility" not in flag]
    compiler.run([*flags, *target.flags, f"-I{resources.runtime()}", "-shared", "m.c", "-o", "m.so"], folder)
    ffi = cffi.FFI()
    ffi.cdef("".join(f"void apply_{name}(const float *, float *, int);" for name in [*FUNCTIONS, "relu", "relu6"]))
    library = ffi.dlopen(str(folder / "m.so"))

    def apply(name: str, x: np.ndarray) -> np.ndarray:
        padded = np.resize(x, -(-len(x) // 64) * 64).astype(np.float32)
        y = np.empty_like(padded)
        source, result = ffi.from_buffer("float[]", padded), ffi.from_buffer("float[]", y)
        getattr(library, f"apply_{name}")(source, result, len(padded))
        return y[: len(x)]

    return {"apply": apply}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulp(functions: dict, name: str) -> None:  # type: ignore[type-arg]
    exact, low, high, allowed = FUNCTIONS[name]
    points = np.geomspace(low, high, COUNT) if low > 0 else np.linspace(low, high, COUNT)
    x = np.concatenate([points, np.linspace(-1e-3, 1e-3, 4096) if low < 0 else points[:1]]).astype(np.float32)
    expected = exact(x.astype(np.float64))
    error = np.abs(functions["apply"](name, x) - expected) / np.spacing(np.abs(expected).astype(np.float32))
    assert error.max() <= allowed, f"{name}: {error.max():.2f} ulp at {x[error.argmax()]!r}"


def test_edges(functions: dict) -> None:  # type: ignore[type-arg]
    apply = functions["apply"]
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -1.0, 7.0], np.float32)
    assert np.array_equal(apply("relu", x), [np.nan, np.inf, 0, 0, 0, 7], equal_nan=True)
    assert np.array_equal(apply("relu6", x), [np.nan, 6, 0, 0, 0, 6], equal_nan=True)
    assert np.array_equal(apply("tanh", x)[:4], [np.nan, 1, -1, 0], equal_nan=True)
    sigmoid = apply("sigmoid", x)
    assert np.isnan(sigmoid[0]) and sigmoid[1] == 1 and sigmoid[2] < 1e-37 and sigmoid[3] == 0.5
