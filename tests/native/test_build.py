"""Builds: reproducible, found again, safe when two happen at once; faults say what to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_networks import SMALL, TWO, network

import convc
from convc import driver
from convc.diagnostics import ConvcError, InternalError
from convc.driver import build_library, find_library, make_options, translate
from convc.native import build as building
from convc.native import cache
from convc.native.compiler import find_compiler

OTHER_PROCESS = """
import sys
from pathlib import Path
import convc
net = convc.load(Path(sys.argv[1]), seed=7)
print(convc.compile(net, threads=1).path)
"""


def build(text: str = SMALL, target: str = "native") -> Path:
    net = network(text)
    options = make_options(target, 1)
    return build_library(net, translate(net.graph, options), options)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_equal_bytes_wherever_it_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    for place in ("here", "a longer name of a folder"):
        monkeypatch.setenv("CONVC_CACHE", str(tmp_path / place))
        built.append(files(build().parent))
    assert built[0] == built[1]
    assert {"libsmall.so", "small.h", "src/small.c", "src/kernels.h", "src/convc_runtime.c"} <= built[0].keys()
    for name, data in built[0].items():
        assert not any(str(path).encode() in data for path in (tmp_path, Path.home(), Path.cwd())), name


def test_only_public_names_are_exported() -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm is not here")
    listed = subprocess.run([nm, "-D", "--defined-only", build()], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    assert names - {"convc_model"} == set(re.findall(r"\b(small_\w+)\(", (build().parent / "small.h").read_text())) - {
        "small_context"
    }


def test_found_again_without_packing_or_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build()
    monkeypatch.setattr(building, "_build_in", lambda *_: pytest.fail("it was built again"))
    assert build() == first


@pytest.mark.parametrize("target", ["native", "generic"])
def test_no_warnings(target: str) -> None:
    build(target=target)  # the fixture sets CONVC_CFLAGS=-Werror


def test_weights_that_no_library_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "LIBRARY_BYTES", 64)
    with pytest.raises(ConvcError, match=r"GiB, and a library can hold 0\.00\n.*--no-winograd"):
        build()


def test_targets_are_kept_apart() -> None:
    assert build(target="native") != build(target="generic")


def test_two_processes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "small.conv").write_text(SMALL)
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "small.conv")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=120)[0] for process in started}
    assert len(printed) == 1 and all(process.returncode == 0 for process in started)
    entries = [path.name for path in (tmp_path / "cache" / cache.LIBRARIES).iterdir()]
    assert len(entries) == 1 and not entries[0].startswith(".")


def test_usage_and_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    build()
    assert [usage.entries for usage in cache.usage() if usage.kind == cache.LIBRARIES] == [1]
    for name in (".building-dead", ".building-alive"):
        (tmp_path / cache.LIBRARIES / name).mkdir()
    os.utime(tmp_path / cache.LIBRARIES / ".building-dead", (0, 0))
    build(TWO)
    assert [usage.entries for usage in cache.usage() if usage.kind == cache.LIBRARIES] == [2]
    assert not (tmp_path / cache.LIBRARIES / ".building-dead").exists()
    assert (tmp_path / cache.LIBRARIES / ".building-alive").exists()
    freed = cache.clear()
    assert freed > 0 and not any(usage.entries for usage in cache.usage())


def test_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(ConvcError, match=r"the C compiler in CC does not run: `no-such-compiler -m64`"):
        find_compiler()


def test_no_compiler_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConvcError, match=r"no C compiler found \(looked for cc, gcc, clang\)[\s\S]*apt install"):
        find_compiler()


def test_the_cache_stays_within_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not used for longest goes; what was used just now stays, however little room there is."""
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    hours = {"oldest": 3, "old": 2, "object.o": 1, "now": 0}
    for name, age in hours.items():
        entry = tmp_path / (cache.OBJECTS if name.endswith(".o") else cache.LIBRARIES) / name
        file = entry if name.endswith(".o") else entry / "lib.so"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(2**20))
        os.utime(entry, (0, time.time() - 3600 * age))

    def left() -> set[str]:
        return {path.name for kind in (cache.LIBRARIES, cache.OBJECTS) for path in (tmp_path / kind).iterdir()}

    assert cache.trim() == 0
    monkeypatch.setenv("CONVC_CACHE_LIMIT", str(3 / 1024))
    assert cache.trim() == 2**20
    assert left() == {"old", "object.o", "now"}
    cache.used(tmp_path / cache.LIBRARIES / "old")
    monkeypatch.setenv("CONVC_CACHE_LIMIT", str(2 / 1024))
    cache.trim()
    assert left() == {"old", "now"}
    monkeypatch.setenv("CONVC_CACHE_LIMIT", "0")
    assert cache.trim() == 0
    monkeypatch.setenv("CONVC_CACHE_LIMIT", "10GB")
    with pytest.raises(ConvcError, match="'10GB'; set it to a number of GiB"):
        cache.trim()


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConvcError, match=r"cannot write the build to [\s\S]*set CONVC_CACHE"):
        build()


def test_c_that_does_not_compile_is_a_fault_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    monkeypatch.setenv("CONVC_CFLAGS", "-DCONVC_RUNTIME_H")
    with pytest.raises(InternalError, match="the C compiler rejected generated code"):
        build()
    assert not list((tmp_path / cache.LIBRARIES).iterdir())


@pytest.mark.parametrize("name", ["convc", "weights", "kernels", "model", "pthread", "_a", "a.b", "größe", "x" * 300])
def test_any_name_of_a_network(name: str) -> None:
    net = network(f"network {name}(x: f32[1, 2]) {{ return relu(x) }}")
    kernel = convc.compile(net, threads=1)
    assert kernel.steps


def test_an_equal_request_finds_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    net, options = network(SMALL), make_options(threads=1)
    assert find_library(net.digest, options) is None
    library = build_library(net, translate(net.graph, options), options, note="kept")
    found = find_library(net.digest, options)
    assert found is not None and (found.library, found.note) == (library, "kept")
    assert find_library(net.digest, make_options(threads=1, level=0)) is None
    assert find_library(network(SMALL, seed=1).digest, options) is None, "other weights are another library"
    library.unlink()
    assert find_library(net.digest, options) is None
