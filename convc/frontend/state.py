"""The state of one elaboration: nodes so far, names taken, messages, and the limits that make it end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from convc.diagnostics import Diagnostic, Label, Span
from convc.frontend.failure import Failure, Halt, fail, fault
from convc.frontend.values import UNKNOWN, Module
from convc.ir import Node, Op, TensorType, Value

#: Nodes of one network.
MAX_NODES = 50_000
#: Statements and calls evaluated for one network.
MAX_STEPS = 250_000
#: Block calls inside each other, and levels of any kind (calls, statements, operators).
MAX_CALLS, MAX_LEVELS = 32, 150
#: Errors reported in one run.
MAX_ERRORS = 20


@dataclass
class Scope:
    """The variables of one call of a block (or of the network).

    `path` is the dotted scope of the values made here, `block` the name of the block. `named` are the variables whose
    name is no longer free for a node: those bound before the statement at hand. `chain` are the calls that led here,
    innermost first.
    """

    module: Module
    path: str = ""
    chain: tuple[Label, ...] = ()
    block: str = ""
    variables: dict[str, object] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)

    def bind(self, name: str, value: object) -> None:
        self.variables[name] = value
        self.named.add(name)

    def path_of(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path and name else self.path or name


@dataclass(frozen=True, slots=True)
class Goal:
    """What the expression of a statement is for: the names its results are bound to and the types written there."""

    names: tuple[str, ...] = ()
    types: tuple[TensorType | None, ...] = ()


class State:
    """See the module docstring; the layers above add evaluation."""

    def __init__(self) -> None:
        self.parameters: dict[str, Value] = {}
        self.ignored: dict[str, None] = {}  # scopes of weights that nothing reads, in order
        self.taken: set[str] = set()
        self.unused: set[str] = set()  # of those, the scopes of blocks that no value is called by
        self.nodes: list[Node] = []
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[tuple[str, Span | None]] = set()
        self._numbers: dict[str, int] = {}
        self._steps = self._made = self._level = 0
        self._fuse: bool | None = None  # what the innermost mark says of the nodes made now

    # Messages

    def report(self, diagnostic: Diagnostic, scope: Scope | None = None) -> None:
        """Keep a message; the same fault in a later call of the same block is not news."""
        key = (diagnostic.code, diagnostic.label.span if diagnostic.label else None)
        if key in self._seen:
            return
        self._seen.add(key)
        if scope is not None and scope.chain:
            chain = scope.chain if len(scope.chain) <= 8 else (*scope.chain[:4], *scope.chain[-2:])
            secondary = (*diagnostic.secondary, *chain)
            diagnostic = Diagnostic(
                diagnostic.code, diagnostic.title, diagnostic.label, secondary, diagnostic.notes, diagnostic.helps
            )
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= MAX_ERRORS:
            raise Halt(diagnostic)

    # Limits

    def step(self, span: Span) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Halt(fault(
                "E0503", "the network takes too long to build", span, f"stopped here after {MAX_STEPS} steps",
                help="are the bounds of the loops around this what you meant?",
            ))  # fmt: skip

    @contextmanager
    def level(self, span: Span) -> Iterator[None]:
        """One level deeper; keeps Python's own stack out of danger."""
        self._level += 1
        try:
            if self._level > MAX_LEVELS:
                raise fail("E0104", "nested too deeply", span, f"{MAX_LEVELS} levels of calls, loops and operators")
            yield
        finally:
            self._level -= 1

    @contextmanager
    def marked(self, fuse: bool) -> Iterator[None]:
        """Every node made meanwhile is marked `@fuse` or `@nofuse`, but for those that a mark further in speaks of."""
        outer, self._fuse = self._fuse, fuse
        try:
            yield
        finally:
            self._fuse = outer

    # The graph

    def add(
        self, op: Op, inputs: Sequence[Value], types: Sequence[TensorType], names: Sequence[str], span: Span
    ) -> Node:  # fmt: skip
        """Append a node whose outputs get `names`, which the caller has taken."""
        self._made += 1
        if self._made > MAX_NODES:
            raise Halt(fault("E0501", "the network is too large", span, f"this would be node {MAX_NODES + 1}"))
        outputs = tuple(Value(name, type) for name, type in zip(names, types, strict=True))
        node = Node(op, tuple(inputs), outputs, span, self._fuse)
        self.nodes.append(node)
        return node

    def take(self, wanted: str) -> str:
        """A name like `wanted` that no other value or scope has."""
        name, number = wanted, self._numbers.get(wanted, 2)
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self._numbers[wanted] = number  # names are never given back, so the search goes on from here
        self.taken.add(name)
        return name

    def parameter(self, name: str, type: TensorType, span: Span, shared: bool) -> Value:
        """The weight of that name; only an explicitly named one (`shared`) may be asked for twice."""
        known = self.parameters.get(name)
        if known is not None and shared:
            if known.type != type:
                raise fail(
                    "E0210", f"weight `{name}` is used with two shapes", span, f"needed as {type} here",
                    note=f"it was used as {known.type} before",
                )
            return known
        if name in self.taken:
            raise fail(
                "E0210", f"the name `{name}` is taken", span, "would name a second weight",
                help='give one of the two layers another `name = "..."`',
            )
        self.taken.add(name)
        self.parameters[name] = Value(name, type)
        return self.parameters[name]


def is_unknown(*values: object) -> bool:
    """Whether any of these, or anything inside a sequence, is unknown."""
    return any(value is UNKNOWN or (isinstance(value, tuple) and is_unknown(*value)) for value in values)


__all__ = ["Failure", "Goal", "Halt", "Scope", "State", "is_unknown"]
