"""Recurrent layers, unrolled: how long a sequence is, is known when a graph is built.

What the input says is one product for the whole sequence; every step adds what the state before it says. Names and
equations are those of the ONNX operators LSTM, GRU and RNN: X is [steps, batch, input], W [directions, gates, input],
R [directions, gates, hidden], B both biases; `layout = 1` puts the batch first. All gates lie behind each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined
from convc.importers.onnx.tensor import Array
from convc.ir.graph import Value

#: More steps than this are not unrolled: every one is a handful of nodes.
LONGEST = 1000

_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu"}

State = tuple[Value, ...]


@dataclass(frozen=True)
class _Layer:
    """One direction of a node: its number, its activations, and the scope of what it emits."""

    call: Call
    gates: int
    direction: int
    activations: Sequence[str]
    scope: str

    @property
    def hidden(self) -> int:
        return self.call.tensor(2).shape[2]

    def emit(self, op: str, *tensors: Value, **arguments: object) -> Value:
        return self.call.builder.call(op, f"{self.scope}.{op}", *tensors, **arguments)[0]

    def activate(self, place: int, x: Value) -> Value:
        return self.emit(self.activations[place], x)

    def split(self, x: Value, count: int) -> State:
        """The gates, or `count` other parts, of [batch, parts * hidden]."""
        sizes = (x.type.shape[1] // count,) * count
        return self.call.builder.call("split", f"{self.scope}.split", x, sizes=sizes, axis=1) if count > 1 else (x,)

    def weight(self, place: int, form: str, begin: int = 0, end: int | None = None) -> Value:
        """Rows of W, R or P, by gates."""
        rows = slice(begin * self.hidden, None if end is None else end * self.hidden)
        return self.call.weight(place, form, f"{self.direction} {form}", lambda w: w[self.direction, rows])

    def bias(self, form: str, change: Callable[[Array, Array], Array]) -> Value | bool:
        """What `change` makes of the biases of W and of R, false where there are none."""
        half = self.gates * self.hidden

        def both(b: Array) -> Array:
            return change(b[self.direction, :half], b[self.direction, half:])

        return self.call.weight(3, form, f"{self.direction} {form}", both) if self.call.has(3) else False

    def linear(self, x: Value, weight: Value, bias: Value | bool = False) -> Value:
        return self.emit("linear", x, weight=weight, bias=bias)

    def state(self, place: int, batch: int) -> Value:
        """A state before the first step, [batch, hidden]; zero where the node has no such operand."""
        shape = (batch, self.hidden)
        if not self.call.has(place):
            return self.call.builder.parameter(f"{self.scope}.initial", np.zeros(shape, np.float32))
        axis = 1 if self.call.attribute("layout", 0) else 0
        part = self.emit("slice", self.call.value(place), axis=axis, begin=self.direction, end=self.direction + 1)
        return self.emit("reshape", part, shape=shape)


#: From what the input says to the gates, [batch, gates * hidden], and the states before, to those after; the first is
#: the result of the step. The layer is that of the step, with a scope of its own.
Cell = Callable[[_Layer, Value, State], State]


def lstm(call: Call) -> tuple[Value, ...]:
    """c' = f * c + i * g(..), h' = o * h(c'), with gates in the order i, o, f, c."""

    def prepare(layer: _Layer) -> tuple[Value, Cell]:
        recurrent = layer.weight(2, "recurrent")
        peepholes = _peepholes(layer)

        def cell(step: _Layer, said: Value, states: State) -> State:
            h, c = states
            gates = step.split(step.emit("add", said, step.linear(h, recurrent)), 4)
            i, o, f, g = gates
            if peepholes:
                i = step.emit("add", i, step.emit("mul", c, peepholes[0]))
                f = step.emit("add", f, step.emit("mul", c, peepholes[2]))
            i, f = step.activate(0, i), step.activate(0, f)
            if call.attribute("input_forget", 0):
                f = step.emit("sub", call.builder.number(1.0), i)
            c = step.emit("add", step.emit("mul", f, c), step.emit("mul", i, step.activate(1, g)))
            if peepholes:
                o = step.emit("add", o, step.emit("mul", c, peepholes[1]))
            return step.emit("mul", step.activate(0, o), step.activate(2, c)), c

        return _said(layer, np.add), cell

    return _run(call, 4, ("Sigmoid", "Tanh", "Tanh"), (5, 6), prepare)


def _peepholes(layer: _Layer) -> list[Value]:
    """Those of i, o and f, or none."""
    if not layer.call.has(7):
        return []
    return [layer.weight(7, f"peephole_{gate}", number, number + 1) for number, gate in enumerate("iof")]


def gru(call: Call) -> tuple[Value, ...]:
    """h' = (1 - z) * n + z * h. `linear_before_reset`: n sees r times what the weights make of h, instead of r * h."""
    after = bool(call.attribute("linear_before_reset", 0))

    def prepare(layer: _Layer) -> tuple[Value, Cell]:
        gates, last = layer.weight(2, "recurrent", 0, 2), layer.weight(2, "recurrent_last", 2, 3)
        rows = 2 * layer.hidden
        inner = layer.bias("recurrent_bias", lambda w, r: r[rows:]) if after else False

        def cell(step: _Layer, said: Value, states: State) -> State:
            (h,) = states
            z_said, r_said, n_said = step.split(said, 3)
            z, r = step.split(step.linear(h, gates), 2)
            z = step.activate(0, step.emit("add", z_said, z))
            r = step.activate(0, step.emit("add", r_said, r))
            if after:
                kept = step.emit("mul", r, step.linear(h, last, inner))
            else:
                kept = step.linear(step.emit("mul", r, h), last)
            n = step.activate(1, step.emit("add", n_said, kept))
            return (step.emit("add", n, step.emit("mul", z, step.emit("sub", h, n))),)

        said = _said(layer, lambda w, r: w + np.where(np.arange(w.size) < rows, r, 0) if after else w + r)
        return said, cell

    return _run(call, 3, ("Sigmoid", "Tanh"), (5,), prepare)


def rnn(call: Call) -> tuple[Value, ...]:
    """h' = f(W x + R h + b)."""

    def prepare(layer: _Layer) -> tuple[Value, Cell]:
        recurrent = layer.weight(2, "recurrent")

        def cell(step: _Layer, said: Value, states: State) -> State:
            return (step.activate(0, step.emit("add", said, step.linear(states[0], recurrent))),)

        return _said(layer, np.add), cell

    return _run(call, 1, ("Tanh",), (5,), prepare)


def _said(layer: _Layer, biases: Callable[[Array, Array], Array]) -> Value:
    """What the input says to all gates at every step, [steps, batch, gates * hidden]."""
    x = layer.call.value(0)
    if layer.call.attribute("layout", 0):
        x = layer.emit("transpose", x, order=(1, 0, 2))
    return layer.linear(x, layer.weight(1, "weight"), layer.bias("bias", biases))


def _run(
    call: Call, gates: int, usual: Sequence[str], states: Sequence[int], prepare: Callable[[_Layer], tuple[Value, Cell]]
) -> tuple[Value, ...]:
    """Y, and the last of every state. `states` are the operands that hold the first ones."""
    directions = _DIRECTIONS.get(call.attribute("direction", "forward"))
    if directions is None or len(call.tensor(0).shape) != 3:
        raise Declined(f"direction {call.attribute('direction', '')} over {list(call.tensor(0).shape)}")
    first = call.attribute("layout", 0)
    batch, steps = call.tensor(0).shape[0 if first else 1], call.tensor(0).shape[1 if first else 0]
    _check(call, steps)
    named = _activations(call, usual, len(directions))
    sequences, lasts = [], []
    for number, backward in enumerate(directions):
        scope = f"{call.name}.backward" if backward else call.name
        layer = _Layer(call, gates, number, named[number], scope)
        said, cell = prepare(layer)
        each = call.builder.call("split", f"{scope}.split", said, sizes=(1,) * steps, axis=0) if steps > 1 else (said,)
        now: State = tuple(layer.state(place, batch) for place in states)
        results = []
        for at in reversed(range(steps)) if backward else range(steps):
            step = replace(layer, scope=f"{scope}.step{at}")
            now = cell(step, step.emit("reshape", each[at], shape=(batch, gates * layer.hidden)), now)
            results.append(now[0])
        whole = layer.emit("concat", *results[:: -1 if backward else 1], axis=0) if steps > 1 else results[0]
        sequences.append(layer.emit("reshape", whole, shape=(steps, 1, batch, layer.hidden)))
        lasts.append(now)
    y = call.inner("concat", *sequences, axis=1) if len(sequences) > 1 else sequences[0]
    found = [call.emit("transpose", y, order=(2, 0, 1, 3)) if first else y]
    for which in range(len(states)):
        parts = [call.inner("unsqueeze", last[which], axes=(1 if first else 0,)) for last in lasts]
        found.append(call.inner("concat", *parts, axis=1 if first else 0) if len(parts) > 1 else parts[0])
    return tuple(value for value, name in zip(found, call.outputs, strict=False) if name)


def _check(call: Call, steps: int) -> None:
    if steps > LONGEST:
        raise Declined(f"its {steps} steps would each be unrolled, {LONGEST} at most; give a shorter sequence")
    if call.attributes.get("clip") is not None:
        raise Declined("cell clipping is not compiled; give the model without `clip`")
    if call.has(4):
        lengths = call.constant(4, "the lengths of the sequences")
        if (np.asarray(lengths) != steps).any():
            raise Declined(f"sequences of different lengths in one batch ({lengths.tolist()}, {steps} steps); pad none")


def _activations(call: Call, usual: Sequence[str], directions: int) -> list[list[str]]:
    """Ops by direction and place."""
    given = call.attributes.get("activations")
    names = [n.decode() if isinstance(n, bytes) else n for n in given] if given else list(usual) * directions
    unknown = [name for name in names if name.lower() not in _ACTIVATIONS]
    if unknown or len(names) != len(usual) * directions:
        raise Declined(f"activations {names}; {', '.join(_ACTIVATIONS)} are compiled, {len(usual)} a direction")
    if any(call.attributes.get(name) for name in ("activation_alpha", "activation_beta")):
        raise Declined("activations with parameters of their own are not compiled in recurrent layers")
    ops = [_ACTIVATIONS[name.lower()] for name in names]
    return [ops[i * len(usual) : (i + 1) * len(usual)] for i in range(directions)]


HANDLERS = {"LSTM": lstm, "GRU": gru, "RNN": rnn}
