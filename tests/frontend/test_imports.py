"""Imports: within the project's folder, without circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from convc.diagnostics import CompileError
from convc.frontend import load_graph

NET = "network n(x: f32[1, 3]) { return act(x) }"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".conv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "net.conv"


def codes(path: Path) -> list[str]:
    with pytest.raises(CompileError) as caught:
        load_graph(path)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def test_blocks_of_other_files(tmp_path: Path) -> None:
    net = write(
        tmp_path, net=f'import "lib/act.conv"\n{NET}',
        lib__act='import "../base.conv"\nblock act(x) { return base(x) }', base="block base(x) { return relu(x) }",
    )  # fmt: skip
    graph = load_graph(net)
    assert [str(node.span) for node in graph.nodes] == ["base.conv:1:24"]


def test_what_a_file_imports_is_not_passed_on(tmp_path: Path) -> None:
    net = write(
        tmp_path, net='import "a.conv"\nnetwork n(x: f32[1, 3]) { return b(x) }', a='import "b.conv"',
        b="block b(x) { return relu(x) }",
    )  # fmt: skip
    assert codes(net) == ["E0202"]


def test_circles(tmp_path: Path) -> None:
    net = write(
        tmp_path, net=f'import "a.conv"\n{NET}', a='import "b.conv"\nblock act(x) { return x }', b='import "a.conv"'
    )
    assert codes(net) == ["E0206"]
    assert codes(write(tmp_path, net=f'import "net.conv"\nblock act(x) {{ return x }}\n{NET}')) == ["E0206"]


def test_ways_out(tmp_path: Path) -> None:
    project = tmp_path / "project"
    outside = write(tmp_path, net="block act(x) { return relu(x) }")
    project.mkdir()
    (project / "link.conv").symlink_to(outside)
    (project / "folder").symlink_to(tmp_path)
    (project / "round.conv").symlink_to(project / "round.conv")
    for target in ("../net.conv", str(outside), "link.conv", "folder/net.conv", "a/../../net.conv", "..\\\\net.conv"):
        assert codes(write(project, net=f'import "{target}"\n{NET}')) == ["E0205"], target
    assert codes(write(project, net=f'import "round.conv"\n{NET}')) == ["E0204"]
    assert codes(write(project, net=f'import "folder"\n{NET}')) in (["E0204"], ["E0205"])


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "bad.conv").write_bytes(b"\xff\xfe")
    assert codes(write(tmp_path, net=f'import "bad.conv"\n{NET}')) == ["E0204"]
    assert codes(tmp_path / "absent.conv") == ["E0204"]


def test_errors_in_imported_files_name_the_file(tmp_path: Path) -> None:
    net = write(tmp_path, net=f'import "a.conv"\n{NET}', a="block act(x) {\n    return conv(x,, 3)\n}")
    with pytest.raises(CompileError) as caught:
        load_graph(net)
    assert " --> a.conv:2:19" in str(caught.value)
    assert len(caught.value.diagnostics) == 1
