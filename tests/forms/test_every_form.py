"""The forms of convolution: every file is a network, says what it is, and compiles to what the interpreter says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convc.driver import build_library, make_options, translate
from convc.forms import NAMES, Form, forms
from convc.frontend import format_source, load_graph
from convc.interpreter import run
from convc.native.kernel import Kernel
from convc.network import Network
from convc.weights.store import Weights

DOCS = Path(__file__).parents[2] / "docs" / "forms.md"
every_form = pytest.mark.parametrize("form", forms(), ids=lambda form: form.name)


def test_every_file_is_a_form() -> None:
    folder = forms()[0].path.parent
    assert {path.stem for path in folder.glob("*.conv")} == set(NAMES)
    assert all(form.acts_in for form in forms())


@every_form
def test_it_is_documented_and_formatted(form: Form) -> None:
    assert f"`{form.name}.conv`" in DOCS.read_text()
    text = form.path.read_text()
    assert format_source(text) == text


@every_form
def test_it_keeps_the_channels(form: Form) -> None:
    graph = load_graph(form.path, form.parameters(32, 6, 10))
    (output,) = graph.outputs
    assert output.value.type.shape[1] == 32
    assert load_graph(form.path, {}).outputs[0].value.type.shape[1] == 64


@every_form
def test_compiled_it_agrees_with_the_interpreter(form: Form) -> None:
    graph = load_graph(form.path, form.parameters(16, 5, 7))
    network = Network(graph, Weights.random(graph))
    options = make_options(threads=1, winograd=False)
    kernel = Kernel(build_library(network, translate(graph, options), options), 1)
    (port,) = graph.inputs
    x = np.random.default_rng(0).standard_normal(port.type.shape).astype(np.float32)
    (expected,) = run(graph, {port.name: x}, network.weights).values()
    # Sums of at most 16 * 25 products of numbers that stay below 10, layer after layer.
    bound = 3 * 16 * 25 * np.finfo(np.float32).eps * max(1.0, float(np.abs(expected).max()))
    assert np.abs(np.asarray(kernel(x)) - expected).max() <= bound
