"""Each op against torch, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from convc.ops import AvgPool, Conv, MaxPool
from ops.helpers import Array, call, normal

torch = pytest.importorskip("torch")
functional = torch.nn.functional
pytestmark = pytest.mark.torch


def tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


def close(ours: Array, theirs: torch.Tensor) -> None:
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1, 2])
@pytest.mark.parametrize(("kernel", "dilation", "groups"), [(1, 1, 1), (3, 1, 2), (3, 2, 4), (5, 1, 1), (2, 3, 4)])
def test_conv(stride: int, pad: int, kernel: int, dilation: int, groups: int) -> None:
    x = normal(2, 4, 9, 8)
    geometry = f"stride = {stride}, pad = {pad}, dilation = {dilation}, groups = {groups}"
    called = call(f"conv(x, 8, {kernel}, {geometry})", x=x)
    assert isinstance(called.node.op, Conv)
    weight, bias = tensor(called.weight("weight")), tensor(called.weight("bias"))
    close(called.y, functional.conv2d(tensor(x), weight, bias, stride, pad, dilation, groups))


@pytest.mark.parametrize(("rank", "function"), [(1, functional.conv1d), (3, functional.conv3d)])
@pytest.mark.parametrize(("stride", "pad", "dilation", "groups"), [(1, 1, 1, 1), (2, 0, 2, 2), (3, 2, 1, 4)])
def test_conv_of_other_ranks(rank: int, function: object, stride: int, pad: int, dilation: int, groups: int) -> None:
    x = normal(2, 4, *(7, 6, 8)[:rank])
    called = call(f"conv(x, 8, 3, stride = {stride}, pad = {pad}, dilation = {dilation}, groups = {groups})", x=x)
    weight, bias = tensor(called.weight("weight")), tensor(called.weight("bias"))
    assert callable(function)
    close(called.y, function(tensor(x), weight, bias, stride, pad, dilation, groups))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "more", "dilation", "groups"),
    [(3, 1, 0, 0, 1, 1), (4, 2, 1, 0, 1, 2), (3, 2, 1, 1, 1, 4), (2, 3, 0, 2, 2, 1), (3, 2, 2, 1, 3, 2)],
)
def test_conv_transpose(rank: int, kernel: int, stride: int, pad: int, more: int, dilation: int, groups: int) -> None:
    x = normal(2, 4, *(5, 3, 4)[:rank])
    geometry = f"stride = {stride}, pad = {pad}, output_pad = {more}, dilation = {dilation}, groups = {groups}"
    called = call(f"conv_transpose(x, 8, {kernel}, {geometry})", x=x)
    weight, bias = tensor(called.weight("weight")), tensor(called.weight("bias"))
    function = getattr(functional, f"conv_transpose{rank}d")
    close(called.y, function(tensor(x), weight, bias, stride, pad, more, groups, dilation))


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("size", [5, 6, 7, 8])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(2, 2, 0), (2, 2, 1), (3, 2, 1), (3, 3, 1), (1, 3, 0), (4, 3, 2)]
)
def test_pooling(ceil: bool, size: int, kernel: int, stride: int, pad: int) -> None:
    x = normal(1, 2, size, size + 1)
    geometry = f"{kernel}, stride = {stride}, pad = {pad}, ceil = {str(ceil).lower()}"
    largest = call(f"maxpool(x, {geometry})", x=x)
    assert isinstance(largest.node.op, MaxPool)
    close(largest.y, functional.max_pool2d(tensor(x), kernel, stride, pad, 1, ceil))
    for include in (True, False):
        mean = call(f"avgpool(x, {geometry}, count_include_pad = {str(include).lower()})", x=x)
        assert isinstance(mean.node.op, AvgPool)
        close(mean.y, functional.avg_pool2d(tensor(x), kernel, stride, pad, ceil, include))


@pytest.mark.parametrize("ceil", [False, True])
def test_dilated_maxpool(ceil: bool) -> None:
    x = normal(1, 2, 9, 8)
    ours = call(f"maxpool(x, 3, stride = 2, pad = 1, dilation = 2, ceil = {str(ceil).lower()})", x=x).y
    close(ours, functional.max_pool2d(tensor(x), 3, 2, 1, 2, ceil))


def test_linear() -> None:
    x = normal(3, 7)
    called = call("linear(x, 5)", x=x)
    close(called.y, functional.linear(tensor(x), tensor(called.weight("weight")), tensor(called.weight("bias"))))


def test_prelu() -> None:
    x = normal(2, 5, 3, 4)
    called = call("prelu(x)", x=x)
    close(called.y, functional.prelu(tensor(x), tensor(called.weight("weight"))))


def test_batchnorm() -> None:
    x = normal(2, 5, 3, 4)
    called = call("batchnorm(x, eps = 0.001)", x=x)
    mean, var, weight, bias = (
        tensor(called.weight(name)) for name in ("running_mean", "running_var", "weight", "bias")
    )
    close(called.y, functional.batch_norm(tensor(x), mean, var, weight, bias, eps=0.001))


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_local_response_norm(size: int) -> None:
    x = normal(2, 7, 3, 4)
    ours = call(f"local_response_norm(x, size = {size}, alpha = 0.3, beta = 0.7, k = 1.5)", x=x).y
    close(ours, functional.local_response_norm(tensor(x), size, 0.3, 0.7, 1.5))


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("relu(x)", torch.relu),
        ("relu6(x)", functional.relu6),
        ("leaky_relu(x, slope = 0.2)", lambda x: functional.leaky_relu(x, 0.2)),
        ("tanh(x)", torch.tanh),
        ("sigmoid(x)", torch.sigmoid),
        *((f"{name}(x)", getattr(torch, name)) for name in (
            "abs", "neg", "sign", "reciprocal", "floor", "ceil", "round", "exp", "erf", "sin", "cos", "tan", "atan",
            "sinh", "cosh", "asinh", "logical_not",
        )),
        *((f"{name}(0.9 * sin(x))", lambda x, name=name: getattr(torch, name)(0.9 * torch.sin(x)))
          for name in ("asin", "acos", "atanh")),
        *((f"{name}(1 + abs(x))", lambda x, name=name: getattr(torch, name)(1 + x.abs()))
          for name in ("sqrt", "log", "acosh")),
        *((f"{name}(x, 1)", lambda x, torchs=torchs: getattr(torch, torchs)(x, torch.tensor(1)))
          for name, torchs in (
              ("equal", "eq"), ("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"), ("greater", "gt"),
              ("greater_equal", "ge"), ("logical_and", "logical_and"), ("logical_or", "logical_or"),
              ("logical_xor", "logical_xor"))),
        ("mod(x, -0.7)", lambda x: torch.remainder(x, -0.7)),
        ("mod(x, -0.7, fmod = true)", lambda x: torch.fmod(x, -0.7)),
        ("pow(abs(x), 1.7)", lambda x: torch.pow(x.abs(), 1.7)),
        ("minimum(x, 0.5)", lambda x: torch.clamp(x, max=0.5)),
        ("maximum(x, 0.5)", lambda x: torch.clamp(x, min=0.5)),
        ("where(relu(x), x, 2)", lambda x: torch.where(x > 0, x, torch.tensor(2.0, dtype=x.dtype))),
        ("clip(x, -1, 2)", lambda x: torch.clamp(x, -1, 2)),
        ("thresholded_relu(x, alpha = 0.7)", lambda x: functional.threshold(x, 0.7, 0)),
        ("elu(x, alpha = 0.7)", lambda x: functional.elu(x, 0.7)),
        ("selu(x)", functional.selu),
        ("celu(x, alpha = 0.7)", lambda x: functional.celu(x, 0.7)),
        ("gelu(x)", functional.gelu),
        ("gelu(x, approximate = true)", lambda x: functional.gelu(x, approximate="tanh")),
        ("silu(x)", functional.silu),
        ("hard_sigmoid(x)", functional.hardsigmoid),
        ("hard_swish(x)", functional.hardswish),
        ("mish(x)", functional.mish),
        ("softplus(x)", functional.softplus),
        ("softsign(x)", functional.softsign),
        ("log_softmax(x, axis = 2)", lambda x: torch.log_softmax(x, 2)),
        ("softmax(x)", lambda x: torch.softmax(x, 1)),
        ("softmax(x, axis = 3)", lambda x: torch.softmax(x, 3)),
        ("global_avgpool(x)", lambda x: functional.adaptive_avg_pool2d(x, 1)),
        ("flatten(x)", lambda x: torch.flatten(x, 1)),
        ("reshape(x, [3, -1])", lambda x: torch.reshape(x, (3, -1))),
        ("concat(x, x, axis = 2)", lambda x: torch.cat([x, x], 2)),
        ("transpose(x, [0, 2, 3, 1])", lambda x: x.permute(0, 2, 3, 1)),
        ("slice(x, 3, 1, 5, step = 2)", lambda x: x[..., 1:5:2]),
        ("slice(x, 2, step = -1)", lambda x: torch.flip(x, [2])),
        ("gather(x, [2, 0, 0], axis = 1)", lambda x: torch.index_select(x, 1, torch.tensor([2, 0, 0]))),
        ("expand(x, [5, 2, 3, 4, 5])", lambda x: x.expand(5, -1, -1, -1, -1)),
        ("tile(x, [1, 2, 1, 3])", lambda x: x.repeat(1, 2, 1, 3)),
        ("pad(x, [1, 2, 2, 1])", lambda x: functional.pad(x, (2, 1, 1, 2))),
        ("pad(x, [1, 2, 2, 1], mode = reflect)", lambda x: functional.pad(x, (2, 1, 1, 2), "reflect")),
        ("pad(x, [1, 2, 2, 1], mode = edge)", lambda x: functional.pad(x, (2, 1, 1, 2), "replicate")),
        ("pad(x, [1, 2, 2, 1], mode = wrap)", lambda x: functional.pad(x, (2, 1, 1, 2), "circular")),
        ("channel_shuffle(x, 3)", lambda x: functional.channel_shuffle(x, 3)),
        ("transpose(x) |> depth_to_space(2, crd)", lambda x: functional.pixel_shuffle(x.permute(3, 2, 1, 0), 2)),
        ("reduce_mean(x, [2, 3])", lambda x: x.mean((2, 3), keepdim=True)),
        ("reduce_sum(x, 1, keepdims = false)", lambda x: x.sum(1)),
        ("reduce_log_sum_exp(x, 1)", lambda x: torch.logsumexp(x, 1, keepdim=True)),
        ("reduce_l2(x, [1, 3])", lambda x: torch.linalg.vector_norm(x, dim=(1, 3), keepdim=True)),
        ("instance_norm(x, weight = false, bias = false)", functional.instance_norm),
        ("group_norm(x, 3, weight = false, bias = false)", lambda x: functional.group_norm(x, 3)),
        ("layer_norm(x, 2, weight = false, bias = false)", lambda x: functional.layer_norm(x, (4, 5))),
        ("lp_norm(x)", functional.normalize),
        ("matmul(x, transpose(x, [0, 1, 3, 2]))", lambda x: x @ x.mT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_functions_of_one_tensor(text: str, theirs: object) -> None:
    x = 5 * normal(2, 3, 4, 5)
    assert callable(theirs)
    close(call(text, x=x).y, theirs(tensor(x)))
