"""Small random networks, to find what the cases written by hand forgot."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_IMAGE_OPS = (
    "conv({c}, {k}, pad = {p})", "conv({c}, 1, bias = false)", "conv({n}, 3, pad = 1, groups = {n})",
    "conv_transpose({c}, {k}, pad = {p})", "conv_transpose({n}, 3, pad = 1, groups = {n}, bias = false) |> batchnorm",
    "conv({n}, 3, pad = 1, groups = {n}) |> relu6 |> conv({c}, 1)", "batchnorm |> relu |> conv({c}, 1)", "batchnorm",
    "relu", "sigmoid", "silu", "hard_swish", "gelu", "leaky_relu(0.2)", "tanh", "dropout",
    "maxpool(3, stride = 1, pad = 1)", "avgpool(3, stride = 1, pad = 1)", "local_response_norm(3)", "softmax",
    "identity",
)  # fmt: skip
_PAIRS = ("{a} + {b}", "{a} * {b}", "{a} - {b}", "{a} + {b} * 0.5", "0.5 - {a}", "({a} + 1) / 2")


@dataclass(frozen=True)
class Random:
    """A random network: its input, its statements, its results by name."""

    input: str
    lines: tuple[str, ...]
    results: tuple[str, ...]


def network(seed: int) -> str:
    """The source of a network with branches, concatenations and several outputs; equal for equal seeds."""
    return _source([_random(seed, "")])


def joined(seeds: Iterable[int]) -> str:
    """Several of them side by side, as one network."""
    return _source([_random(seed, f"n{seed}_") for seed in seeds])


def _source(parts: Sequence[Random]) -> str:
    lines = [line for part in parts for line in part.lines]
    results = ", ".join(result for part in parts for result in part.results)
    header = f"network n({', '.join(part.input for part in parts)}) {{"
    return "\n".join([header, *lines, f"    return {results}", "}"])


def _random(seed: int, prefix: str) -> Random:
    choose = random.Random(seed)
    x = f"{prefix}x"
    values = {x: choose.choice((1, 3, 8, 16, 20))}  # name -> channels; every image is 5 by 4
    lines = []
    for number in range(choose.randint(4, 14)):
        name = f"{prefix}v{number}"
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
    named = tuple(f"{prefix}r{number} = {result}" for number, result in enumerate(results))
    return Random(f"{x}: f32[{batch}, {values[x]}, 5, 4]", tuple(lines), named)
