"""The standard blocks: what every source can call without an import.

They are the `.conv` files of `convc/std`. A block or import of the same name goes first, and so does an op; a dump,
being ops alone, never reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from convc.diagnostics import CompileError, Diagnostic, Source
from convc.frontend.modules import Loader, read
from convc.frontend.values import BlockRef
from convc.resources import standard


@cache
def standard_blocks() -> Mapping[str, BlockRef]:
    """All of them, by name. Read once, when a name is neither a block's nor an op's."""
    blocks: dict[str, BlockRef] = {}
    loader = Loader(standard().parent)
    for path in sorted(standard().glob("*.conv")):
        source = read(path, standard().parent, None)
        if isinstance(source, Diagnostic):
            raise CompileError([source])
        blocks.update(loader.load(source, path)[1].blocks)
    return blocks


def is_standard(source: Source) -> bool:
    """Whether a source is one of those read here."""
    blocks = standard_blocks().values() if source.name.startswith("std/") else ()
    return any(block.syntax.span.source is source for block in blocks)
