"""Recurrent layers, unrolled, against the equations that ONNX gives for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convc
from convc.importers.onnx import import_model
from importers.models import inputs_of, interpret, model, normal

STEPS, BATCH, INPUT, HIDDEN = 4, 2, 3, 5
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DIRECTIONS = {"forward": (1,), "reverse": (-1,), "bidirectional": (1, -1)}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def step(op: str, x: Any, h: Any, c: Any, w: Any, r: Any, b: Any, p: Any, attributes: dict[str, Any]) -> Any:
    """The states after a step, by the op's documentation: gates in the order i o f c, and z r h."""
    wb, rb = np.split(b, 2)
    said = [x @ part.T + bias for part, bias in zip(np.split(w, GATES[op]), np.split(wb, GATES[op]), strict=True)]
    rows, biases = np.split(r, GATES[op]), np.split(rb, GATES[op])
    heard = [h @ part.T + bias for part, bias in zip(rows, biases, strict=True)]
    if op == "RNN":
        return np.tanh(said[0] + heard[0]), c
    if op == "GRU":
        z, reset = sigmoid(said[0] + heard[0]), sigmoid(said[1] + heard[1])
        after = attributes.get("linear_before_reset", 0)
        kept = reset * heard[2] if after else (reset * h) @ rows[2].T + biases[2]
        return (1 - z) * np.tanh(said[2] + kept) + z * h, c
    pi, po, pf = np.split(p, 3)
    i, f = sigmoid(said[0] + heard[0] + pi * c), sigmoid(said[2] + heard[2] + pf * c)
    f = 1 - i if attributes.get("input_forget", 0) else f
    c = f * c + i * np.tanh(said[3] + heard[3])
    return sigmoid(said[1] + heard[1] + po * c) * np.tanh(c), c


