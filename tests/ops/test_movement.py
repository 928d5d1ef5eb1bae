"""Ops that pick and arrange elements, each element looked up one by one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from convc.ir.printer import print_graph
from convc.ops import Slice
from ops.helpers import call, graph_of, normal, refused, told


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_transpose(order: tuple[int, ...]) -> None:
    x = normal(2, 3, 4)
    y = call(f"transpose(x, {list(order)})", x=x).y
    for place in np.ndindex(*y.shape):
        source = [0, 0, 0]
        for axis, index in zip(order, place, strict=True):
            source[axis] = index
        assert y[place] == x[tuple(source)]


def test_transpose_reverses_by_default() -> None:
    x = normal(2, 3, 4)
    np.testing.assert_array_equal(call("transpose(x)", x=x).y, x.T)


@pytest.mark.parametrize(
    ("written", "indices"),
    [
        ("1, 4", [1, 2, 3]),
        ("1, 4, step = 2", [1, 3]),
        ("-3", [3, 4, 5]),
        ("end = -1", [0, 1, 2, 3, 4]),
        ("2, 100", [2, 3, 4, 5]),
        ("step = -1", [5, 4, 3, 2, 1, 0]),
        ("4, 1, step = -2", [4, 2]),
        ("3, -100, step = -1", [3, 2, 1, 0]),
        ("step = 3", [0, 3]),
    ],
)
def test_slice(written: str, indices: list[int]) -> None:
    x = normal(2, 3, 6)
    called = call(f"slice(x, -1, {written})", x=x)
    np.testing.assert_array_equal(called.y, np.stack([x[:, :, i] for i in indices], axis=2))
    op = called.node.op
    assert isinstance(op, Slice)
    assert (op.axis, list(op.indices(6))) == (2, indices)
    assert graph_of_text(print_graph(called.graph)) == called.graph


def graph_of_text(text: str) -> object:
    from convc.frontend import parse_graph

    return parse_graph(text)


def test_split() -> None:
    x = normal(2, 7, 3)
    called = call("split(x, [2, 4, 1])", x=x)
    for y, start, size in zip(called.ys, (0, 2, 6), (2, 4, 1), strict=True):
        np.testing.assert_array_equal(y, x[:, start : start + size])
    graph = graph_of("a, b = split(x, [1, 2], axis = -1) return a, b", x=(2, 7, 3))
    assert [value.name for value in graph.nodes[-1].outputs] == ["a", "b"]


def test_gather() -> None:
    x = normal(3, 4)
    y = call("gather(x, [2, -1, 2, 0], axis = 1)", x=x).y
    np.testing.assert_array_equal(y, np.stack([x[:, 2], x[:, 3], x[:, 2], x[:, 0]], axis=1))


def test_expand() -> None:
    x = normal(3, 1)
    y = call("expand(x, [2, 1, 4])", x=x).y
    assert y.shape == (2, 3, 4)
    for n, c, w in np.ndindex(2, 3, 4):
        assert y[n, c, w] == x[c, 0]


def test_tile() -> None:
    x = normal(2, 3)
    y = call("tile(x, [2, 3])", x=x).y
    assert y.shape == (4, 9)
    for i, j in np.ndindex(4, 9):
        assert y[i, j] == x[i % 2, j % 3]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("transpose(x, [0, 1, 1, 2])", "E0320", ["[0, 1, 1, 2]", "each of 0 to 3 once"]),
        ("transpose(x, [0, 1])", "E0320", ["once"]),
        ("transpose(x, [0, 1, 2, 4])", "E0308", ["axis is 4", "axes 0 to 3"]),
        ("slice(x, 1, 3, 2)", "E0321", ["from 3 to 2 in steps of 1", "axis 1 has 4"]),
        ("slice(x, 1, 0, 2, 0)", "E0321", ["`step = 1`"]),
        ("slice(x, 5, 0, 2)", "E0308", ["axis is 5"]),
        ("split(x, [1, 2])", "E0322", ["1 + 2 = 3", "axis 1 has 4"]),
        ("split(x, [0, 4])", "E0322", ["each at least 1"]),
        ("gather(x, [0, 4], axis = 1)", "E0323", ["4 is none of the 4 of axis 1"]),
        ("gather(x, [], axis = 1)", "E0323", ["at least one"]),
        ("expand(x, [2, 4, 6, 6])", "E0309", ["[1, 4, 5, 6]", "[2, 4, 6, 6]"]),
        ("expand(x, [-1])", "E0309", ["extents of 1"]),
        ("tile(x, [1, 2])", "E0305", ["[1, 2]"]),
        ("tile(x, [1, 2, 0, 1])", "E0305", ["at least 1"]),
    ],
)
def test_movement_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 4, 5, 6))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)
