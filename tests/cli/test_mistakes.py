"""A user's mistake gives a message that helps and the right exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convc.cli import main as cli

NET = "network n(x: f32[1, 3, 8, 8]) { return conv(x, 4, 3) }\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.conv").write_text(NET)
    Path("binary.conv").write_bytes(b"\xff\xfe\x00")
    Path("empty.conv").write_text("")
    Path("weights.txt").write_text("")
    Path("bad.safetensors").write_bytes(b"\x01")
    Path("bad.so").write_bytes(b"not a library")
    Path("bad.npy").write_bytes(b"not an array")
    Path("file").write_text("")
    np.save("x64.npy", np.zeros((1, 3, 8, 8)))
    np.save("small.npy", np.zeros((1, 3, 4, 4), np.float32))
    np.savez("other.npz", kernel=np.zeros(3, np.float32))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["chek", "net.conv"], 2, "No such command 'chek'"),
        (["check"], 2, "Missing argument"),
        (["check", "nothere.conv"], 1, "nothere.conv: no such file"),
        (["check", "resnet5"], 1, "did you mean `resnet50`"),
        (["check", "binary.conv"], 1, "UTF-8"),
        (["check", "empty.conv"], 1, "E0207"),
        (["check", "."], 1, "no network"),
        (["check", "net.conv", "-p", "classes=3"], 1, "E0601"),
        (["check", "net.conv", "-p", "classes"], 2, "is not NAME=VALUE"),
        (["fmt", "binary.conv"], 1, "UTF-8"),
        (["fmt", "nothere.conv"], 1, "nothere.conv: No such file"),
        (["ir", "net.conv", "--after", "fold"], 2, "there are: source, remove-identities"),
        (["ir", "net.conv", "--format", "svg"], 2, "'svg' is not one of"),
        (["build", "net.conv", "-t", "0"], 2, "0 is not in the range"),
        (["build", "net.conv", "-w", "nothere.npz"], 1, "nothere.npz"),
        (["build", "net.conv", "-w", "weights.txt"], 1, "weights.txt"),
        (["build", "net.conv", "-w", "bad.safetensors"], 1, "bad.safetensors"),
        (["build", "net.conv", "-w", "other.npz"], 1, "missing: conv.weight"),
        (["build", "net.conv", "-o", "file"], 1, "file: "),
        (["run", "net.conv"], 1, "takes 1 input(s) (x: f32[1, 3, 8, 8])"),
        (["run", "net.conv", "-i", "nothere.npy"], 1, "nothere.npy: No such file"),
        (["run", "net.conv", "-i", "bad.npy"], 1, "bad.npy: not a .npy array"),
        (["run", "net.conv", "-i", "x64.npy"], 1, "astype(numpy.float32)"),
        (["run", "net.conv", "-i", "small.npy"], 1, "[1, 3, 8, 8]"),
        (["run", "bad.so", "--check-passes"], 1, "holds no passes to check"),
        (["bisect", "net.conv", "-i", "bad.npy"], 1, "bad.npy: not a .npy array"),
        (["bisect", "net.conv", "-i", "small.npy"], 1, "has shape [1, 3, 4, 4], the network takes f32[1, 3, 8, 8]"),
        (["bisect", "net.conv", "-i", "x64.npy", "-i", "x64.npy"], 1, "--input was given 2 time(s)"),
        (["bisect", "resnet5"], 1, "did you mean `resnet50`"),
        (["run", "bad.so", "-i", "small.npy"], 1, "not a library that convc made"),
        (["explain", "E9999"], 1, "no error code E9999"),
        (["zoo", "show", "vgg"], 1, "vgg1"),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
    ],
)
def test_message_and_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert cli.run(arguments) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert "internal error" not in err


def test_no_compiler_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    assert cli.run(["build", "net.conv"]) == 1
    assert "no-such-compiler" in capsys.readouterr().err


def test_a_fault_of_ours_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("convc.frontend.load_graph", broken)
    assert cli.run(["check", "net.conv"]) == 70
    assert "fault of convc" in capsys.readouterr().err


def test_a_reader_that_leaves_gets_no_message() -> None:
    command = [sys.executable, "-m", "convc", "zoo", "show", "resnet50"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(writing)
    assert ran.stderr == b""
