"""Modules of PyTorch as people write them: transposed convolutions, heads, attention, arithmetic on known shapes."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import convc
from convc.diagnostics import ConvcError
from convc.torch_backend import backend

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::FutureWarning")]

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from importers.torch_checks import Several, check, normal, randomised  # noqa: E402


def test_transposed_convolutions() -> None:
    layers = [
        nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1), nn.ConvTranspose2d(4, 8, 4, 2, 1, groups=2, bias=False),
        nn.ConvTranspose2d(4, 4, 3, dilation=2, groups=4), nn.ConvTranspose2d(4, 3, (3, 2), (2, 3), (1, 0), (1, 2)),
        nn.ConvTranspose2d(4, 2, 2, 2),
    ]  # fmt: skip
    check(Several(*layers), normal(2, 4, 5, 6))
    flat = [nn.ConvTranspose1d(4, 6, 5, 3, 2, output_padding=1, groups=2), nn.ConvTranspose1d(4, 3, 3, dilation=3)]
    check(Several(*flat), normal(2, 4, 7))
    deep = [nn.ConvTranspose3d(4, 2, 3, 2, 1, output_padding=(1, 0, 1)), nn.ConvTranspose3d(4, 4, 2, groups=4)]
    check(Several(*deep), normal(1, 4, 3, 2, 4))


def test_more_activations() -> None:
    functions = [
        F.celu, F.logsigmoid, F.hardshrink, F.softshrink, F.tanhshrink, F.glu, lambda x: F.threshold(x, 0.1, 2.0),
        lambda x: torch.where(x > 0, x, 0.1 * x), lambda x: (x >= 0.5).float() * x, lambda x: torch.square(x) ** 1.5,
        lambda x: x.clamp(min=torch.tensor(0.2)), lambda x: x * F.relu6(x + 3) / 6,
    ]  # fmt: skip
    check(Several(*functions), normal(2, 4, 3, 4))


def test_more_movement() -> None:
    functions = [
        lambda x: torch.stack([x, 2 * x], 2), lambda x: torch.stack(x.unbind(1)[::-1], 1), lambda x: x.flip(1, 3),
        lambda x: torch.roll(x, (1, -2), (2, 3)), lambda x: x.narrow(2, 1, 2), lambda x: x.movedim(1, -1),
        lambda x: x[:, [0, 2, 1]], lambda x: x.index_select(1, torch.tensor([3, -4 + 4])), lambda x: x.mT,
        lambda x: F.pixel_unshuffle(x, 2), lambda x: x.unfold(3, 3, 2), lambda x: x.repeat_interleave(2, 1),
        lambda x: torch.cat([x, torch.ones(2, 1, 4, 6)], 1), lambda x: torch.cat([x, torch.zeros_like(x)], 1),
        lambda x: x.mean((2, 3)).view(2, 4, 1, 1).expand_as(x), lambda x: x.tril(),
    ]  # fmt: skip
    check(Several(*functions), normal(2, 4, 4, 6))


def test_more_reductions() -> None:
    functions = [
        lambda x: x.max(1)[0], lambda x: x.min(2, keepdim=True).values, lambda x: x.max(), lambda x: x.var((2, 3)),
        lambda x: x.std(1, keepdim=True), lambda x: torch.var_mean(x, 1, unbiased=False)[1], lambda x: x.logsumexp(1),
        lambda x: x.norm(dim=1), lambda x: F.normalize(x, dim=1), lambda x: F.cosine_similarity(x, x.flip(1)),
        lambda x: x.prod(1), lambda x: x.cumsum(1), lambda x: x.cumsum(-1), lambda x: torch.maximum(x, x.flip(2)),
    ]  # fmt: skip
    check(Several(*functions), normal(2, 4, 3, 5))


def test_more_resizing_and_norms() -> None:
    functions = [
        lambda x: F.interpolate(x, (9, 5), mode="nearest-exact"), lambda x: F.interpolate(x, (9, 4), mode="bicubic"),
        lambda x: F.interpolate(x, (4, 3), mode="bilinear", antialias=True), lambda x: F.rms_norm(x, (8,)),
        lambda x: F.instance_norm(x), lambda x: F.interpolate(x, (4, 3), mode="area"),
    ]  # fmt: skip
    check(Several(nn.InstanceNorm2d(4, affine=True, track_running_stats=True), *functions), normal(2, 4, 8, 8))
    check(Several(lambda x: F.interpolate(x, scale_factor=2, mode="trilinear")), normal(1, 2, 3, 4, 2))


def test_products_written_as_einsum() -> None:
    functions = [
        lambda x, y: torch.einsum("bchw,dc->bdhw", x, y), lambda x, y: torch.einsum("bchw,bcwk->bchk", x, x.mT),
        lambda x, y: torch.baddbmm(x[0], x[0], x[0].mT @ x[0]), lambda x, y: F.bilinear(y, y, torch.ones(2, 4, 4)),
    ]  # fmt: skip
    check(Several(*functions[:3]), normal(2, 4, 3, 3), normal(5, 4))
    with pytest.raises(ConvcError, match="_trilinear"):
        check(Several(functions[3]), normal(2, 4, 3, 3), normal(5, 4))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        batch, places, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, places, 3, 4, width // 4).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(batch, places, width))


class Head(nn.Module):
    """A detector's: the grid of cells is arithmetic on shapes, which vanishes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 18, 1)
        self.register_buffer("anchors", torch.rand(1, 3, 1, 1, 2))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, high, wide = x.shape
        y = self.conv(x).view(batch, 3, 6, high, wide).permute(0, 1, 3, 4, 2).sigmoid()
        rows, columns = torch.meshgrid(torch.arange(high), torch.arange(wide), indexing="ij")
        grid = torch.stack((columns, rows), 2).view(1, 1, high, wide, 2).float()
        place, size = (2 * y[..., :2] - 0.5 + grid) * 8, (2 * y[..., 2:4]) ** 2 * self.anchors
        return torch.cat((place, size, y[..., 4:]), -1).view(batch, -1, 6)


