"""The zoo's networks in torch: torchvision's and timm's where they have them, else spelt here as in the paper.

A module's names are those of the `.conv` file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn


@contextmanager
def _without_compiled_ops() -> Iterator[None]:
    """torchvision's models import where its compiled operators do not load, which only detection needs."""
    register = torch.library.register_fake

    def lenient(op: Any, *args: Any, **options: Any) -> Any:
        decorated = register(op, *args, **options)

        def apply(function: Any) -> Any:
            try:
                return decorated(function)
            except RuntimeError:
                return function

        return apply

    torch.library.register_fake = lenient  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.library.register_fake = register


def _library(name: str) -> ModuleType:
    with _without_compiled_ops():
        return pytest.importorskip(name, exc_type=(ImportError, RuntimeError))


def torchvision_model(name: str, **options: Any) -> nn.Module:
    models = _library("torchvision.models")
    return getattr(models, name)(weights=None, **options)


def timm_model(name: str) -> nn.Module:
    return _library("timm").create_model(name)


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


def _sequential(**modules: nn.Module) -> nn.Sequential:
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

    return _sequential(
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

    return _sequential(
        conv1=_sequential(**{"7x7_s2": _Relu(3, 64, 7, 2, 3)}), pool1=pool(), norm1=nn.LocalResponseNorm(5),
        conv2=_sequential(**{"3x3_reduce": _Relu(64, 64, 1), "3x3": _Relu(64, 192, 3, 1, 1)}),
        norm2=nn.LocalResponseNorm(5), pool2=pool(),
        inception_3a=unit(192, 64, 96, 128, 16, 32, 32), inception_3b=unit(256, 128, 128, 192, 32, 96, 64),
        pool3=pool(),
        inception_4a=unit(480, 192, 96, 208, 16, 48, 64), inception_4b=unit(512, 160, 112, 224, 24, 64, 64),
        inception_4c=unit(512, 128, 128, 256, 24, 64, 64), inception_4d=unit(512, 112, 144, 288, 32, 64, 64),
        inception_4e=unit(528, 256, 160, 320, 32, 128, 128), pool4=pool(),
        inception_5a=unit(832, 256, 160, 320, 32, 128, 128), inception_5b=unit(832, 384, 192, 384, 48, 128, 128),
        mean=_Lambda(lambda x: x.mean((2, 3))), loss3=_sequential(classifier=nn.Linear(1024, 1000)),
    )  # fmt: skip


class _BnInception(nn.Module):
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
    net = _sequential(
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


class _WaveLayer(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.reach = dilation
        self.filter, self.gate = nn.Conv1d(32, 32, 2, dilation=dilation), nn.Conv1d(32, 32, 2, dilation=dilation)
        self.residual, self.skip = nn.Conv1d(32, 32, 1), nn.Conv1d(32, 512, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        past = nn.functional.pad(x, (self.reach, 0))
        z = self.filter(past).tanh() * self.gate(past).sigmoid()
        return x + self.residual(z), self.skip(z)


class _WaveNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.causal = nn.Conv1d(256, 32, 2)
        self.layers = nn.ModuleList([_WaveLayer(2 ** (i % 10)) for i in range(30)])
        self.hidden, self.output = nn.Conv1d(512, 512, 1), nn.Conv1d(512, 256, 1)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.causal(nn.functional.pad(audio, (1, 0)))
        total = torch.zeros(())
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.output(self.hidden(total.relu()).relu())


class _Context(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        ic = 3
        for stage, (channels, depth) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
            for i in range(1, depth + 1):
                self.add_module(f"conv{stage}_{i}", nn.Conv2d(ic, channels, 3, dilation=2 if stage == 5 else 1))
                ic = channels
        self.fc6, self.fc7 = nn.Conv2d(512, 4096, 7, dilation=4), nn.Conv2d(4096, 4096, 1)
        self.fc_final = nn.Conv2d(4096, 21, 1)
        ic = 21
        for name, width, dilation in self.CONTEXT:
            self.add_module(name, nn.Conv2d(ic, 21 * width, 3, dilation=dilation))
            ic = 21 * width
        self.ct_final = nn.Conv2d(ic, 21, 1)

    CONTEXT = (
        ("ct_conv1_1", 2, 1), ("ct_conv1_2", 2, 1), ("ct_conv2_1", 4, 2), ("ct_conv3_1", 8, 4), ("ct_conv4_1", 16, 8),
        ("ct_conv5_1", 32, 16), ("ct_fc1", 32, 1),
    )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        for stage, depth in enumerate([2, 2, 3, 3, 3], 1):
            for i in range(1, depth + 1):
                x = self.get_submodule(f"conv{stage}_{i}")(x).relu()
            x = nn.functional.max_pool2d(x, 2) if stage < 4 else x
        x = self.fc_final(self.fc7(self.fc6(x).relu()).relu())
        x = nn.functional.pad(x, (33, 33, 33, 33))
        for name, _, _ in self.CONTEXT:
            x = self.get_submodule(name)(x).relu()
        return self.ct_final(x)


class _Fcn(nn.Module):
    """Long et al.'s FCN at stride 32, 16 or 8."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        ic, self.stride = 3, stride
        for stage, (channels, depth) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
            for i in range(1, depth + 1):
                self.add_module(f"conv{stage}_{i}", nn.Conv2d(ic, channels, 3, padding=100 if ic == 3 else 1))
                ic = channels
        self.fc6, self.fc7, self.score_fr = nn.Conv2d(512, 4096, 7), nn.Conv2d(4096, 4096, 1), nn.Conv2d(4096, 21, 1)

        def upsampling(factor: int) -> nn.Module:
            return nn.ConvTranspose2d(21, 21, 2 * factor, factor, bias=False)

        if stride == 32:
            self.upscore = upsampling(32)
        else:
            self.score_pool4, self.upscore2 = nn.Conv2d(512, 21, 1), upsampling(2)
        if stride == 16:
            self.upscore16 = upsampling(16)
        if stride == 8:
            self.score_pool3, self.upscore_pool4, self.upscore8 = nn.Conv2d(256, 21, 1), upsampling(2), upsampling(8)

    def forward(self, image: Tensor) -> Tensor:
        def crop(x: Tensor, like: Tensor, margin: int) -> Tensor:
            return x[:, :, margin : margin + like.shape[2], margin : margin + like.shape[3]]

        x, pools = image, []
        for stage, depth in enumerate([2, 2, 3, 3, 3], 1):
            for i in range(1, depth + 1):
                x = self.get_submodule(f"conv{stage}_{i}")(x).relu()
            x = nn.functional.max_pool2d(x, 2, ceil_mode=True)
            pools.append(x)
        x = self.score_fr(self.fc7(self.fc6(x).relu()).relu())
        if self.stride == 32:
            return crop(self.upscore(x), image, 19)
        x = self.upscore2(x)
        x = x + crop(self.score_pool4(pools[3]), x, 5)
        if self.stride == 16:
            return crop(self.upscore16(x), image, 27)
        x = self.upscore_pool4(x)
        x = x + crop(self.score_pool3(pools[2]), x, 9)
        return crop(self.upscore8(x), image, 31)


class _Double(nn.Module):
    def __init__(self, ic: int, oc: int, transposed: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(ic, oc, 3), nn.Conv2d(oc, oc, 3)
        if transposed:
            self.transposed = nn.ConvTranspose2d(ic, oc, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x).relu()).relu()


class _UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for i, (ic, oc) in enumerate([(1, 64), (64, 128), (128, 256), (256, 512)], 1):
            self.add_module(f"down{i}", _Double(ic, oc))
            self.add_module(f"up{i}", _Double(2 * oc, oc, True))
        self.bottom, self.score = _Double(512, 1024), nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        across = []
        for i in range(1, 5):
            across.append(self.get_submodule(f"down{i}")(x))
            x = nn.functional.max_pool2d(across[-1], 2)
        x = self.bottom(x)
        for i in range(4, 0, -1):
            up = self.get_submodule(f"up{i}")
            x, old = up.transposed(x), across[i - 1]
            margin = (old.shape[2] - x.shape[2]) // 2
            x = up(torch.cat([old[:, :, margin : margin + x.shape[2], margin : margin + x.shape[3]], x], 1))
        return self.score(x)


class _Out(nn.Module):
    """torchvision's segmentation networks, without the dictionary they return."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone, self.classifier = model.backbone, model.classifier

    def forward(self, x: Tensor) -> Tensor:
        scores = self.classifier(self.backbone(x)["out"])
        return nn.functional.interpolate(scores, size=x.shape[2:], mode="bilinear", align_corners=False)


class _Deformed(nn.Module):
    """A 3x3 convolution at learnt offsets: each tap is a map sampled on its own grid."""

    def __init__(self, plain: nn.Conv2d, modulated: bool) -> None:
        super().__init__()
        self.stride, self.modulated = plain.stride[0], modulated
        self.weight = nn.Parameter(torch.empty_like(plain.weight))
        self.conv_offset = nn.Conv2d(plain.in_channels, 27 if modulated else 18, 3, self.stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        field = self.conv_offset(x)
        (ih, iw), (oh, ow) = x.shape[2:], field.shape[2:]
        mask = field[:, 18:].sigmoid() if self.modulated else torch.ones_like(field[:, :9])
        rows = torch.arange(oh, dtype=x.dtype)[:, None] * self.stride - 1
        columns = torch.arange(ow, dtype=x.dtype)[None] * self.stride - 1
        result = torch.zeros(())
        for tap in range(9):
            i, j = divmod(tap, 3)
            at = torch.stack([columns + j + field[:, 2 * tap + 1], rows + i + field[:, 2 * tap]], -1)
            grid = 2 * at / torch.tensor([max(iw - 1, 1), max(ih - 1, 1)], dtype=x.dtype) - 1
            sampled = nn.functional.grid_sample(x, grid, align_corners=True) * mask[:, tap : tap + 1]
            result = result + torch.einsum("nchw,oc->nohw", sampled, self.weight[:, :, i, j])
        return result


def deformable_resnet50(modulated: bool) -> nn.Module:
    model = torchvision_model("resnet50")
    for bottleneck in model.get_submodule("layer4"):
        bottleneck.conv2 = _Deformed(bottleneck.conv2, modulated)
    return model


def deeplab_v3() -> nn.Module:
    models = _library("torchvision.models.segmentation")
    return _Out(models.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "alexnet": lambda: torchvision_model("alexnet"),
    "context": _Context,
    "deeplab_v3": deeplab_v3,
    "deformable_resnet50": lambda: deformable_resnet50(False),
    "deformable_resnet50_v2": lambda: deformable_resnet50(True),
    "densenet121": lambda: torchvision_model("densenet121"),
    "efficientnet_b0": lambda: torchvision_model("efficientnet_b0"),
    "fcn16s": lambda: _Fcn(16),
    "fcn32s": lambda: _Fcn(32),
    "fcn8s": lambda: _Fcn(8),
    "inception_v1": inception_v1,
    "inception_v1_bn": lambda: torchvision_model("googlenet", aux_logits=False, init_weights=False),
    "inception_v2": _BnInception,
    "inception_v3": lambda: torchvision_model("inception_v3", aux_logits=False, init_weights=False),
    "mobilenet_v1": lambda: timm_model("mobilenetv1_100"),
    "mobilenet_v2": lambda: torchvision_model("mobilenet_v2"),
    "mobilenet_v3_large": lambda: torchvision_model("mobilenet_v3_large"),
    "nin": nin,
    "resnet18": lambda: torchvision_model("resnet18"),
    "resnet50": lambda: torchvision_model("resnet50"),
    "se_inception_v1": se_inception_v1,
    "se_resnet50": lambda: timm_model("seresnet50"),
    "senet154": lambda: timm_model("legacy_senet154"),
    "shufflenet_v1": shufflenet_v1,
    "shufflenet_v2": lambda: torchvision_model("shufflenet_v2_x1_0"),
    "squeezenet": lambda: torchvision_model("squeezenet1_1"),
    "unet": _UNet,
    "vgg16": lambda: torchvision_model("vgg16"),
    "vgg19": lambda: torchvision_model("vgg19"),
    "wavenet": _WaveNet,
    "xception": lambda: timm_model("legacy_xception"),
}


def described(name: str) -> nn.Module:
    """The network without memory for its weights: names and shapes."""
    with torch.device("meta"):
        return NETWORKS[name]()


def made(name: str) -> nn.Module:
    """The network ready to infer, with seeded weights of a size that keeps activations about 1, and running statistics
    that are not the trivial ones."""
    model = described(name).to_empty(device="cpu").eval()
    random = torch.Generator().manual_seed(0)
    for module in model.modules():
        parameters = list(module.named_parameters(recurse=False))
        for key, tensor in parameters:
            if tensor.dim() > 1:
                nn.init.normal_(tensor, std=(2 / tensor[0].numel()) ** 0.5, generator=random)
            elif key == "weight":
                nn.init.uniform_(tensor, 0.5, 1.0, generator=random)
            else:
                nn.init.uniform_(tensor, -0.1, 0.1, generator=random)
        for key, buffer in module.named_buffers(recurse=False):
            if key == "running_var":
                nn.init.uniform_(buffer, 0.5, 1.5, generator=random)
            elif key == "running_mean":
                nn.init.uniform_(buffer, -0.1, 0.1, generator=random)
    return model
