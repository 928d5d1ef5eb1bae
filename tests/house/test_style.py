"""What every file keeps to, and no linter checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "convc").rglob("*.py"))
WRITTEN = [*SOURCES, *sorted((ROOT / "templates").rglob("*.j2")), *sorted((ROOT / "runtime").iterdir()),
           *sorted((ROOT / "grammar").iterdir())]  # fmt: skip


#: Nodes of the syntax tree: their names and fields say what they are.
SELF_EXPLANATORY = ROOT / "convc" / "frontend" / "syntax.py"


def test_a_module_says_what_it_is() -> None:
    for path in SOURCES:
        text = path.read_text()
        assert not text.strip() or ast.get_docstring(ast.parse(text)), path


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_nothing_is_left_for_later(word: str) -> None:
    assert [path for path in WRITTEN if word in path.read_text()] == []


def test_public_classes_are_documented() -> None:
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not _is_enum(node):
                assert path == SELF_EXPLANATORY or ast.get_docstring(node), f"{path.name}: {node.name}"


def _is_enum(node: ast.ClassDef) -> bool:
    """The members of an enumeration say what it is."""
    return any(isinstance(base, ast.Name) and base.id == "Enum" for base in node.bases)
