"""Text to graph: parse, elaborate, format. See `docs/language.md` for the language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from convc.diagnostics import CompileError, Diagnostic, Source
from convc.frontend.elaborate import elaborate
from convc.frontend.formatter import format_source
from convc.frontend.modules import Loader, read
from convc.ir import Graph

_NONE: Mapping[str, object] = MappingProxyType({})


def load_graph(path: Path, parameters: Mapping[str, object] = _NONE) -> Graph:
    """The graph of the network in a file: `load_sources` without the sources."""
    return load_sources(path, parameters)[0]


def load_sources(path: Path, parameters: Mapping[str, object] = _NONE) -> tuple[Graph, tuple[Source, ...]]:
    """The graph of the network in a file, and the texts it was read from: the file's and its imports'.

    Args:
        path: the `.conv` file; its folder is the project, which imports cannot leave.
        parameters: values for the network's parameters, by name.

    Raises:
        CompileError: with everything that is wrong.
    """
    root = Path(path).parent.resolve()
    entry = root / Path(path).name
    source = read(entry, root, None)
    if isinstance(source, Diagnostic):
        raise CompileError([source])
    loader = Loader(root)
    loader.begin(entry.resolve(), source)
    file, module = loader.load(source, entry)
    return elaborate(file, module, source, parameters, loader.diagnostics), tuple(loader.sources)


def parse_graph(text: str, name: str = "<string>", parameters: Mapping[str, object] = _NONE) -> Graph:
    """The graph of the network in a text, which cannot import. Raises `CompileError`."""
    source, loader = Source(name, text), Loader(None)
    file, module = loader.load(source, None)
    return elaborate(file, module, source, parameters, loader.diagnostics)


__all__ = ["format_source", "load_graph", "load_sources", "parse_graph"]
