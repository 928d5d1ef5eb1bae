"""The syntax tree: what `grammar/conv.lark` says, as frozen data with spans.

Made by `tree.py`, read by the elaborator. Chains (`a + b + c`, `x |> f |> g`) may be long, so whoever walks them must
not recurse down their left side; everything else is at most `tree.MAX_NESTING` levels deep.
"""

from __future__ import annotations

from dataclasses import dataclass

from convc.diagnostics.source import Span


@dataclass(frozen=True, slots=True)
class Syntax:
    """Any piece of source text."""

    span: Span


@dataclass(frozen=True, slots=True)
class Expression(Syntax):
    """Something with a value."""


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A dotted name."""

    text: str


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A literal number."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A string; expressions between the literal parts come from `{...}`."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class List(Expression):
    """`[a, b]` or `(a, b)`: the language has one kind of sequence."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Argument(Syntax):
    """One argument of a call, by position where `name` is `None`."""

    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`callee(arguments)`, or a stage of a pipe."""

    callee: Name
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Pipe(Expression):
    """`source |> stage |> ...`."""

    source: Expression
    stages: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Property(Expression):
    """`base.name` where the base is not a name."""

    base: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Expression):
    """`base[index]`."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-a` or `not a`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Arithmetic, comparison, `and`, `or` and the range `..`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    """`then if condition else otherwise`."""

    then: Expression
    condition: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Region(Expression):
    """`fused { ... }`."""

    body: Body


@dataclass(frozen=True, slots=True)
class TypeSyntax(Syntax):
    """`f32[1, 64, 56, 56; nChw16c(...)]`."""

    element: Name
    dimensions: tuple[Expression, ...]
    layout: Name | None
    strides: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Statement(Syntax):
    """Something that is done."""


@dataclass(frozen=True, slots=True)
class Body(Syntax):
    """`{ ... }`."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Target(Syntax):
    """`name: type` on the left of an assignment."""

    name: Name
    type: TypeSyntax | None


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    """`a, b = value`."""

    targets: tuple[Target, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Result(Syntax):
    """One result of a `return`."""

    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """`return a, name = b`."""

    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class For(Statement):
    """`for names in iterable { ... }`."""

    names: tuple[Name, ...]
    iterable: Expression
    body: Body


@dataclass(frozen=True, slots=True)
class If(Statement):
    """`if condition { ... } else { ... }`."""

    condition: Expression
    then: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Assert(Statement):
    """`assert condition, "message"`."""

    condition: Expression
    message: Text | None


@dataclass(frozen=True, slots=True)
class Ignore(Statement):
    """`ignore "aux1", "aux2"`."""

    scopes: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Marked(Statement):
    """`@fuse` (true) or `@nofuse` before a statement."""

    fuse: bool
    statement: Statement


@dataclass(frozen=True, slots=True)
class Lost(Statement):
    """A statement or definition that could not be parsed; `names` are those it would have bound."""

    names: tuple[str, ...]
    returns: bool


@dataclass(frozen=True, slots=True)
class Param(Syntax):
    """A parameter of a block or network."""

    name: Name
    type: TypeSyntax | None
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Definition(Syntax):
    """A block or a network."""

    name: Name
    params: tuple[Param, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Block(Definition):
    """`block name(params) { ... }`."""


@dataclass(frozen=True, slots=True)
class NetworkSyntax(Definition):
    """`network name(params) { ... }`."""


@dataclass(frozen=True, slots=True)
class Import(Syntax):
    """`import "path"`."""

    path: str


@dataclass(frozen=True, slots=True)
class File(Syntax):
    """A whole file."""

    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]
    lost: tuple[Lost, ...]
