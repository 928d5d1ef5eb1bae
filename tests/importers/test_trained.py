"""Networks that others trained, from the wheel of rapidocr-onnxruntime: text detection, direction, recognition.

Each is held against ONNX Runtime on a photograph; examples/ocr reads it with convc alone.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import convc
from convc import interpreter
from convc.cli.import_ import command

EXAMPLE = Path(__file__).parents[2] / "examples" / "ocr"
SIZES = [
    ("DETECTION", (1, 3, 32, 96)), ("DETECTION", (1, 3, 96, 160)), ("DETECTION", (2, 3, 160, 64)),
    ("DIRECTION", (1, 3, 48, 192)), ("DIRECTION", (3, 3, 48, 96)), ("DIRECTION", (1, 3, 64, 150)),
    ("RECOGNITION", (1, 3, 48, 160)), ("RECOGNITION", (2, 3, 48, 72)), ("RECOGNITION", (1, 3, 48, 333)),
]  # fmt: skip
TITLE = slice(5, 41)  # rows of the photograph
LINES = [
    "Region-based segmentation", "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label", "unambiguously as either object or background. Here,",
    "the markers are found at the two extreme parts of the", "histogram of grey values:",
    ">>> markers = np.zeros_like(coins)",
]  # fmt: skip


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The example's main module; its models must be there, and what they are compared with."""
    pytest.importorskip("PIL", reason="Pillow is not installed: pip install --no-deps -r examples/ocr/requirements.txt")
    pytest.importorskip("onnxruntime")
    sys.path.insert(0, str(EXAMPLE))
    try:
        import networks
        import read_text
    finally:
        sys.path.remove(str(EXAMPLE))
    try:
        networks.folder()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return read_text


def runtime(model: Path, image: Any) -> Any:
    """What ONNX Runtime says."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"x": image})
    return result


def shown(example: ModuleType, shape: tuple[int, ...]) -> Any:
    """The title of the page, enlarged or reduced to that shape; each of a batch a little to the right of the last."""
    page = example.load(EXAMPLE / "page.png")[TITLE]
    batch, _, height, width = shape
    return np.concatenate([example.as_input(example.resize(page[:, 9 * i :], height, width)) for i in range(batch)])


@pytest.mark.parametrize(("name", "shape"), SIZES, ids=str)
def test_it_imports_at_any_size(example: ModuleType, name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """The written source means the same: it is read again, and computed in float64."""
    model, image = example.networks.folder() / getattr(example.networks, name), shown(example, shape)
    extents = ",".join(map(str, shape))
    ran = CliRunner().invoke(command, [str(model), "-o", str(tmp_path), "--shape", f"x={extents}"])
    assert ran.exit_code == 0, ran.output
    network = convc.load(tmp_path / f"{model.stem}.conv", weights=tmp_path / f"{model.stem}.safetensors")
    (result,) = interpreter.run(network.graph, {"x": image}, network.weights).values()
    wanted = runtime(model, image)
    assert result.shape == wanted.shape
    np.testing.assert_allclose(wanted, result, rtol=0, atol=1e-4)  # likelihoods of 0 to 1, ONNX Runtime's in f32


def agrees_throughout(example: ModuleType, picture: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines read from a picture; each call of a network is as near to float64 as ONNX Runtime's, if not nearer."""
    calls: dict[tuple[str, tuple[int, ...]], tuple[Any, Any]] = {}
    run = example.networks.run

    def recorded(model: str, image: Any) -> Any:
        result = run(model, image)
        calls.setdefault((model, image.shape), (image, result))
        return result

    monkeypatch.setattr(example.networks, "run", recorded)
    lines = example.read(picture)
    assert {model for model, _ in calls} == {
        example.networks.DETECTION, example.networks.DIRECTION, example.networks.RECOGNITION
    }  # fmt: skip
    for (model, shape), (image, result) in calls.items():
        network = convc.from_onnx(example.networks.folder() / model, shapes={"x": shape})
        (exact,) = interpreter.run(network.graph, {"x": image}, network.weights).values()
        theirs = np.abs(runtime(example.networks.folder() / model, image) - exact).max()
        assert np.abs(result - exact).max() <= 4 * theirs + 1e-6, model
    return [line.text for line in lines]


