"""What random networks are made of: calls of every op, each for values that it is well conditioned on.

In a call `{a}` is any value, `{b}` another of its shape, `{y}` any other, `{p}` and `{q}` inputs of the network of its
shape; `{n}` are the channels of `{a}`, `{c}` a drawn number of channels. Steps (floor, less, ...) are taken of inputs
alone, which have no rounding errors that could carry a value over an edge; functions with poles stay away from them.
"""

from __future__ import annotations

from typing import Final

#: Calls by the least and the largest rank of `{a}`.
Calls = tuple[int, int, tuple[str, ...]]

_CONVOLUTIONS: Final[Calls] = (3, 5, (
    "conv({a}, {c}, 1)", "conv({a}, {c}, 3, pad = 1)", "conv({a}, {c}, 3, pad = 2, dilation = 2)",
    "conv({a}, {c}, 3, pad = 1, stride = 2, bias = false)", "conv({a}, {c}, 2)",
    "conv({a}, {n}, 3, pad = 1, groups = {n})",
    "conv({a}, {n}, 3, pad = 2, dilation = 2, groups = {n}) |> relu6 |> conv({c}, 1)",
    "conv({a}, 2 * {n}, 3, pad = 1, groups = {n}, stride = 2)", "conv({a}, 6 * {n}, 1, groups = {n}) |> relu",
    "conv({a}, 24, 3, pad = 1) |> conv(36, 3, pad = 1, groups = 12)", "conv({a}, {c}, 1, pad = 2)",
    "conv({a}, {c}, 3, pad = 1) |> batchnorm |> relu", "batchnorm({a}) |> relu |> conv({c}, 1)",
    "conv({a}, {n}, 3, pad = 1) |> batchnorm |> add({b}) |> relu",
    "conv_transpose({a}, {c}, 3, stride = 2, pad = 1)", "conv_transpose({a}, {c}, 2, stride = 2, bias = false)",
    "conv_transpose({a}, {n}, 3, pad = 1, groups = {n}, bias = false) |> batchnorm",
    "conv_transpose({a}, {c}, 3, stride = 2, dilation = 2, output_pad = 1)",
    "{a} * ({a} |> global_avgpool |> conv({n}, 1) |> sigmoid)",
))  # fmt: skip

_DEFORMED: Final[Calls] = (4, 4, (
    "deform_conv({a}, conv({a}, 18, 3, pad = 1), {c}, 3, pad = 1)",
    "deform_conv({a}, conv({a}, 8, 2), {c}, 2, mask = sigmoid(conv({a}, 4, 2)))",
    "resize({a}, scale = 2, mode = cubic)",
))  # fmt: skip

_IMAGES: Final[Calls] = (3, 5, (
    "maxpool({a}, 3, stride = 2, pad = 1)", "maxpool({a}, 2, ceil = true)", "maxpool({a}, 2, stride = 1)",
    "avgpool({a}, 3, stride = 2, pad = 1)", "avgpool({a}, 3, stride = 1, pad = 1, count_include_pad = false)",
    "lppool({a}, 2, stride = 1)", "global_avgpool({a})", "global_maxpool({a})", "global_lppool({a})",
    "adaptive_avgpool({a}, 2)", "adaptive_maxpool({a}, 3)", "batchnorm({a})", "local_response_norm({a}, 3)",
    "prelu({a})", "instance_norm({a})", "group_norm({a}, 2)", "group_norm({a}, 1, weight = false, bias = false)",
    "channel_shuffle({a}, 2)", "channel_shuffle({a}, 4)", "pad({a}, 1)", "pad({a}, 1, mode = reflect)",
    "pad({a}, 2, mode = edge)", "pad({a}, 1, value = 0.5)", "pad({a}, -1)", "resize({a}, scale = 2)",
    "resize({a}, scale = 1.5, mode = linear)", "resize({a}, scale = 2, mode = linear, coordinates = align_corners)",
    "resize({a}, scale = 2) |> conv({c}, 3, pad = 1)", "relu({a}) |> resize(scale = 2) |> silu |> conv({c}, 1)",
    "resize({a}, scale = 3) |> conv({n}, 2, groups = {n}, bias = false)",
    "resize({a}, scale = 2) |> pad(1, mode = reflect) |> conv({c}, 3)",
    "resize({a}, scale = 2, mode = linear) |> conv({c}, 1) |> relu",
    "concat(resize(conv({a}, 36, 1), scale = 2), conv_transpose({a}, 8, 2, stride = 2)) |> conv({c}, 1) |> relu",
))  # fmt: skip

