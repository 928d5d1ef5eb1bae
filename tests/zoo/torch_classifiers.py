"""Classifiers of the zoo that neither torchvision nor timm has, spelt in torch as in the paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_libraries import torchvision_model


class _Lambda(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class _Branches(nn.Module):
    """Modules side by side; `parts` names the ones each branch chains."""

    def __init__(self, branches: list[list[tuple[str, nn.Module]]]) -> None:
        super().__init__()
        self.branches = [[name for name, _ in branch] for branch in branches]
        for branch in branches:
            for name, module in branch:
                self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        results = []
        for branch in self.branches:
            y = x
            for name in branch:
                y = self.get_submodule(name)(y)
            results.append(y)
        return torch.cat(results, 1)


def sequential(**modules: nn.Module) -> nn.Sequential:
    net = nn.Sequential()
    for name, module in modules.items():
        net.add_module(name, module)
    return net


class _Relu(nn.Module):
    """A convolution and its ReLU under the convolution's own name."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        conv = nn.Conv2d(*args, **options)
        self.weight, self.bias, self.stride, self.padding = conv.weight, conv.bias, conv.stride, conv.padding

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight, self.bias, self.stride, self.padding).relu()


def nin() -> nn.Module:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return sequential(
        conv1=_Relu(3, 96, 11, 4), cccp1=_Relu(96, 96, 1), cccp2=_Relu(96, 96, 1), pool1=pool(),
        conv2=_Relu(96, 256, 5, 1, 2), cccp3=_Relu(256, 256, 1), cccp4=_Relu(256, 256, 1), pool2=pool(),
        conv3=_Relu(256, 384, 3, 1, 1), cccp5=_Relu(384, 384, 1), cccp6=_Relu(384, 384, 1), pool3=pool(),
        conv4=_Relu(384, 1024, 3, 1, 1), cccp7=_Relu(1024, 1024, 1), cccp8=_Relu(1024, 1000, 1),
        mean=_Lambda(lambda x: x.mean((2, 3))),
    )  # fmt: skip


def inception_v1() -> nn.Module:
    def unit(ic: int, c1: int, r3: int, c3: int, r5: int, c5: int, pool: int) -> nn.Module:
        return _Branches([
            [("1x1", _Relu(ic, c1, 1))],
            [("3x3_reduce", _Relu(ic, r3, 1)), ("3x3", _Relu(r3, c3, 3, 1, 1))],
            [("5x5_reduce", _Relu(ic, r5, 1)), ("5x5", _Relu(r5, c5, 5, 1, 2))],
            [("pool", nn.MaxPool2d(3, 1, 1)), ("pool_proj", _Relu(ic, pool, 1))],
        ])  # fmt: skip

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return sequential(
        conv1=sequential(**{"7x7_s2": _Relu(3, 64, 7, 2, 3)}), pool1=pool(), norm1=nn.LocalResponseNorm(5),
        conv2=sequential(**{"3x3_reduce": _Relu(64, 64, 1), "3x3": _Relu(64, 192, 3, 1, 1)}),
        norm2=nn.LocalResponseNorm(5), pool2=pool(),
        inception_3a=unit(192, 64, 96, 128, 16, 32, 32), inception_3b=unit(256, 128, 128, 192, 32, 96, 64),
        pool3=pool(),
        inception_4a=unit(480, 192, 96, 208, 16, 48, 64), inception_4b=unit(512, 160, 112, 224, 24, 64, 64),
        inception_4c=unit(512, 128, 128, 256, 24, 64, 64), inception_4d=unit(512, 112, 144, 288, 32, 64, 64),
        inception_4e=unit(528, 256, 160, 320, 32, 128, 128), pool4=pool(),
        inception_5a=unit(832, 256, 160, 320, 32, 128, 128), inception_5b=unit(832, 384, 192, 384, 48, 128, 128),
        mean=_Lambda(lambda x: x.mean((2, 3))), loss3=sequential(classifier=nn.Linear(1024, 1000)),
    )  # fmt: skip


