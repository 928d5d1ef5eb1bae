"""Random networks as Hypothesis draws them: branches, concatenations, several outputs, every op."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

from hypothesis import strategies as st

from convc.diagnostics import CompileError
from convc.frontend import parse_graph
from convc.ir.types import Shape
from fuzz.vocabulary import CALLS

CHANNELS = (4, 8, 16, 19, 24, 32)
SHAPES: tuple[Shape, ...] = (
    (1, 16, 5, 4), (1, 3, 6, 6), (2, 8, 5, 4), (1, 20, 7, 3), (1, 24, 9), (1, 6, 3, 4, 5), (2, 12), (1, 40, 4, 4),
)  # fmt: skip

#: Elements beyond which a value is not built upon.
LARGEST = 4000


@dataclass
class _Draft:
    """A network being drawn: its values by name, with their shapes, and its statements."""

    values: dict[str, Shape] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def input(self, shape: Shape, number: int = 0) -> str:
        """An input of that shape: the first or a later one, new if there are not so many."""
        alike = [name for name in self.inputs if self.values[name] == shape]
        if len(alike) > number:
            return alike[number]
        name = f"x{len(self.inputs)}"
        self.inputs.append(name)
        self.values[name] = shape
        return name

    @property
    def text(self) -> str:
        read = " ".join(line.partition(" = ")[2] for line in self.lines)
        made = [name for name in self.values if name not in self.inputs]
        results = [name for name in made if not re.search(rf"\b{name}\b", read)]
        inputs = ", ".join(f"{name}: f32[{', '.join(map(str, self.values[name]))}]" for name in self.inputs)
        body = "\n".join(f"    {line}" for line in self.lines)
        returned = ", ".join(f"r{number} = {name}" for number, name in enumerate(results))
        return f"network n({inputs}) {{\n{body}\n    return {returned}\n}}\n"


@st.composite
def networks(draw: st.DrawFn, batch: int = 0) -> str:
    """The source of a network of one to six statements over one or more inputs; of `batch` images, unless that is 0."""
    draft = _Draft()
    shape = draw(st.sampled_from(SHAPES))
    draft.input((batch or shape[0], *shape[1:]))
    for number in range(draw(st.integers(1, 6))):
        names = [name for name, shape in draft.values.items() if prod(shape) <= LARGEST]
        a = names[-1 - draw(st.integers(0, min(3, len(names) - 1)))]
        fitting = [group for group in CALLS if group[0] <= len(draft.values[a]) <= group[1]]
        call = draw(st.sampled_from(draw(st.sampled_from(fitting))[2])) if fitting else "relu({a})"
        _state(draw, draft, call, a, f"v{number}")
    if not draft.lines:
        _state(draw, draft, "relu({a})", draft.inputs[0], "v0")
    return draft.text


def _state(draw: st.DrawFn, draft: _Draft, call: str, a: str, result: str) -> None:
    """Add the statement, unless shapes forbid it."""
    shape = draft.values[a]
    alike = [name for name, other in draft.values.items() if other == shape]
    words = {"a": a, "n": shape[1] if len(shape) > 1 else 1, "shape": list(shape)}
    if "{b}" in call:
        words["b"] = draw(st.sampled_from(alike))
    if "{y}" in call:
        words["y"] = draw(st.sampled_from(list(draft.values)))
    if "{c}" in call:
        words["c"] = draw(st.sampled_from(CHANNELS))
    before = (dict(draft.values), list(draft.inputs))
    if "{p}" in call:
        words["p"], words["q"] = draft.input(shape, 0), draft.input(shape, 1) if "{q}" in call else ""
    made = _shapes(call.format(**words), tuple(draft.values.items()))
    if not made or any(prod(other) > 4 * LARGEST for other in made):
        draft.values, draft.inputs = before
        return
    names = [result] if len(made) == 1 else [f"{result}_{i}" for i in range(len(made))]
    draft.values.update(zip(names, made, strict=True))
    draft.lines.append(f"{', '.join(names)} = {call.format(**words)}")


@lru_cache(maxsize=100_000)
def _shapes(call: str, values: tuple[tuple[str, Shape], ...]) -> tuple[Shape, ...]:
    """The shapes of a call's results; none where the compiler refuses it."""
    read = [(name, shape) for name, shape in values if re.search(rf"\b{name}\b", call)]
    inputs = ", ".join(f"{name}: f32[{', '.join(map(str, shape))}]" for name, shape in read)
    parts = 2 if call.startswith("split") else 1
    names = ", ".join(f"r{i}" for i in range(parts))
    try:
        graph = parse_graph(f"network n({inputs}) {{ {names} = {call}\nreturn {names} }}")
    except CompileError:
        return ()
    return tuple(output.value.type.shape for output in graph.outputs)