class Standardised(nn.Conv2d):
    """A convolution whose weights are brought to mean 0 and variance 1: arithmetic on weights, done when packed."""

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, [1, 2, 3], keepdim=True, unbiased=False)
        return F.conv2d(x, (self.weight - mean) / torch.sqrt(variance + 1e-5), self.bias)


def test_modules_that_compute_with_shapes_and_weights() -> None:
    check(Attention(), normal(2, 5, 16))
    head = check(Head(), normal(2, 8, 3, 4))
    assert "anchors" in {value.name for value in head.graph.parameters}
    network = check(Standardised(4, 8, 3), normal(1, 4, 6, 6))
    assert sum(1 for _ in network.graph.runtime_nodes()) == 1


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(6, 4, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def test_recurrent_layers_unroll() -> None:
    check(Recurrent(), normal(3, 2, 6))


def test_what_torch_folds_has_the_right_type() -> None:
    """A truth table as a mask, and whole numbers that become floating ones."""
    mask = np.tril(np.ones((5, 5), bool))
    check(
        Several(
            lambda x: x.masked_fill(torch.from_numpy(mask), -2.0), lambda x: x * torch.arange(5),
            lambda x: x + torch.linspace(0, 1, 5) + torch.full((5,), 3), lambda x: x * torch.tensor([1, 2, 3, 4, 5]),
        ),
        normal(2, 5, 5),
    )  # fmt: skip


class Breaks(nn.Module):
    """Two convolutions with something in between that no graph can hold, and an op that convc has not."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x).relu()
        if float(y.sum()) > 1e9:  # depends on data: Dynamo breaks the graph here
            y = y * 0
        y = self.last(y)
        torch._dynamo.graph_break()
        return torch.linalg.det(y) + y.mean((2, 3))


@pytest.mark.usefixtures("own_cache")
def test_backend_with_breaks_between_its_graphs(caplog: pytest.LogCaptureFixture) -> None:
    module = randomised(Breaks())
    x = normal(1, 3, 6, 6)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "convc.torch"):
        compiled = torch.compile(module, backend=backend)
        torch.testing.assert_close(compiled(x), module(x), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(compiled(2 * x), module(2 * x), rtol=1e-3, atol=1e-4)
    (told,) = (record.getMessage() for record in caplog.records if record.name == "convc.torch")
    assert "linalg_det" in told  # and of nothing else: the two convolutions were compiled


@pytest.mark.usefixtures("own_cache")
def test_a_module_is_compiled_natively() -> None:
    module, x = (
        randomised(nn.Sequential(nn.ConvTranspose2d(3, 8, 4, 2, 1), nn.PReLU(8), nn.PixelShuffle(2))),
        normal(1, 3, 5, 5),
    )
    with torch.inference_mode():
        wanted = module(x).numpy()
    np.testing.assert_allclose(
        convc.compile(convc.from_torch(module, (x,)), threads=1)(x.numpy()), wanted, rtol=1e-4, atol=1e-5
    )
