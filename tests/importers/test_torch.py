"""PyTorch modules as networks: every handler against torch itself, refusals, and the backend of `torch.compile`."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import convc
from convc.diagnostics import ConvcError
from convc.importers.torch.handlers import HANDLERS
from convc.torch_backend import backend

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::FutureWarning")]

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from importers.torch_checks import Several, check, normal, randomised  # noqa: E402


def test_layers() -> None:
    layers = [
        nn.Conv2d(6, 8, 3, stride=2, padding=1, dilation=2), nn.Conv2d(6, 6, (3, 5), padding="same", groups=3),
        nn.Conv2d(6, 4, 1, bias=False), nn.BatchNorm2d(6), nn.BatchNorm2d(6, affine=False), nn.GroupNorm(3, 6),
        nn.InstanceNorm2d(6, affine=True), nn.LayerNorm(9), nn.Linear(9, 5), nn.Linear(9, 5, bias=False),
        nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d(1), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.AdaptiveAvgPool2d((2, 4)), nn.Upsample(scale_factor=2), nn.Upsample((5, 12), mode="bilinear"),
        nn.Upsample((12, 14), mode="bilinear", align_corners=True),
    ]  # fmt: skip
    check(Several(*layers), normal(2, 6, 9, 9))


def test_layers_of_one_and_three_axes() -> None:
    check(Several(nn.Conv1d(4, 6, 3, padding=2, dilation=2), nn.BatchNorm1d(4), nn.MaxPool1d(2)), normal(2, 4, 11))
    check(Several(nn.Conv3d(2, 4, 2, stride=(1, 2, 1)), nn.AvgPool3d(2)), normal(1, 2, 4, 5, 6))


def test_activations() -> None:
    layers = [
        nn.ReLU(inplace=True), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(4), nn.ELU(0.7), nn.SELU(), nn.SiLU(), nn.GELU(),
        nn.GELU(approximate="tanh"), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-2, 3), nn.Mish(), nn.Softplus(),
        nn.Sigmoid(), nn.Tanh(), nn.Softmax(1), nn.LogSoftmax(-1), nn.Dropout(), nn.Identity(),
    ]  # fmt: skip
    check(Several(*(nn.Sequential(nn.Identity(), layer) for layer in layers[1:]), lambda x: F.relu(x)), normal(2, 4, 5))
    check(nn.Sequential(nn.Linear(5, 5), layers[0]), normal(2, 5))


def test_arithmetic() -> None:
    functions = [
        lambda x, y: x + y, lambda x, y: torch.sub(x, y, alpha=2), lambda x, y: 1 - x * y, lambda x, y: x / (2 + y * y),
        lambda x, y: (x * x + 1) ** 0.5, lambda x, y: torch.maximum(x, y), lambda x, y: torch.minimum(x, y).abs(),
        lambda x, y: torch.rsqrt(x * x + 1), lambda x, y: x.exp().log(), lambda x, y: x.clamp(min=-0.5),
        lambda x, y: x.clamp(0, 6), lambda x, y: x.sin() + x.cos() - x.neg(), lambda x, y: x.erf() + x.floor(),
    ]  # fmt: skip
    check(Several(*functions), normal(2, 3, 4), normal(3, 1))


def test_movement() -> None:
    functions = [
        lambda x: x.flatten(1), lambda x: x.reshape(2, 3, -1), lambda x: x.permute(0, 2, 3, 1),
        lambda x: x.transpose(1, 3), lambda x: x[:, 2],
        lambda x: torch.cat([x, x * 2], 1), lambda x: torch.cat(x.chunk(4, 1)[::-1], 1),
        lambda x: torch.cat(x.split([4, 2], 1)[::-1], 1), lambda x: x[:, 1:5:2], lambda x: x[..., -3:],
        lambda x: x.mean(1, keepdim=True).expand(2, 6, 4, 5), lambda x: x.repeat(1, 2, 1, 1),
        lambda x: F.pad(x, (1, 2, 0, 1), value=3.0), lambda x: F.pad(x, (1, 2, 0, 1), mode="circular"),
        lambda x: x.unsqueeze(1).squeeze(1), lambda x: F.channel_shuffle(x, 3), lambda x: x[:, :4].contiguous(),
        lambda x: F.pixel_shuffle(x[:, :4], 2),
    ]  # fmt: skip
    check(Several(*functions), normal(2, 6, 4, 5))


def test_reductions_and_products() -> None:
    functions = [
        lambda x: x.mean((2, 3)), lambda x: x.mean((2, 3), keepdim=True), lambda x: x.sum(-1), lambda x: x.amax((1, 2)),
        lambda x: x.mean(1), lambda x: x @ x.transpose(2, 3), lambda x: torch.bmm(x[:, 0], x[:, 1].transpose(1, 2)),
    ]  # fmt: skip
    check(Several(*functions), normal(2, 6, 4, 5))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y[:, :1] += 1.0
        y.relu_()
        return y * 2


def test_ops_that_write_to_their_operands() -> None:
    x = normal(1, 3, 4, 4)
    module = randomised(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True)))
    check(module, x)
    with pytest.raises(ConvcError, match="slice_scatter"):
        convc.from_torch(randomised(InPlace()), (x,))


def test_weights_keep_their_names() -> None:
    network = check(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), normal(1, 3, 5, 5))
    assert [node.name for node in network.graph.nodes] == ["layer0", "layer1", "layer2"]
    assert [value.name for value in network.graph.parameters][:3] == ["layer0.weight", "layer0.bias", "layer1.weight"]


def test_every_refusal_is_listed() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sort(x, 1)[0] + torch.linalg.det(x)

    with pytest.raises(ConvcError) as caught:
        convc.from_torch(Odd().eval(), (normal(3, 3),))
    assert "aten.sort" in str(caught.value)
    assert "no such op" in str(caught.value)


@pytest.mark.parametrize(
    ("module", "inputs", "message"),
    [
        (nn.Conv2d(3, 3, 1), (normal(1, 3, 4, 4),), "is in training mode"),
        (nn.Linear(3, 3).eval(), (normal(1, 4),), "cannot trace Linear"),
        (nn.Identity().eval(), (torch.zeros(2, dtype=torch.int64),), "takes torch.float32"),
    ],
)
def test_modules_that_cannot_be(module: nn.Module, inputs: tuple[Tensor, ...], message: str) -> None:
    with pytest.raises(ConvcError, match=message):
        convc.from_torch(module, inputs)


def test_every_handler_is_an_op_of_torch() -> None:
    assert [name for name in HANDLERS if not hasattr(torch.ops.aten, name)] == []


def test_torch_finds_the_backend_by_name() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    place = f"{backend.__module__}:{backend.__name__}"
    assert f'[project.entry-points.torch_dynamo_backends]\nconvc = "{place}"' in project


@pytest.mark.usefixtures("own_cache")
def test_backend_compiles_and_follows_the_weights(caplog: pytest.LogCaptureFixture) -> None:
    module = randomised(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()))
    compiled, x = torch.compile(module, backend=backend), normal(1, 3, 8, 8)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "convc.torch"):
        torch.testing.assert_close(compiled(x), module(x), rtol=1e-4, atol=1e-5)
        module[0].bias.add_(1.0)
        torch.testing.assert_close(compiled(x), module(x), rtol=1e-4, atol=1e-5)
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "convc.torch"):
        compiled(x).sum().backward()
    assert module[0].weight.grad is not None
    assert "gradients are asked for" in caplog.text


@pytest.mark.usefixtures("own_cache")
def test_backend_leaves_to_torch_what_it_cannot(caplog: pytest.LogCaptureFixture) -> None:
    def function(x: Tensor) -> Tensor:
        y = torch.sort(x, 1)[0]
        torch._dynamo.graph_break()
        return y.relu() * 2

    x = normal(2, 6)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "convc.torch"):
        torch.testing.assert_close(torch.compile(function, backend=backend)(x), function(x))
    assert len(caplog.records) == 1
    assert "aten.sort" in caplog.text
