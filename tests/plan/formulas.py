"""Random formulas over tensors of any rank that are broadcast to each other, as one network."""

from __future__ import annotations

import random

_UNARY = (
    "relu({a})", "tanh({a})", "sigmoid({a})", "gelu({a})", "silu({a})", "abs({a})", "-{a}", "clip({a}, -0.5, 0.25)",
    "erf({a})", "sin({a})", "softplus({a})", "hard_swish({a})", "elu({a}, alpha = 0.5)", "1 - {a}", "{a} * 0.5 + 1",
    "exp(minimum({a}, 1))", "mish({a})",
)  # fmt: skip
_BINARY = (
    "({a} + {b})", "({a} - {b})", "({a} * {b})", "maximum({a}, {b})", "minimum({a}, {b})", "{a} / (1 + abs({b}))",
    "where({b}, {a}, 0.5)", "pow(abs({a}) + 1, tanh({b}))",
)  # fmt: skip
_EXTENTS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20)


def formulas(seed: int, count: int) -> str:
    """The source of a network that returns `count` formulas, some inputs of which are constants."""
    choose = random.Random(seed)
    inputs, lines = [], []
    for number in range(count):
        shape = _shape(choose)
        names = [f"x{number}"]
        inputs.append(f"x{number}: f32[{', '.join(map(str, shape))}]")
        for other in range(choose.randint(0, 3)):
            name, part = f"x{number}_{other}", _part(choose, shape)
            type = f"{name}: f32[{', '.join(map(str, part))}]"
            names.append(name)
            if choose.random() < 0.4:
                lines.append(f"    {type} = parameter()")
            else:
                inputs.append(type)
        lines.append(f"    y{number} = {_expression(choose, names)}")
    results = ", ".join(f"y{number}" for number in range(count))
    return f"network formulas({', '.join(inputs)}) {{\n" + "\n".join(lines) + f"\n    return {results}\n}}"


def _shape(choose: random.Random) -> list[int]:
    rank = choose.choice((0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 6, 8))
    shape = [choose.choice(_EXTENTS) for _ in range(rank)]
    while _product(shape) > 30000:
        shape[choose.randrange(rank)] = choose.choice((1, 2, 3))
    return shape


def _part(choose: random.Random, shape: list[int]) -> list[int]:
    """A shape that is broadcast to `shape`."""
    kind = choose.random()
    if kind < 0.25:
        return shape
    if kind < 0.5 and len(shape) > 1:
        return [extent if axis == 1 else 1 for axis, extent in enumerate(shape)]
    first = choose.randint(0, len(shape))
    return [choose.choice((1, extent)) for extent in shape[first:]]


def _expression(choose: random.Random, names: list[str]) -> str:
    """The first operand decides the shape; the others come in one after another."""
    text = names[0]
    for other in names[1:]:
        if choose.random() < 0.3:
            other = choose.choice(_UNARY).format(a=other)
        pair = (text, other) if choose.random() < 0.8 else (other, text)
        text = choose.choice(_BINARY).format(a=pair[0], b=pair[1])
        if choose.random() < 0.5:
            text = f"({choose.choice(_UNARY).format(a=text)})"
    return choose.choice(_UNARY).format(a=text) if text == names[0] else text


def _product(numbers: list[int]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result
