"""Small random networks, to find what the cases written by hand forgot."""

from __future__ import annotations

import random

_IMAGE_OPS = (
    "conv({c}, {k}, pad = {p})", "conv({c}, 1, bias = false)", "conv({n}, 3, pad = 1, groups = {n})", "batchnorm",
    "conv_transpose({c}, {k}, pad = {p})", "conv_transpose({n}, 3, pad = 1, groups = {n}, bias = false) |> batchnorm",
    "relu", "sigmoid", "leaky_relu(0.2)", "tanh", "dropout", "maxpool(3, stride = 1, pad = 1)",
    "avgpool(3, stride = 1, pad = 1)", "local_response_norm(3)", "softmax", "identity",
)  # fmt: skip
_PAIRS = ("{a} + {b}", "{a} * {b}", "{a} - {b}", "{a} + {b} * 0.5", "0.5 - {a}", "({a} + 1) / 2")


def network(seed: int) -> str:
    """The source of a network with branches, concatenations and several outputs; equal for equal seeds."""
    choose = random.Random(seed)
    values = {"x": choose.choice((1, 3, 8, 16, 20))}  # name -> channels; every image is 5 by 4
    lines = []
    for number in range(choose.randint(4, 14)):
        name = f"v{number}"
        source = choose.choice(list(values)[-4:])
        kind = choose.random()
        others = [other for other, channels in values.items() if channels == values[source]]
        if kind < 0.25:
            text = choose.choice(_PAIRS).format(a=source, b=choose.choice(others))
            values[name] = values[source]
        elif kind < 0.4:
            parts = choose.choices(list(values), k=choose.randint(1, 3))
            text = f"concat({', '.join(parts)})"
            values[name] = sum(values[part] for part in parts)
        elif kind < 0.5:
            text = f"{source} * ({source} |> global_avgpool |> conv({values[source]}, 1) |> sigmoid)"
            values[name] = values[source]
        else:
            op, k = choose.choice(_IMAGE_OPS), choose.choice((1, 3))
            c = choose.choice((4, 8, 16, 19, 32))
            text = f"{source} |> " + op.format(c=c, k=k, p=k // 2, n=values[source])
            values[name] = c if "{c}" in op else values[source]
        lines.append(f"    {name} = {text}")
    batch, last = choose.choice((1, 1, 2)), list(values)[-1]
    results = [f"{last} |> flatten |> linear(7) |> relu", choose.choice(list(values))]
    if choose.random() < 0.5:
        results.append(f"{choose.choice(list(values))} |> reshape([{batch}, -1]) |> softmax")
    header = f"network n(x: f32[{batch}, {values['x']}, 5, 4]) {{"
    return "\n".join([header, *lines, f"    return {', '.join(f'r{i} = {r}' for i, r in enumerate(results))}", "}"])