_TWO_AXES: Final[Calls] = (4, 4, (
    "depth_to_space({a}, 2)", "space_to_depth({a}, 2)", "transpose({a}, [0, 1, 3, 2])", "transpose({a}, [0, 2, 3, 1])",
    "pad({a}, [0, 1, 2, 0], mode = wrap)", "slice({a}, 3, 0, 2)", "reduce_mean({a}, axes = [2, 3])",
    "transpose({a}, [0, 2, 3, 1]) |> linear(24) |> gelu |> linear({n})",
))  # fmt: skip

_CHANNELS: Final[Calls] = (2, 5, (
    "softmax({a})", "softmax({a}, axis = -1)", "log_softmax({a})", "layer_norm({a})", "layer_norm({a}, axis = 1)",
    "lp_norm({a})", "lp_norm({a}, p = 1)", "split({a}, [{n} / 2, {n} - {n} / 2])", "split({a}, [1, {n} - 1])",
    "slice({a}, 1, {n} / 2)", "slice({a}, 1, 0, {n}, step = 2)", "slice({a}, 1, {n} / 3, {n} - 1)",
    "gather({a}, [1, 0, 1], axis = 1)", "concat({a}, {b})", "concat({a}, relu({a}), {a})", "concat({a}, {y})",
    "flatten({a})", "reshape({a}, [1, -1])", "flatten({a}) |> linear(7)",
    "linear(flatten({a}), {c}, bias = false) |> relu",
    "unsqueeze({a}, [-1])", "squeeze(unsqueeze({a}, [0]), [0])", "transpose({a}) |> transpose", "hardmax({p})",
    "matmul({a}, {b}, transpose_b = true)", "matmul({a}, transpose({b}), transpose_b = true) |> tanh",
    "reduce_sum({a}, axes = [1])", "reduce_mean({a})", "reduce_max({a}, axes = [1])", "reduce_min({a}, axes = [-1])",
    "reduce_prod(tanh({a}), axes = [1])", "reduce_l1({a}, axes = [1])", "reduce_l2({a}, axes = [-1])",
    "reduce_sum_square({a}, axes = [1], keepdims = false)", "reduce_log_sum(abs({a}) + 0.5, axes = [1])",
    "reduce_log_sum_exp({a}, axes = [-1])", "{a} * reduce_mean({a}, axes = [1])", "{a} - reduce_max({a}, axes = [-1])",
    "reduce_sum(concat(unsqueeze({a}, [1]), unsqueeze({b}, [1])), axes = [1], keepdims = false)",
    "reduce_max(relu(concat(unsqueeze({a}, [2]), unsqueeze({b}, [2]), unsqueeze({a}, [2]))) * 0.5, axes = [2])",
))  # fmt: skip

_ELEMENTS: Final[Calls] = (1, 5, (
    *(f"{name}({{a}})" for name in (
        "relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_swish", "softsign", "tanh", "sigmoid", "silu", "gelu",
        "elu", "selu", "celu", "softplus", "mish", "abs", "neg", "erf", "sin", "cos", "atan", "asinh", "identity",
        "dropout",
    )),
    "gelu({a}, approximate = true)", "clip({a}, -1, 0.5)", "tan(tanh({a}))", "asin(0.9 * tanh({a}))",
    "acos(0.9 * tanh({a}))", "sinh(clip({a}, -3, 3))", "cosh(clip({a}, -3, 3))", "acosh(1.5 + abs({a}))",
    "atanh(0.9 * tanh({a}))", "sqrt(0.1 + abs({a}))", "exp(clip({a}, -4, 3))", "log(0.5 + abs({a}))",
    "reciprocal(0.5 + abs({a}))", "{a} + {b}", "{a} - {b}", "{a} * tanh({b})", "{a} * {b}", "{a} / (1 + abs({b}))",
    "pow(0.5 + abs({a}), clip({b}, -2, 2))", "minimum({a}, {b})", "maximum({a}, {b})", "0.5 - {a}", "({a} + 1) / 2",
    "{a} * 0.5 + {b}", "{a} * sigmoid({a})", "{a} * clip({a} / 6 + 0.5, 0, 1)", "mul({a}, constant(0.5))",
    "tile({a}, 2)", "thresholded_relu({p})", "floor({p})", "ceil({p})", "round({p})", "sign({p})", "mod({p}, 0.7)",
    "mod({p}, 0.7, fmod = true)", "logical_not(floor({p}))", "expand({a}, {shape})",
    *(f"where({name}({{p}}, {{q}}), {{a}}, {{b}})" for name in (
        "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
    )),
    *(f"{name}(less({{p}}, 0.3), greater({{q}}, 0.1))" for name in ("logical_and", "logical_or", "logical_xor")),
))  # fmt: skip

CALLS: Final = (_CONVOLUTIONS, _DEFORMED, _IMAGES, _TWO_AXES, _CHANNELS, _ELEMENTS)
