"""Lark's tree to our syntax tree, from the leaves up and without recursion.

Comes in: the tree of one parse. Goes out: `syntax.File` or an expression. Nesting deeper than `MAX_NESTING` is
refused here, so that whoever walks the syntax tree may recurse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lark import Token, Tree
from lark.tree import Meta

from convc.diagnostics import Source, Span
from convc.frontend import syntax as s
from convc.frontend.failure import fail

#: Levels of the tree: a call inside another is three of them.
MAX_NESTING = 300

#: Operators that chain to the left: their left operand is no deeper level.
_CHAINS = frozenset({"add", "multiply", "or_", "and_"})

Shift = tuple[int, int]
ParseText = Callable[[Source, Token], s.Text]


class TreeBuilder:
    """Builds the syntax tree of one source; `parse_text` takes strings with `{...}` apart."""

    def __init__(
        self, source: Source, parse_text: ParseText, lost: Mapping[tuple[int, int], s.Lost] = {}, shift: Shift = (0, 0)
    ) -> None:  # fmt: skip
        """`lost` are the unreadable statements by line and column; `shift` is added to all lines and columns."""
        self.source = source
        self.parse_text = parse_text
        self.lost_statements = lost
        self.shift = shift

    def build(self, tree: Tree[Token] | Token) -> Any:
        """The syntax of a whole tree."""
        if isinstance(tree, Token):
            return self.leaf(tree)
        built: dict[int, Any] = {}
        depths: dict[int, int] = {}
        for part in tree.iter_subtrees():
            depths[id(part)] = self._depth(part, depths)
            children = [built[id(c)] if isinstance(c, Tree) else self.leaf(c) for c in part.children]
            built[id(part)] = getattr(self, part.data)(self.span(part.meta), *children)
        return built[id(tree)]

    def span(self, meta: Meta | Token) -> Span:
        if isinstance(meta, Meta) and meta.empty:
            return Span(self.source, 1, 1, 1, 1)
        line, column, end_line, end_column = meta.line, meta.column, meta.end_line, meta.end_column
        assert line is not None and column is not None and end_line is not None and end_column is not None
        down, right = self.shift
        return Span(self.source, line + down, column + right, end_line + down, end_column + right)

    def leaf(self, token: Token | None) -> Any:
        """Names become `Name`; strings, numbers and operators stay tokens for the rule around them."""
        return s.Name(self.span(token), str(token)) if token is not None and token.type == "NAME" else token

    def _depth(self, part: Tree[Token], depths: dict[int, int]) -> int:
        levels = [depths[id(child)] for child in part.children if isinstance(child, Tree)]
        chained = part.data in _CHAINS and isinstance(part.children[0], Tree)
        depth = max([0, *(levels[1:] if chained else levels)]) + 1
        if chained:
            depth = max(depth, levels[0])
        if depth > MAX_NESTING:
            raise fail(
                "E0104", "nested too deeply", self.span(part.meta), "too many levels inside each other",
                help="give inner parts a name with `name = ...`, or move them into a block",
            )
        return depth

    # One method a rule of the grammar, under its name.

    def file(self, span: Span, *items: s.Import | s.Definition | s.Lost) -> s.File:
        imports = tuple(item for item in items if isinstance(item, s.Import))
        lost = tuple(item for item in items if isinstance(item, s.Lost))
        return s.File(span, imports, tuple(item for item in items if isinstance(item, s.Definition)), lost)

    def lost(self, span: Span, _mark: Token) -> s.Lost:
        return self.lost_statements[span.line, span.column]

    def import_(self, span: Span, path: Token) -> s.Import:
        return s.Import(self.span(path), path[1:-1])

    def block(self, span: Span, name: s.Name, *rest: Any) -> s.Block:
        return s.Block(span, name, self._params(rest), rest[-1])

    def network(self, span: Span, name: s.Name, *rest: Any) -> s.NetworkSyntax:
        return s.NetworkSyntax(span, name, self._params(rest), rest[-1])

    @staticmethod
    def _params(rest: tuple[Any, ...]) -> tuple[s.Param, ...]:
        return tuple(part for part in rest if isinstance(part, s.Param))

    def param(
        self, span: Span, name: s.Name, type: s.TypeSyntax | None, default: s.Expression | None = None
    ) -> s.Param:  # fmt: skip
        return s.Param(span, name, type, default)

    def type_(
        self, span: Span, element: s.Name, dimensions: tuple[s.Expression, ...],
        layout: tuple[s.Name, tuple[s.Expression, ...]] | None,
    ) -> s.TypeSyntax:  # fmt: skip
        name, strides = layout if layout else (None, ())
        return s.TypeSyntax(span, element, dimensions, name, strides)

    def dimensions(self, span: Span, *items: s.Expression) -> tuple[s.Expression, ...]:
        return items

    def layout(self, span: Span, name: s.Name, *strides: s.Expression) -> tuple[s.Name, tuple[s.Expression, ...]]:
        return name, strides

    def body(self, span: Span, *statements: s.Statement) -> s.Body:
        return s.Body(span, statements)

    def assign(self, span: Span, *parts: Any) -> s.Assign:
        return s.Assign(span, parts[:-1], parts[-1])

    def target(self, span: Span, name: s.Name, type: s.TypeSyntax | None) -> s.Target:
        return s.Target(span, name, type)

    def return_(self, span: Span, *results: s.Result) -> s.Return:
        return s.Return(span, results)

    def result(self, span: Span, name: s.Name | None, value: s.Expression) -> s.Result:
        return s.Result(span, name, value)

    def for_(self, span: Span, *parts: Any) -> s.For:
        return s.For(span, parts[:-2], parts[-2], parts[-1])

    def if_(self, span: Span, _if: Token, condition: s.Expression, then: s.Body, other: s.Body | s.If | None) -> s.If:
        return s.If(span, condition, then, s.Body(other.span, (other,)) if isinstance(other, s.If) else other)

    def assert_(self, span: Span, condition: s.Expression, message: Token | None) -> s.Assert:
        return s.Assert(span, condition, None if message is None else self.parse_text(self.source, message))

    def ignore(self, span: Span, *scopes: Token) -> s.Ignore:
        return s.Ignore(span, tuple(self.parse_text(self.source, scope) for scope in scopes))

    def marked(self, span: Span, mark: Token, statement: s.Statement) -> s.Marked:
        return s.Marked(span, mark == "@fuse", statement)

    def choice(self, span: Span, then: s.Expression, condition: s.Expression, other: s.Expression) -> s.Choice:
        return s.Choice(span, then, condition, other)

    def or_(self, span: Span, left: s.Expression, right: s.Expression) -> s.Binary:
        return s.Binary(span, "or", left, right)

    def and_(self, span: Span, left: s.Expression, right: s.Expression) -> s.Binary:
        return s.Binary(span, "and", left, right)

    def not_(self, span: Span, operand: s.Expression) -> s.Unary:
        return s.Unary(span, "not", operand)

    def range_(self, span: Span, left: s.Expression, right: s.Expression) -> s.Binary:
        return s.Binary(span, "..", left, right)

    def compare(self, span: Span, left: s.Expression, operator: Token, right: s.Expression) -> s.Binary:
        return s.Binary(span, str(operator), left, right)

    add = multiply = compare

    def negate(self, span: Span, _minus: Token, operand: s.Expression) -> s.Unary:
        return s.Unary(span, "-", operand)

    def pipe(self, span: Span, source: s.Expression, *stages: s.Call) -> s.Pipe:
        return s.Pipe(span, source, stages)

    def stage(self, span: Span, callee: s.Name, arguments: tuple[s.Argument, ...] | None) -> s.Call:
        return s.Call(span, callee, arguments or ())

    call = stage

    def arguments(self, span: Span, *arguments: s.Argument) -> tuple[s.Argument, ...]:
        return arguments

    def positional(self, span: Span, value: s.Expression) -> s.Argument:
        return s.Argument(span, None, value)

    def keyword(self, span: Span, name: s.Name, value: s.Expression) -> s.Argument:
        return s.Argument(span, name, value)

    def property_(self, span: Span, base: s.Expression, name: Token) -> s.Property:
        return s.Property(span, base, name[1:])

    def index(self, span: Span, base: s.Expression, index: s.Expression) -> s.Index:
        return s.Index(span, base, index)

    def name(self, span: Span, name: s.Name) -> s.Name:
        return name

    def number(self, span: Span, text: Token) -> s.Number:
        if text.type == "INT" and len(text) > 19:
            raise fail("E0504", "number too large", span, "whole numbers have at most 19 digits")
        return s.Number(span, int(text) if text.type == "INT" else float(text))

    def string(self, span: Span, text: Token) -> s.Text:
        return self.parse_text(self.source, text)

    def boolean(self, span: Span, text: Token) -> s.Boolean:
        return s.Boolean(span, text == "true")

    def list_(self, span: Span, *items: s.Expression) -> s.List:
        return s.List(span, items)

    tuple_ = list_

    def fused(self, span: Span, body: s.Body) -> s.Region:
        return s.Region(span, body)
