"""Files and their imports. All of them lie in the project: the folder of the entry file, or below it.

An import is relative to the file it stands in. Absolute paths, ways out by `..` or through a symbolic link, and circles
are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from convc.diagnostics import Diagnostic, Label, Source, Span
from convc.frontend import syntax as s
from convc.frontend.failure import did_you_mean, fault
from convc.frontend.parse import parse_file
from convc.frontend.values import BlockRef, Module

#: Bytes of one source file.
MAX_BYTES = 16 * 2**20


@dataclass
class Loader:
    """Reads files once each and collects what is wrong with them. `root` is `None` where there is no folder."""

    root: Path | None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    _modules: dict[Path, Module] = field(default_factory=dict)
    _open: dict[Path, Span] = field(default_factory=dict)

    def load(self, source: Source, path: Path | None) -> tuple[s.File, Module]:
        """A source with what it imports."""
        self.sources.append(source)
        file, found = parse_file(source)
        self.diagnostics.extend(found)
        blocks: dict[str, BlockRef] = {}
        lost = {name for part in file.lost for name in part.names}
        for statement in file.imports:
            module = self._import(statement, path)
            if module is None:
                lost.add("*")
            else:
                self._merge(blocks, module, statement)
        module = Module(blocks, _Lost(lost) if "*" in lost else frozenset(lost))
        own: dict[str, s.Definition] = {}
        for definition in file.definitions:
            self._define(own, definition)
            if isinstance(definition, s.Block):
                blocks[definition.name.text] = BlockRef(definition, module)
        return file, module

    def _define(self, own: dict[str, s.Definition], definition: s.Definition) -> None:
        name = definition.name.text
        if name in own and type(own[name]) is type(definition):
            first = Label(own[name].name.span, "first defined here")
            self.diagnostics.append(
                fault("E0203", f"`{name}` is defined twice", definition.name.span, "the second time", also=(first,))
            )
        own[name] = definition
        seen: set[str] = set()
        for param in definition.params:
            if param.name.text in seen:
                self.diagnostics.append(
                    fault("E0203", f"two parameters are called `{param.name.text}`", param.name.span, "the second one")
                )
            seen.add(param.name.text)

    def _merge(self, blocks: dict[str, BlockRef], module: Module, statement: s.Import) -> None:
        for name, block in module.blocks.items():
            if block.module is not module:
                continue  # what a file imports itself is not passed on
            if name in blocks and blocks[name] is not block:
                first = Label(blocks[name].syntax.name.span, "also defined here")
                self.diagnostics.append(
                    fault("E0203", f"`{name}` is imported twice", statement.span, "defined in this file", also=(first,))
                )
            blocks[name] = block

    def _import(self, statement: s.Import, importer: Path | None) -> Module | None:
        path = self._locate(statement, importer)
        if isinstance(path, Diagnostic):
            self.diagnostics.append(path)
            return None
        if path in self._modules:
            return self._modules[path]
        if path in self._open:
            also = tuple(Label(span, "in this import") for span in list(self._open.values())[1:][:8])
            self.diagnostics.append(fault(
                "E0206", "files import each other in a circle", statement.span, f"`{statement.path}` is being read",
                also=also, help="move the shared blocks into a file of their own",
            ))  # fmt: skip
            return None
        self._open[path] = statement.span
        try:
            source = read(path, self.root, statement.span)
            if isinstance(source, Diagnostic):
                self.diagnostics.append(source)
                return None
            self._modules[path] = self.load(source, path)[1]
            return self._modules[path]
        finally:
            del self._open[path]

    def begin(self, path: Path, source: Source) -> None:
        """Mark the entry file as open, so that importing it is a circle."""
        self._open[path] = Span(source, 1, 1, 1, 1)

    def _locate(self, statement: s.Import, importer: Path | None) -> Path | Diagnostic:
        span, text = statement.span, statement.path
        if self.root is None or importer is None:
            return fault("E0205", "imports need a file", span, "this text lies in no folder")
        written = Path(text)
        if written.is_absolute() or "\\" in text or "\0" in text or ":" in text:
            return fault("E0205", "imports are relative paths", span, "not inside the project",
                         help='write `import "blocks.conv"`, with `/` between folders')  # fmt: skip
        try:
            path = (importer.parent / written).resolve()
        except (OSError, RuntimeError):
            return fault("E0204", f"cannot find `{text}`", span, "a circle of symbolic links")
        if not path.is_relative_to(self.root):
            return fault("E0205", "imports stay inside the project's folder", span, "this leads out of it",
                         note="the project is the folder of the file being compiled")  # fmt: skip
        if not path.is_file():
            near = did_you_mean(path.stem, [p.stem for p in path.parent.glob("*.conv") if p != importer])
            return fault("E0204", f"cannot find `{text}`", span, near or "no such file")
        return path


class _Lost(frozenset[str]):
    """After a failed import any unknown name may have been defined there."""

    def __contains__(self, name: object) -> bool:
        return True


def read(path: Path, root: Path | None, span: Span | None) -> Source | Diagnostic:
    """A file as a source named relative to the project."""
    name = path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else path.name
    label = Label(span) if span is not None else None
    try:
        if path.stat().st_size > MAX_BYTES:
            return Diagnostic("E0204", f"`{name}` is larger than {MAX_BYTES // 2**20} MiB", label)
        return Source(name, path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Diagnostic("E0204", f"`{name}` is not UTF-8 text", label)
    except OSError as error:
        return Diagnostic("E0204", f"cannot read `{name}`: {error.strerror}", label)
