"""C text and weights -> a shared library, in the cache.

Two keys lead to a library. Its own is a hash of the C text, the weights and the compiler. Another is that of the
*request* (graph, options, weights, and convc's own files): it is known before any pass has run, so what was built
before is found without compiling the network to C again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import BinaryIO, Final

from convc import resources
from convc.codegen.emitted import Emitted, Unit
from convc.diagnostics import ConvcError
from convc.native import cache
from convc.native.compiler import LINK_FLAGS, Compiler, extra_flags, find_compiler
from convc.native.cores import available_threads
from convc.native.target import machine
from convc.options import Options

Progress = Callable[[int, int], None]
BlobWriter = Callable[[BinaryIO], None]

#: The unit that pulls in the packed weights. What it holds is not in its text, so its object is not kept.
WEIGHTS: Final = "weights.c"


@dataclass(frozen=True, slots=True)
class Built:
    """What an earlier request led to: the library, and what whoever asked had noted beside it."""

    library: Path
    note: str


def find(request: str, options: Options) -> Built | None:
    """The library that an equal request led to, if it is still there."""
    try:
        record = json.loads(_request_file(request, options).read_text())
        built = Built(cache.root() / cache.LIBRARIES / record["library"], record["note"])
    except (OSError, ValueError, KeyError):  # none, or one that a full disk cut short
        return None
    if not built.library.is_file():
        return None
    cache.used(built.library.parent)
    return built


def remember(request: str, options: Options, library: Path, note: str) -> None:
    """Let `find` lead to `library`, a result of `build`."""
    record = {"library": f"{library.parent.name}/{library.name}", "note": note}
    cache.write(_request_file(request, options), json.dumps(record))


def _request_file(request: str, options: Options) -> Path:
    compiler = find_compiler()
    flags = (*compiler.flags, *options.target.flags)
    return cache.root() / cache.REQUESTS / f"{_hash(*_maker(compiler, flags), generator(), request)}.json"


@once
def generator() -> str:
    """A hash of convc itself: all that has a say in what a source means and in the C text."""
    package = Path(__file__).parents[1]
    files = [
        *package.rglob("*.py"), *resources.standard().glob("*.conv"), resources.grammar("conv.lark"),
        *resources.templates().rglob("*.j2"), *resources.runtime().iterdir(),
    ]  # fmt: skip
    return _hash(*(path.read_text() for path in sorted(files) if path.is_file()))


def save(library: Path, folder: Path) -> Path:
    """Copy a library, its header and its C sources into `folder`; the library's new path."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.samefile(library.parent):
        return folder / library.name
    for name in (library.name, f"{library.stem.removeprefix('lib')}.h"):
        origin = library.parent / name
        if origin.is_file():
            part = folder / f".{name}.part"
            shutil.copyfile(origin, part)
            part.replace(folder / name)
    if (library.parent / "src").is_dir():
        shutil.copytree(library.parent / "src", folder / "src", dirs_exist_ok=True)
    return folder / library.name


def build(
    emitted: Emitted, write_weights: BlobWriter, weights_digest: str, options: Options, progress: Progress | None = None
) -> Path:
    """The library of `emitted`; built unless the cache has it.

    The folder it lies in holds the header, and the C under `src/`. `progress` is called with (units done, units).

    Raises:
        ConvcError: No compiler, or the cache folder cannot be written.
    """
    compiler = find_compiler()
    flags = (*compiler.flags, *options.target.flags)
    runtime = [Unit(path.name, path.read_text()) for path in sorted(resources.runtime().glob("*.[ch]"))]
    files = [*emitted.units, *emitted.internal, Unit(emitted.header_name, emitted.header), *runtime]
    texts = [f"{file.file_name}\0{file.text}" for file in files]
    key = _hash(*_maker(compiler, flags), weights_digest, *texts)
    final = cache.root() / cache.LIBRARIES / key
    library = final / f"lib{emitted.name}.so"
    if library.is_file():
        cache.used(final)
        return library
    cache.limit()  # what is wrong with it is said before anything is built
    try:
        with cache.scratch(cache.LIBRARIES) as scratch:
            folder = scratch / "library"
            _build_in(folder, emitted, files, write_weights, compiler, flags, progress)
            _move_into_place(folder, final)
        cache.trim()
    except OSError as error:
        raise ConvcError(
            f"cannot write the build to {final.parent}: {error.strerror or error}\n"
            "  set CONVC_CACHE to a folder you may write"
        ) from error
    return library


def _build_in(
    folder: Path,
    emitted: Emitted,
    files: Iterable[Unit],
    write_weights: BlobWriter,
    compiler: Compiler,
    flags: tuple[str, ...],
    progress: Progress | None,
) -> None:
    source = folder / "src"
    source.mkdir(parents=True)
    texts = {file.file_name: file.text for file in files}
    for name, text in texts.items():
        (source / name).write_text(text)
    units = [name for name in texts if name.endswith(".c")]
    headers = _hash(*(f"{name}\0{text}" for name, text in texts.items() if name.endswith(".h") and name != "kernels.h"))

    def embed() -> None:
        with (source / f"{emitted.name}.weights").open("wb") as file:
            write_weights(file)
        compiler.run([*flags, "-c", WEIGHTS, "-o", f"{WEIGHTS[:-2]}.o"], source)

    # One worker more than cores: weights are packed in this process while compilers run in theirs.
    with ThreadPoolExecutor(available_threads() + 1) as pool:
        jobs = [pool.submit(embed)]
        kernels = [name for name in units if name != WEIGHTS]
        jobs += [pool.submit(_compile, source, name, texts, headers, compiler, flags) for name in kernels]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                if progress:
                    progress(done, len(units))
        except BaseException:  # a fault, or ctrl-C: what has not begun need not
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    objects = [f"{name[:-2]}.o" for name in units]
    link = ["-shared", "-pthread", *extra_flags(), *LINK_FLAGS, "-o", f"../lib{emitted.name}.so"]
    compiler.run([*link, *objects, "-lm"], source)
    for name in (*objects, f"{emitted.name}.weights"):
        (source / name).unlink()
    shutil.copy(source / emitted.header_name, folder / emitted.header_name)


def _compile(
    source: Path, name: str, texts: dict[str, str], headers: str, compiler: Compiler, flags: tuple[str, ...]
) -> None:
    """One unit to its object file, from the cache where the same text was compiled before."""
    target = source / f"{name[:-2]}.o"
    own = texts[name]
    declared = texts.get("kernels.h", "") if "kernels.h" in own else ""
    cached = cache.root() / cache.OBJECTS / f"{_hash(*_maker(compiler, flags), own, headers, declared)}.o"
    if cached.is_file():
        cache.used(cached)
        shutil.copy(cached, target)
        return
    compiler.run([*flags, "-c", name, "-o", target.name], source)
    cached.parent.mkdir(parents=True, exist_ok=True)
    part = cached.with_name(f".{cached.name}.{os.getpid()}")
    shutil.copy(target, part)
    part.replace(cached)


def _move_into_place(folder: Path, final: Path) -> None:
    """Rename is atomic; whoever comes second finds an equal library and keeps it."""
    try:
        folder.rename(final)
    except OSError:
        if not final.is_dir():
            raise


def _maker(compiler: Compiler, flags: tuple[str, ...]) -> tuple[str, ...]:
    """All but the text that an object file depends on."""
    return (compiler.version, *compiler.command, *flags, machine() if any("native" in flag for flag in flags) else "")


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:40]
