"""AlexNet, VGG-16 and ResNet-50 in torch, their modules named as torchvision names them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class _Classifier(nn.Module):
    """What AlexNet and VGG share: features, then a classifier over the flat map."""

    def __init__(self, features: nn.Sequential, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features, self.classifier = features, classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def alexnet() -> nn.Module:
    def conv(ic: int, oc: int, kernel: int, stride: int = 1, pad: int = 0) -> list[nn.Module]:
        return [nn.Conv2d(ic, oc, kernel, stride, pad), nn.ReLU()]

    pool = nn.MaxPool2d(3, 2)
    features = nn.Sequential(
        *conv(3, 64, 11, 4, 2), pool, *conv(64, 192, 5, 1, 2), pool, *conv(192, 384, 3, 1, 1), *conv(384, 256, 3, 1, 1),
        *conv(256, 256, 3, 1, 1), pool,
    )  # fmt: skip
    classifier = nn.Sequential(
        nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Linear(4096, 1000),
    )  # fmt: skip
    return _Classifier(features, classifier)


def vgg16() -> nn.Module:
    layers: list[nn.Module] = []
    ic = 3
    for channels, depth in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(depth):
            layers += [nn.Conv2d(ic, channels, 3, padding=1), nn.ReLU()]
            ic = channels
        layers.append(nn.MaxPool2d(2))
    classifier = nn.Sequential(
        nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 1000),
    )  # fmt: skip
    return _Classifier(nn.Sequential(*layers), classifier)


class _Bottleneck(nn.Module):
    def __init__(self, ic: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(ic, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or ic != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(ic, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class _ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        ic = 64
        for stage, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 1):
            blocks = []
            for i in range(depth):
                blocks.append(_Bottleneck(ic, width, 2 if i == 0 and stage > 1 else 1))
                ic = 4 * width
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


def resnet50() -> nn.Module:
    """With running statistics that are not the trivial ones."""
    model = _ResNet()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return model


NETWORKS: dict[str, Callable[[], nn.Module]] = {"alexnet": alexnet, "vgg16": vgg16, "resnet50": resnet50}


def made(name: str) -> nn.Module:
    """The network with seeded weights, ready to infer."""
    torch.manual_seed(0)
    return NETWORKS[name]().eval()
