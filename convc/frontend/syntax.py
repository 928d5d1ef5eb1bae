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
    text: str


@dataclass(frozen=True, slots=True)
class Number(Expression):
    value: int | float


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
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
    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    callee: Name
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Pipe(Expression):
    source: Expression
    stages: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Property(Expression):
    base: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Index(Expression):
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
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Target(Syntax):
    name: Name
    type: TypeSyntax | None


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    targets: tuple[Target, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Result(Syntax):
    name: Name | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Return(Statement):
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class For(Statement):
    names: tuple[Name, ...]
    iterable: Expression
    body: Body


@dataclass(frozen=True, slots=True)
class If(Statement):
    condition: Expression
    then: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Assert(Statement):
    condition: Expression
    message: Text | None


@dataclass(frozen=True, slots=True)
class Lost(Statement):
    """A statement or definition that could not be parsed; `names` are those it would have bound."""

    names: tuple[str, ...]
    returns: bool


@dataclass(frozen=True, slots=True)
class Param(Syntax):
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
    path: str


@dataclass(frozen=True, slots=True)
class File(Syntax):
    """A whole file."""

    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]
    lost: tuple[Lost, ...]