class BnInception(nn.Module):
    """BN-Inception: all modules lie side by side, as their names say."""

    STAGES: tuple[tuple[str, tuple[int, ...]], ...] = (
        ("3a", (64, 64, 64, 64, 96, 32)), ("3b", (64, 64, 96, 64, 96, 64)), ("3c", (128, 160, 64, 96)),
        ("4a", (224, 64, 96, 96, 128, 128)), ("4b", (192, 96, 128, 96, 128, 128)),
        ("4c", (160, 128, 160, 128, 160, 128)), ("4d", (96, 128, 192, 160, 192, 128)), ("4e", (128, 192, 192, 256)),
        ("5a", (352, 192, 320, 160, 224, 128)), ("5b", (352, 192, 320, 192, 224, 128)),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._layer("conv1_7x7_s2", 3, 64, 7, 2)
        self._layer("conv2_3x3_reduce", 64, 64, 1)
        self._layer("conv2_3x3", 64, 192, 3)
        ic = 192
        for stage, widths in self.STAGES:
            at, strides = f"inception_{stage}", len(widths) == 4
            r3, c3, rd, double = widths[-5:-1] if not strides else widths
            self._layer(f"{at}_3x3_reduce", ic, r3, 1)
            self._layer(f"{at}_3x3", r3, c3, 3, 2 if strides else 1)
            self._layer(f"{at}_double_3x3_reduce", ic, rd, 1)
            self._layer(f"{at}_double_3x3_1", rd, double, 3)
            self._layer(f"{at}_double_3x3_2", double, double, 3, 2 if strides else 1)
            if strides:
                ic += c3 + double
            else:
                self._layer(f"{at}_1x1", ic, widths[0], 1)
                self._layer(f"{at}_pool_proj", ic, widths[5], 1)
                ic = widths[0] + c3 + double + widths[5]
        self.last_linear = nn.Linear(1024, 1000)

    def _layer(self, name: str, ic: int, oc: int, kernel: int, stride: int = 1) -> None:
        self.add_module(name, nn.Conv2d(ic, oc, kernel, stride, kernel // 2))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(oc))

    def _apply_layers(self, x: Tensor, at: str, *names: str) -> Tensor:
        for name in names:
            x = self.get_submodule(f"{at}{name}_bn")(self.get_submodule(f"{at}{name}")(x)).relu()
        return x

    def forward(self, x: Tensor) -> Tensor:
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        x = pool(self._apply_layers(x, "conv1_7x7_s2", ""))
        x = pool(self._apply_layers(x, "conv2", "_3x3_reduce", "_3x3"))
        for stage, widths in self.STAGES:
            at = f"inception_{stage}"
            parts = [
                self._apply_layers(x, at, "_3x3_reduce", "_3x3"),
                self._apply_layers(x, at, "_double_3x3_reduce", "_double_3x3_1", "_double_3x3_2"),
            ]
            if len(widths) == 4:
                x = torch.cat([*parts, pool(x)], 1)
            else:
                pooling = nn.MaxPool2d(3, 1, 1) if stage == "5b" else nn.AvgPool2d(3, 1, 1)
                pooled = self._apply_layers(pooling(x), at, "_pool_proj")
                x = torch.cat([self._apply_layers(x, at, "_1x1"), *parts, pooled], 1)
        return self.last_linear(x.mean((2, 3)))


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, channels // 16, 1), nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class _Excited(nn.Module):
    """An Inception module of torchvision's, excited."""

    def __init__(self, inner: nn.Module, channels: int) -> None:
        super().__init__()
        for name, module in inner.named_children():
            self.add_module(name, module)
        self.se = _SqueezeExcite(channels)

    def forward(self, x: Tensor) -> Tensor:
        branches = [self.get_submodule(f"branch{i}")(x) for i in (1, 2, 3, 4)]
        return self.se(torch.cat(branches, 1))


def se_inception_v1() -> nn.Module:
    model = torchvision_model("googlenet", aux_logits=False, init_weights=False)
    widths = {"3a": 256, "3b": 480, "4a": 512, "4b": 512, "4c": 512, "4d": 528, "4e": 832, "5a": 832, "5b": 1024}
    for stage, channels in widths.items():
        setattr(model, f"inception{stage}", _Excited(model.get_submodule(f"inception{stage}"), channels))
    return model


class _ShuffleUnit(nn.Module):
    def __init__(self, ic: int, oc: int, stride: int, first_groups: int) -> None:
        super().__init__()
        width, self.stride, out = oc // 4, stride, oc if stride == 1 else oc - ic
        self.gconv1 = nn.Conv2d(ic, width, 1, groups=first_groups, bias=False)
        self.dwconv = nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False)
        self.gconv2 = nn.Conv2d(width, out, 1, groups=3, bias=False)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(width), nn.BatchNorm2d(width), nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.gconv1(x)).relu()
        y = y.unflatten(1, (3, -1)).transpose(1, 2).flatten(1, 2)
        y = self.bn3(self.gconv2(self.bn2(self.dwconv(y))))
        if self.stride == 1:
            return (x + y).relu()
        return torch.cat([nn.functional.avg_pool2d(x, 3, 2, 1), y], 1).relu()


def shufflenet_v1() -> nn.Module:
    net = sequential(
        conv1=nn.Conv2d(3, 24, 3, 2, 1, bias=False), bn1=nn.BatchNorm2d(24), relu=nn.ReLU(), pool=nn.MaxPool2d(3, 2, 1)
    )
    ic = 24
    for stage, oc, depth in [(2, 240, 4), (3, 480, 8), (4, 960, 4)]:
        units = []
        for i in range(depth):
            units.append(_ShuffleUnit(ic, oc, 2 if i == 0 else 1, 1 if ic == 24 else 3))
            ic = oc
        net.add_module(f"stage{stage}", nn.Sequential(*units))
    net.add_module("mean", _Lambda(lambda x: x.mean((2, 3))))
    net.add_module("fc", nn.Linear(960, 1000))
    return net
