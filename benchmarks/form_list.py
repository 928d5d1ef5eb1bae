"""The forms that `benchmarks/forms.py` measures: each as convc's source and as a function of PyTorch.

A form's body is that of a network, `y = ...`, over an `x` of `axes` spatial axes; the function takes the inputs and the
weights by convc's names. What PyTorch does not have by itself (deformable convolution is torchvision's) has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

Tensors = Mapping[str, torch.Tensor]
Function = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class Form:
    """`inputs` are those beside `x`; `twice` marks what should be at least twice as fast as the faster peer."""

    name: str
    source: str
    torch: Function | None
    inputs: str = ""
    twice: bool = False
    axes: int = 2  # spatial ones of `x`; 0: it is a matrix, a row for every pixel
    multiple: int = 1

    def network(self, c: int, h: int, w: int) -> str:
        """The source at about `c` channels, at the largest multiple of `multiple` that is no more."""
        c = c // self.multiple * self.multiple
        images = {1: f"1, {c}, {h * w}", 2: f"1, {c}, {h}, {w}", 3: f"1, {c // 4}, 4, {h}, {w}"}
        shape = images.get(self.axes, f"{h * w}, {c}")
        sizes = {"c": c, "h": h, "w": w, "half": c // 2, "quarter": c // 4, "oh": (h + 1) // 2, "t": h * w}
        more = f", {self.inputs.format(**sizes)}" if self.inputs else ""
        body = self.source.format(**sizes).replace("; ", "\n    ")
        return f"network form(x: f32[{shape}]{more}) {{\n    {body}\n    return y\n}}"


def _conv(x: torch.Tensor, w: Tensors, name: str = "y", **fields: Any) -> torch.Tensor:
    """`groups = -1` is a group for every channel, `left` padding before an only axis."""
    ranks = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
    if "left" in fields:
        x = F.pad(x, (fields.pop("left"), 0))
    if fields.get("groups") == -1:
        fields["groups"] = x.shape[1]
    return ranks[x.dim()](x, w[f"{name}.weight"], w.get(f"{name}.bias"), **fields)


def conv(name: str, call: str, twice: bool = False, axes: int = 2, **fields: Any) -> Form:
    """One convolution."""
    return Form(name, f"y = conv(x, {call})", lambda x, w: _conv(x, w, **fields), twice=twice, axes=axes)


def function(name: str, call: str, of: Callable[[torch.Tensor], torch.Tensor], axes: int = 2) -> Form:
    """One op without weights."""
    return Form(name, f"y = x |> {call}", lambda x, w: of(x), axes=axes)


def width(channels: int) -> Form:
    """Groups of so many channels."""
    return Form(
        f"3x3, groups of {channels}",
        f"y = conv(x, {{c}}, 3, pad = 1, groups = {{c}} / {channels})",
        lambda x, w: _conv(x, w, padding=1, groups=x.shape[1] // channels), multiple=channels,
    )


def _separable(x: torch.Tensor, w: Tensors) -> torch.Tensor:
    t = F.conv2d(x, w["y.depthwise.weight"], padding=1, groups=x.shape[1])
    return _conv(t, w, "y.pointwise")


def _excited(x: torch.Tensor, w: Tensors) -> torch.Tensor:
    s = F.relu(_conv(x.mean((2, 3), keepdim=True), w, "y.fc1"))
    return x * torch.sigmoid(_conv(s, w, "y.fc2"))


def _gated(x: torch.Tensor, w: Tensors, scope: str = "y") -> torch.Tensor:
    x = F.pad(x, (4, 0))
    gate = torch.sigmoid(_conv(x, w, f"{scope}.gate", dilation=4))
    return torch.tanh(_conv(x, w, f"{scope}.filter", dilation=4)) * gate


def _layer(x: torch.Tensor, w: Tensors) -> torch.Tensor:
    return x + _conv(_gated(x, w, "g"), w, "p")


def _shuffled(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)


OFFSET = "offset: f32[1, 18, {h}, {w}]"
MASK = "mask: f32[1, 9, {h}, {w}]"

FORMS: tuple[Form, ...] = (
    conv("3x3", "{c}, 3, pad = 1", padding=1),
    conv("1x1", "{c}, 1"),
    conv("5x5", "{c}, 5, pad = 2", padding=2),
    conv("3x3, stride 2", "{c}, 3, pad = 1, stride = 2", padding=1, stride=2),
    conv("1x1, stride 2", "{c}, 1, stride = 2", stride=2),
    conv("3x3, dilation 2", "{c}, 3, pad = 2, dilation = 2", True, padding=2, dilation=2),
    conv("3x3, dilation 4", "{c}, 3, pad = 4, dilation = 4", True, padding=4, dilation=4),
    width(2), width(3), width(4), width(5), width(6), width(8), width(12), width(16), width(24), width(32),
    conv("1x1 in 4 groups", "{c}, 1, groups = 4", groups=4),
    Form(
        "1x1 in 4 groups, shuffled", "y = x |> conv({c}, 1, groups = 4, name = \"p\") |> channel_shuffle(4)",
        lambda x, w: _shuffled(_conv(x, w, "p", groups=4)),
    ),
    conv("depthwise 3x3", "{c}, 3, pad = 1, groups = {c}", padding=1, groups=-1),
    conv("depthwise 5x5", "{c}, 5, pad = 2, groups = {c}", padding=2, groups=-1),
    conv("depthwise 3x3, stride 2", "{c}, 3, pad = 1, stride = 2, groups = {c}", padding=1, stride=2, groups=-1),
    conv("depthwise 3x3, multiplier 2", "2 * {c}, 3, pad = 1, groups = {c}", True, padding=1, groups=-1),
    conv("depthwise 3x3, multiplier 4", "4 * {c}, 3, pad = 1, groups = {c}", True, padding=1, groups=-1),
    Form("separable 3x3", "y = separable_conv(x, {c}, 3)", _separable),
    Form(
        "1x3, then 3x1", "y = spatially_separable_conv(x, {c}, 3)",
        lambda x, w: _conv(_conv(x, w, "y.row", padding=(0, 1)), w, "y.column", padding=(1, 0)),
    ),
    Form(
        "transposed 3x3, stride 2", "y = conv_transpose(x, {c}, 3, stride = 2, pad = 1, output_pad = 1)",
        lambda x, w: F.conv_transpose2d(x, w["y.weight"], w["y.bias"], stride=2, padding=1, output_padding=1),
        twice=True,
    ),
    Form(
        "transposed 2x2, stride 2", "y = conv_transpose(x, {half}, 2, stride = 2)",
        lambda x, w: F.conv_transpose2d(x, w["y.weight"], w["y.bias"], stride=2), twice=True,
    ),
    Form(
        "transposed 4x4, stride 2, depthwise", "y = conv_transpose(x, {c}, 4, stride = 2, pad = 1, groups = {c})",
        lambda x, w: F.conv_transpose2d(x, w["y.weight"], w["y.bias"], stride=2, padding=1, groups=x.shape[1]),
        twice=True,
    ),
    Form("deformable 3x3, v1", "y = deform_conv(x, offset, {c}, 3, pad = 1)", None, OFFSET, twice=True),
    Form(
        "deformable 3x3, v2", "y = deform_conv(x, offset, {c}, 3, pad = 1, mask = mask)", None,
        f"{OFFSET}, {MASK}", twice=True,
    ),
    Form("squeeze and excitation", "y = squeeze_excite(x, 16)", _excited),
    conv("causal 1-D, kernel 2, dilation 4", "{c}, 2, pad = [4, 0], dilation = 4", True, 1, left=4, dilation=4),
    conv("causal 1-D, kernel 3", "{c}, 3, pad = [2, 0]", True, 1, left=2),
    Form("gated, causal 1-D", "y = gated_conv(x, {c}, 2, dilation = 4)", _gated, twice=True, axes=1),
    Form(
        "WaveNet's layer", "g = gated_conv(x, {c}, 2, dilation = 4); p = conv(g, {c}, 1); y = x + p", _layer,
        twice=True, axes=1,
    ),
    conv("3x3x3", "{quarter}, 3, pad = 1", axes=3, padding=1),
    function("channel shuffle, 4 groups", "channel_shuffle(4)", _shuffled),
    function("max pool 3x3, stride 2", "maxpool(3, stride = 2, pad = 1)", lambda x: F.max_pool2d(x, 3, 2, 1)),
    function("max pool 2x2, stride 2", "maxpool(2, stride = 2)", lambda x: F.max_pool2d(x, 2, 2)),
    function("average pool 3x3", "avgpool(3, stride = 1, pad = 1)", lambda x: F.avg_pool2d(x, 3, 1, 1)),
    function("average pool 2x2, stride 2", "avgpool(2, stride = 2)", lambda x: F.avg_pool2d(x, 2, 2)),
    function("2-norm pool 2x2, stride 2", "lppool(2, stride = 2)", lambda x: F.lp_pool2d(x, 2.0, 2, 2)),
    function("global average", "global_avgpool", lambda x: F.adaptive_avg_pool2d(x, 1)),
    function("global maximum", "global_maxpool", lambda x: F.adaptive_max_pool2d(x, 1)),
    function("adaptive average, 7x7", "adaptive_avgpool(7)", lambda x: F.adaptive_avg_pool2d(x, 7)),
    function(
        "nearest, twice", "resize(scale = 2, coordinates = asymmetric, rounding = floor)",
        lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"),
    ),
    function(
        "bilinear, twice", "resize(scale = 2, mode = linear)",
        lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False),
    ),
    function("pad by 1, zeros", "pad(1)", lambda x: F.pad(x, (1, 1, 1, 1))),
    function("pad by 1, reflected", "pad(1, mode = reflect)", lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect")),
    function("channels last", "transpose([0, 2, 3, 1])", lambda x: x.permute(0, 2, 3, 1).contiguous()),
    function("height and width swapped", "transpose([0, 1, 3, 2])", lambda x: x.transpose(2, 3).contiguous()),
    Form(
        "batch norm", "y = batchnorm(x)",
        lambda x, w: F.batch_norm(x, w["y.running_mean"], w["y.running_var"], w["y.weight"], w["y.bias"], eps=1e-5),
    ),
    Form(
        "instance norm", "y = instance_norm(x)",
        lambda x, w: F.instance_norm(x, weight=w["y.weight"], bias=w["y.bias"]),
    ),
    Form("group norm, 8 groups", "y = group_norm(x, 8)", lambda x, w: F.group_norm(x, 8, w["y.weight"], w["y.bias"])),
    Form(
        "layer norm", "y = layer_norm(x)",
        lambda x, w: F.layer_norm(x, x.shape[-1:], w["y.weight"], w["y.bias"]),
    ),
    function("relu", "relu", F.relu),
    function("sigmoid", "sigmoid", torch.sigmoid),
    function("tanh", "tanh", torch.tanh),
    function("silu", "silu", F.silu),
    function("gelu", "gelu", F.gelu),
    function("hard-swish", "hard_swish", F.hardswish),
    function("mish", "mish", F.mish),
    function("softplus", "softplus", F.softplus),
    function("elu", "elu", F.elu),
    Form("sum of two", "y = x + b", lambda x, b, w: x + b, "b: f32[1, {c}, {h}, {w}]"),
    Form("times a number a channel", "y = x * b", lambda x, b, w: x * b, "b: f32[1, {c}, 1, 1]"),
    function("mean over channels", "reduce_mean(axes = [1])", lambda x: x.mean(1, keepdim=True)),
    function("sum over rows", "reduce_sum(axes = [3])", lambda x: x.sum(3, keepdim=True)),
    function("softmax over channels", "softmax(axis = 1)", lambda x: torch.softmax(x, 1)),
    function("softmax over rows", "softmax(axis = 3)", lambda x: torch.softmax(x, 3)),
    Form("product of two matrices", "y = matmul(x, b)", lambda x, b, w: x @ b, "b: f32[{c}, {c}]", axes=0),
    Form("linear", "y = linear(x, {c})", lambda x, w: F.linear(x, w["y.weight"], w["y.bias"]), axes=0),
)
