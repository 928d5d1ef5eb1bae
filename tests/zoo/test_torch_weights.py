"""State dicts named as torchvision and timm name them load by name, and give torch's own output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sizes import QUICK, small

import convc
from convc import interpreter, zoo
from convc.diagnostics import ConvcError
from convc.frontend import load_graph
from convc.ir import Graph
from convc.weights import Weights, save_safetensors

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

#: Spelt in NumPy or trained here: no state dict that people have.
ELSEWHERE = {"lenet5", "alexnet_two_groups"}
#: Networks whose names of weights there are two of: torchvision's, and timm's on request.
BY_TIMM = [f"{name} timm" for name in ("efficientnet_b0", "mobilenet_v2", "mobilenet_v3_large", "vgg16", "vgg19")]
NAMES = sorted(set(zoo.names()) - ELSEWHERE) + BY_TIMM
SOME = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.sweep]) for name in NAMES]


def graph_of(case: str, parameters: dict[str, object]) -> Graph:
    name, _, names = case.partition(" ")
    return load_graph(zoo.find(name).path, parameters | ({"names": names} if names else {}))


@pytest.mark.parametrize("case", NAMES)
def test_names_and_shapes_are_those_of_the_state_dict(case: str) -> None:
    """But for what training alone needs, which the file says is to be ignored."""
    from torch_networks import described

    graph = graph_of(case, {})
    state = {k: tuple(v.shape) for k, v in described(case).state_dict().items()}
    known = {value.name: value.type.shape for value in graph.parameters}
    rest = {k for k in state if k not in known and not k.endswith("num_batches_tracked")}
    assert all(state.get(k) == shape for k, shape in known.items())
    assert {k.partition(".")[0] for k in rest} == set(graph.ignored if rest else ())
    assert not graph.ignored or rest or case == "inception_v1"  # of Caffe, whose classifiers for training are not spelt


@pytest.mark.parametrize("case", SOME)
def test_a_state_dict_reproduces_torch(case: str) -> None:
    from torch_networks import made

    model = made(case)
    graph = graph_of(case, small(case.partition(" ")[0]))
    weights = Weights.bind({k: v.numpy() for k, v in model.state_dict().items()}, graph)
    image = np.random.default_rng(0).standard_normal(graph.inputs[0].type.shape)
    with torch.inference_mode():
        wanted = model.double()(torch.from_numpy(image)).numpy()
    (result,) = interpreter.run(graph, {graph.inputs[0].name: image}, weights).values()
    assert np.abs(wanted).max() > 0
    assert np.abs(result - wanted).max() <= 1e-9 * np.abs(wanted).max()


def test_a_saved_state_dict_is_loaded_and_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_networks import made

    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    model = made("squeezenet")
    save_safetensors(tmp_path / "w.safetensors", {k: v.numpy() for k, v in model.state_dict().items()})
    network = convc.load(zoo.find("squeezenet").path, weights=tmp_path / "w.safetensors", size=64)
    image = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        wanted = model.double()(torch.from_numpy(image).double()).numpy()
    result = convc.compile(network, threads=2)(image)
    assert np.abs(result - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_every_misfit_is_listed() -> None:
    from torch_networks import made

    state = {k: v.numpy() for k, v in made("squeezenet").state_dict().items()}
    state["features.00.weight"] = state.pop("features.0.weight")
    state["classifier.1.bias"] = state["classifier.1.bias"][:10]
    with pytest.raises(ConvcError) as caught:
        Weights.bind(state, load_graph(zoo.find("squeezenet").path))
    for text in ("features.0.weight", "features.00.weight", "classifier.1.bias"):
        assert text in str(caught.value)
