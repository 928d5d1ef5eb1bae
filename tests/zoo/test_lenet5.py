"""The trained LeNet-5 reads the digits it was not trained on, natively as in the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convc
from convc import interpreter, zoo

EXAMPLE = Path(__file__).parents[2] / "examples" / "lenet5"


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    sys.path.insert(0, str(EXAMPLE))
    try:
        from digits import enlarge
    finally:
        sys.path.remove(str(EXAMPLE))
    held_out = np.load(EXAMPLE / "digits.npz")
    return enlarge(held_out["images"]), held_out["labels"]


@pytest.fixture(scope="module")
def network() -> convc.Network:
    entry = zoo.find("lenet5")
    return convc.load(entry.path, weights=entry.weights)


@pytest.mark.parametrize("target", ["native", "generic"])
def test_it_reads_handwriting(network: convc.Network, digits: tuple[np.ndarray, np.ndarray], target: str) -> None:
    images, labels = digits
    kernel = convc.compile(network, target, threads=1)
    answers = [int(np.argmax(kernel(image[None]))) for image in images]
    assert np.mean(answers == labels) >= 0.97


def test_it_agrees_with_the_interpreter(network: convc.Network, digits: tuple[np.ndarray, np.ndarray]) -> None:
    image = digits[0][:1]
    weights = {value.name: network.weights[value.name] for value in network.graph.parameters}
    (wanted,) = interpreter.run(network.graph, {network.graph.inputs[0].name: image}, weights).values()
    np.testing.assert_allclose(convc.compile(network, threads=1)(image), wanted, rtol=1e-5, atol=1e-5)


def test_the_demo_runs(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLE / "demo.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "liblenet5.so").is_file()
    assert (tmp_path / "lenet5.h").is_file()
    assert list((tmp_path / "ir").glob("*.conv"))
    assert "accuracy" in ran.stdout
