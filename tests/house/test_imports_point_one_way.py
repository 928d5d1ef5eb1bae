"""Stages look only to the left: what each part of the package may import, read off the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "convc"

#: Each part and what it may import. Every part also sees itself; nothing else.
ALLOWED: dict[str, set[str]] = {
    "diagnostics": set(),
    "options": set(),
    "resources": set(),
    "zoo": {"diagnostics"},
    "forms": {"resources"},
    "ir": {"diagnostics"},
    "ops": {"diagnostics", "ir"},
    "frontend": {"diagnostics", "ir", "ops", "resources"},
    "weights": {"diagnostics", "ir", "ops"},
    "interpreter": {"diagnostics", "ir", "ops"},
    "importers": {"diagnostics", "ir", "ops"},
    "exporters": {"diagnostics", "ir", "ops"},
    "writer": {"diagnostics", "frontend", "ir", "ops"},
    "network": {"diagnostics", "ir", "weights"},
    "passes": {"diagnostics", "ir", "ops", "options"},
    "kernels": {"diagnostics", "ir", "ops"},
    "plan": {"diagnostics", "ir", "ops", "options", "weights", "interpreter", "kernels"},
    "codegen": {"version", "diagnostics", "ir", "options", "kernels", "plan", "resources"},
    "native": {"diagnostics", "ir", "options", "plan", "codegen", "resources"},
    "inspect": {"diagnostics", "ir", "ops", "passes", "kernels", "plan"},
    "bench": {"version", "diagnostics", "exporters", "importers", "ir", "inspect", "kernels", "native", "ops",
              "options", "plan", "convc"},
    "tuning": {"frontend", "ir", "native", "network", "options", "passes", "plan", "weights"},
    "trust": {"diagnostics", "interpreter", "ir", "native", "network", "ops", "options", "passes", "plan"},
    "driver": {"diagnostics", "frontend", "importers", "ir", "network", "options", "weights", "passes", "plan",
               "codegen", "native", "trust", "tuning"},
    "recall": {"native", "network"},
    "onnx_backend": {"diagnostics", "driver", "importers", "network", "weights"},
    "cli": {"version", "bench", "diagnostics", "exporters", "frontend", "importers", "writer", "driver", "inspect",
            "native", "network", "options", "passes", "recall", "trust", "weights", "zoo", "forms", "convc"},
    "torch_backend": {"diagnostics", "driver", "native"},
    "__main__": {"cli"},
    "__init__": {"diagnostics", "driver", "native", "network"},
}  # fmt: skip


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Parts of convc that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            modules = [f"{node.module}.{a.name}" if node.module == "convc" else str(node.module) for a in node.names]
        for module in modules:
            top, _, rest = module.partition(".")
            if top == "convc":
                name = rest.partition(".")[0] or "convc"
                found.add({"__version__": "version"}.get(name, name))
    return found


@pytest.mark.parametrize("part", sorted({part_of(path) for path in PACKAGE.rglob("*.py")}))
def test_a_part_imports_only_what_lies_left_of_it(part: str) -> None:
    assert part in ALLOWED, f"convc/{part} is new: say here what it may import"
    for path in PACKAGE.rglob("*.py"):
        if part_of(path) == part:
            assert imported(path) <= ALLOWED[part] | {part}, path.relative_to(PACKAGE.parent)


def test_the_rules_have_no_cycle() -> None:
    done: set[str] = {"version", "convc"}  # the package itself: its version, its lazily loaded public names
    waiting = {part: needs - {part} for part, needs in ALLOWED.items()}
    while ready := {part for part, needs in waiting.items() if needs <= done}:
        done |= ready
        waiting = {part: needs for part, needs in waiting.items() if part not in ready}
    assert not waiting


def test_templates_and_c_stay_out_of_python() -> None:
    """Generated C comes from template files; only the environment itself may make a template from a string."""
    for path in PACKAGE.rglob("*.py"):
        assert "jinja2.Template(" not in path.read_text(), path