def wanted(op: str, x: Any, first: dict[str, Any], weights: dict[str, Any], attributes: dict[str, Any]) -> list[Any]:
    """Y and the last states. `first` are the states before, [directions, batch, hidden]."""
    ways = DIRECTIONS[attributes.get("direction", "forward")]
    y, last_h, last_c = np.zeros((STEPS, len(ways), BATCH, HIDDEN)), [], []
    for d, way in enumerate(ways):
        h, c = first["h"][d], first["c"][d]
        for t in range(STEPS)[::way]:
            h, c = step(op, x[t], h, c, *(weights[name][d] for name in ("w", "r", "b", "p")), attributes)
            y[t, d] = h
        last_h.append(h)
        last_c.append(c)
    return [y, np.stack(last_h), np.stack(last_c)][: 3 if op == "LSTM" else 2]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("op", "operands", "attributes"),
    [
        ("LSTM", "w, r", {}),
        ("LSTM", "w, r, b", {"input_forget": 1}),
        ("LSTM", "w, r, b, , h, c, p", {}),
        ("LSTM", "w, r, b, , h, c", {"layout": 1}),
        ("GRU", "w, r, b", {}),
        ("GRU", "w, r, b, , h", {"linear_before_reset": 1}),
        ("GRU", "w, r, , , h", {"layout": 1}),
        ("RNN", "w, r, b, , h", {}),
    ],
)
def test_equations(op: str, operands: str, attributes: dict[str, Any], direction: str) -> None:
    attributes = attributes | {"direction": direction, "hidden_size": HIDDEN}
    directions, gates = len(DIRECTIONS[direction]), GATES[op]
    rows = gates * HIDDEN
    shapes = {"w": (rows, INPUT), "r": (rows, HIDDEN), "b": (2 * rows,), "p": (3 * HIDDEN,)}
    given = [name.strip() for name in operands.split(",")]
    weights = {name: normal(directions, *shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    states = [name for name in ("h", "c") if name in given]
    first = attributes.get("layout", 0)
    by_batch, by_step = (f"{BATCH},{STEPS}", f"{BATCH},{directions}"), (f"{STEPS},{BATCH}", f"{directions},{BATCH}")
    sequence, state = by_batch if first else by_step
    declared = [f"float[{sequence},{INPUT}] x", *(f"float[{state},{HIDDEN}] {name}" for name in states)]
    written = ", ".join(f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in attributes.items())
    results = ["y", "last", "cell"][: 3 if op == "LSTM" else 2]
    proto = model(
        f"{', '.join(results)} = {op} <{written}> (x, {operands})", ", ".join(declared),
        ", ".join(f"float[n] {name}" for name in results), **{k: v for k, v in weights.items() if k in given},
    )  # fmt: skip
    imported = import_model(proto)
    inputs = inputs_of(imported)
    # as the equations have them: steps first, and zero what is not given
    plain = {name: np.float64(a.swapaxes(0, 1) if first else a) for name, a in inputs.items()}
    zero = np.zeros((directions, BATCH, HIDDEN))
    known = {name: np.float64(a) * (name in given) for name, a in weights.items()}
    right = wanted(op, plain["x"], {name: plain.get(name, zero) for name in ("h", "c")}, known, attributes)
    if first:
        right = [right[0].transpose(2, 0, 1, 3), *(a.swapaxes(0, 1) for a in right[1:])]
    for result, expected in zip(interpret(imported, inputs), right, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)  # the two biases become one in float32


def small(operands: str = "x, w, r", more: str = "", inputs: str = "float[4,2,3] x", **weights: Any) -> Any:
    kept = {"w": normal(1, 4 * HIDDEN, INPUT), "r": normal(1, 4 * HIDDEN, HIDDEN)} | weights
    return model(f"y, h, c = LSTM <hidden_size = {HIDDEN}{more}> ({operands})", inputs, "float[n] y", **kept)


def test_compiled() -> None:
    proto = small(inputs="float[40,2,3] x")
    network = convc.from_onnx(proto.SerializeToString())
    x = normal(40, 2, 3)
    (right,) = interpret(import_model(proto), {"x": x})
    np.testing.assert_allclose(convc.compile(network, threads=2)(x), right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("proto", "words"),
    [
        (small(inputs="float[2000,2,3] x"), "2000 steps would each be unrolled, 1000 at most"),
        (small(more=", clip = 3.0"), "give the model without `clip`"),
        (small(more=', activations = ["Elu", "Tanh", "Tanh"]'), "sigmoid, tanh, relu are compiled"),
        (small("x, w, r, , n", n=np.array([4, 3], np.int32)), "sequences of different lengths"),
        (small("x, w, r, , n", inputs="float[4,2,3] x, int32[2] n"), 'constants={"n": ...}, or --constant n=...'),
    ],
)
def test_refusals(proto: Any, words: str) -> None:
    with pytest.raises(convc.ConvcError, match="LSTM") as caught:
        import_model(proto)
    assert words in str(caught.value)


def test_lengths_that_say_nothing() -> None:
    import_model(small("x, w, r, , n", n=np.array([4, 4], np.int32)))


def test_an_input_that_decides_is_given_as_a_constant() -> None:
    body = """
        k = Constant <value_int = 16000> ()
        same = Equal (rate, k)
        y = If (same) <then_branch = t () => (float[n] a) { a = Relu (x) },
                       else_branch = e () => (float[n] b) { b = Neg (x) }>
    """
    proto = model(body, "float[2,3] x, int64 rate")
    with pytest.raises(convc.ConvcError, match="--constant"):
        import_model(proto)
    x = normal(2, 3)
    for rate, right in ((16000, np.maximum(x, 0)), (8000, -x)):
        imported = import_model(proto, constants={"rate": rate})
        np.testing.assert_array_equal(interpret(imported, {"x": x})[0], right)
    with pytest.raises(convc.ConvcError, match="has 0 axes, its constant 1"):
        import_model(proto, constants={"rate": [1, 2]})
