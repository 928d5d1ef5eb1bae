"""Networks of the zoo that score every pixel or sample, and the deformable ones, in torch as in the paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_libraries import library, torchvision_model


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


class WaveNet(nn.Module):
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


class Context(nn.Module):
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


class Fcn(nn.Module):
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


class UNet(nn.Module):
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
        self.backbone, self.classifier, self.aux_classifier = model.backbone, model.classifier, model.aux_classifier

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
    models = library("torchvision.models.segmentation")
    return _Out(models.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21, aux_loss=True))
