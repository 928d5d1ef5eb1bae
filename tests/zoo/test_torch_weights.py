"""State dicts named as torchvision names them load by name, and give torch's own output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import convc
from convc import zoo
from convc.diagnostics import ConvcError
from convc.weights import Weights, save_safetensors

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50"])
def test_a_state_dict_reproduces_torch(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_networks import made

    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    model = made(name)
    save_safetensors(tmp_path / "w.safetensors", {k: v.numpy() for k, v in model.state_dict().items()})
    network = convc.load(zoo.find(name).path, weights=tmp_path / "w.safetensors")
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    with torch.inference_mode():
        wanted = model.double()(torch.from_numpy(image).double()).numpy()
    result = convc.compile(network, threads=2)(image)
    assert np.abs(result - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_every_misfit_is_listed() -> None:
    from torch_networks import made

    state = {k: v.numpy() for k, v in made("alexnet").state_dict().items()}
    state["features.00.weight"] = state.pop("features.0.weight")
    state["classifier.6.bias"] = state["classifier.6.bias"][:10]
    with pytest.raises(ConvcError) as caught:
        Weights.bind(state, convc.load(zoo.find("alexnet").path).graph)
    for text in ("features.0.weight", "features.00.weight", "classifier.6.bias"):
        assert text in str(caught.value)