def test_it_reads_the_title(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    page = example.load(EXAMPLE / "page.png")
    assert list(map(letters, agrees_throughout(example, page[TITLE], monkeypatch))) == [letters(LINES[0])]


def letters(line: str) -> str:
    return line.replace(" ", "")


@pytest.mark.sweep
def test_it_reads_the_page_whichever_way_it_lies(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces are this network's weakness; the rest is read without a fault."""
    page = example.load(EXAMPLE / "page.png")
    wanted = list(map(letters, LINES))
    assert list(map(letters, agrees_throughout(example, page, monkeypatch))) == wanted
    assert list(map(letters, agrees_throughout(example, page[::-1, ::-1], monkeypatch)))[::-1] == wanted
    ran = subprocess.run(
        [sys.executable, str(EXAMPLE / "read_text.py")], capture_output=True, text=True, check=False, cwd=EXAMPLE
    )
    assert ran.returncode == 0, ran.stderr
    assert letters(ran.stdout).count("%") == len(LINES)


# What lies between the networks


def test_a_picture_without_text(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example.networks, "run", lambda model, image: np.zeros((1, 1, *image.shape[2:]), np.float32))
    assert example.read(np.zeros((20, 30, 3), np.float32)) == []


def test_lines_are_found_as_they_lie(example: ModuleType) -> None:
    """Rectangles drawn into a map come back grown by 0.8 * width * height * 2 / (width + height) all in all."""
    y, x = np.mgrid[:200, :300] + 0.5
    angle = np.radians(10)
    drawn = np.zeros((200, 300))
    for centre, width, height, turn in [((100, 60), 120, 14, angle), ((240, 50), 60, 10, 0), ((150, 140), 8, 90, 0)]:
        dx, dy = x - centre[0], y - centre[1]
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        drawn[(abs(along) < width / 2) & (abs(across) < height / 2)] = 0.9
    drawn[190, 5:8] = 0.9  # too thin
    drawn[150:170, 30:80] = 0.35  # too faint
    first, second, upright = example.find_lines(drawn)
    np.testing.assert_allclose(first.centre, (100, 60), atol=1)
    np.testing.assert_allclose(first.along, (np.cos(angle), np.sin(angle)), atol=0.02)
    np.testing.assert_allclose((first.width, first.height), np.add((120, 14), 1.6 * 120 * 14 / 134), atol=2.5)
    np.testing.assert_allclose(second.centre, (240, 50), atol=1)
    np.testing.assert_allclose(upright.along, (0, 1), atol=0.02)
    assert upright.width > 90 > upright.height


def test_a_line_is_cut_as_it_lies(example: ModuleType) -> None:
    picture = np.zeros((40, 60, 3), np.float32)
    picture[10:20, 15:45, 0] = np.arange(30) / 30
    line = example.Line(np.array([30.0, 15.0]), np.array([1.0, 0.0]), 30.0, 10.0)
    np.testing.assert_allclose(line.cut(picture, 10), picture[10:20, 15:45], atol=1e-6)
    np.testing.assert_allclose(
        example.Line(line.centre, -line.along, 30.0, 10.0).cut(picture, 10), picture[19:9:-1, 44:14:-1], atol=1e-6
    )
    assert line.scaled(2, 3).cut(picture, 10).shape == (10, 20, 3)


def test_repeats_and_blanks_are_left_out(example: ModuleType) -> None:
    steps = np.eye(4)[[0, 1, 1, 0, 1, 2, 2, 3]] * 0.8
    text, sure = example.decode(steps, ("", "a", "b", "c"))
    assert (text, round(sure, 6)) == ("aabc", 0.8)
    assert example.decode(np.eye(4)[[0, 0]], ("", "a", "b", "c")) == ("", 0.0)
