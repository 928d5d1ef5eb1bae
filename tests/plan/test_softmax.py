"""Softmax, log softmax and hardmax compiled: every axis, plain and in blocks, at every width and level."""

from __future__ import annotations

import pytest
from plan.test_random_formulas import OPTIONS, wrong

from convc.frontend import parse_graph

#: Axes along which, and shapes; channel counts inside, at and past a block.
CASES = (
    (0, (5,)), (1, (2, 10)), (1, (1, 21, 9, 11)), (2, (2, 11, 4, 5)), (3, (1, 3, 2, 19)), (3, (2, 2, 2, 2, 2, 3)),
)  # fmt: skip
MORE = (
    (0, (40,)), (0, (3, 7)), (1, (3, 1)), (1, (3, 1000)), (1, (2, 5, 3)), (3, (2, 16, 3, 9)), (0, (4, 6, 2, 2)),
    (2, (1, 8, 1, 30)), (2, (2, 3, 200)), (1, (2, 300, 1, 1)), (4, (1, 9, 2, 3, 5)), (2, (1, 9, 2, 3, 5)),
    (1, (1, 4, 700)),
)  # fmt: skip


def network(cases: tuple[tuple[int, tuple[int, ...]], ...]) -> str:
    """Each case from a plain tensor and, for images, from one that a pooling left in blocks."""
    inputs, lines, results = [], [], []
    for number, (axis, shape) in enumerate(cases):
        inputs.append(f"x{number}: f32[{', '.join(map(str, shape))}]")
        image = 3 <= len(shape) <= 5
        sources = [f"x{number} * 4", *([f"maxpool(x{number} * 9, 1)"] if image else [])]
        for place, source in enumerate(sources):
            for kind in ("softmax", "log_softmax", "hardmax"):
                results.append(f"{kind}{number}_{place}")
                lines.append(f"    {results[-1]} = {kind}({source}, axis = {axis}) + 0.5")
    return f"network n({', '.join(inputs)}) {{\n" + "\n".join(lines) + f"\n    return {', '.join(results)}\n}}"


@pytest.mark.parametrize("name", ["native", "generic", "wide"])
def test_softmax(name: str) -> None:
    assert not wrong(parse_graph(network(CASES)), OPTIONS[name])


@pytest.mark.sweep
@pytest.mark.parametrize("name", OPTIONS)
def test_every_axis(name: str) -> None:
    assert not wrong(parse_graph(network((*CASES, *MORE))), OPTIONS[name])
