"""Statements: assignment with its checks, loops, conditions, results."""

from __future__ import annotations

from dataclasses import replace

from convc.diagnostics import Label
from convc.frontend import syntax as s
from convc.frontend.calls import Calls, difference, fits, show
from convc.frontend.failure import Failure, Halt, fail
from convc.frontend.state import Goal, Scope, is_unknown
from convc.frontend.values import UNKNOWN, describe
from convc.ir import Fused, Layout, Node, TensorType, Value

Results = tuple[tuple[s.Result, object], ...]


class Statements(Calls):
    """Runs statements. A failure is reported, what the statement would have bound becomes unknown, and it goes on."""

    def run(self, scope: Scope, body: s.Body) -> Results | None:
        """The results of the body's `return`, `None` if it comes to none."""
        for statement in body.statements:
            self.step(statement.span)
            try:
                with self.level(statement.span):
                    results = self._statement(scope, statement)
            except Halt:
                raise
            except Failure as failure:
                self.report(failure.diagnostic, scope)
                results = poison(scope, statement)
            if results is not None:
                return results
        return None

    def run_block(self, scope: Scope, body: s.Body) -> object:
        results = self.run(scope, body)
        if results is None:
            raise fail("E0208", "the block returns nothing", body.span, "no `return` was reached",
                       help="end it with `return x`")  # fmt: skip
        values = tuple(value for _, value in results)
        return values[0] if len(values) == 1 else values

    def _statement(self, scope: Scope, statement: s.Statement) -> Results | None:
        match statement:
            case s.Assign():
                self._assign(scope, statement)
            case s.Return():
                return tuple((result, self._result(scope, result)) for result in statement.results)
            case s.For():
                return self._for(scope, statement)
            case s.If():
                return self._if(scope, statement)
            case s.Assert():
                self._assert(scope, statement)
            case s.Ignore():
                self._ignore(scope, statement)
            case s.Marked():
                with self.marked(statement.fuse):
                    return self._statement(scope, statement.statement)
            case s.Lost():
                return poison(scope, statement)
        return None

    def _result(self, scope: Scope, result: s.Result) -> object:
        name = (result.name.text,) if result.name is not None else ()
        return self.evaluate(scope, result.value, Goal(name, (None,) * len(name)))

    # Assignment

    def _assign(self, scope: Scope, statement: s.Assign) -> None:
        targets = statement.targets
        types = tuple(self.type(scope, target.type) if target.type else None for target in targets)
        before = len(self.nodes)
        value = self.evaluate(scope, statement.value, Goal(tuple(target.name.text for target in targets), types))
        values = self._unpack(statement, value)
        made = self.nodes[-1] if len(self.nodes) > before else None
        for place, (target, type) in enumerate(zip(targets, types, strict=True)):
            if type is not None:
                values[place] = self._check(target, values[place], type, made)
        for target, one in zip(targets, values, strict=True):
            scope.bind(target.name.text, one)

    def _unpack(self, statement: s.Assign, value: object) -> list[object]:
        count = len(statement.targets)
        if count == 1:
            return [value]
        if value is UNKNOWN:
            return [UNKNOWN] * count
        if not isinstance(value, tuple) or len(value) != count:
            got = f"{len(value)} results" if isinstance(value, tuple) else describe(value)
            raise fail("E0409", f"{count} names for {got}", statement.value.span, f"this gives {got}",
                       note=f"{count} names stand on the left")  # fmt: skip
        return list(value)

    def _check(self, target: s.Target, value: object, written: TensorType, made: Node | None) -> object:
        """A written type is a check; on the result of a fresh node it also says the layout."""
        assert target.type is not None
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Value):
            raise fail("E0408", "only a tensor has a type", target.type.span, f"this is {describe(value)}")
        if not fits(value.type, written):
            raise fail("E0408", "the written type is not the inferred one", target.type.span, f"it is {value.type}",
                       note=f"written is {show(written)}: {difference(value.type, written)}")  # fmt: skip
        if target.type.layout is None and (-1 in written.shape or value.type.is_plain):
            return value
        if value.type.layout == written.layout:
            return value
        if made is None or value not in made.outputs or isinstance(made.op, Fused):
            raise fail("E0408", "the written layout is not that of the tensor", target.type.span,
                       f"it is {value.type}", help="a tensor gets another layout through `reorder(x)`")  # fmt: skip
        return self._with_layout(value, written.layout)

    def _with_layout(self, value: Value, layout: Layout) -> Value:
        """The value so laid out, a result of the last node; others of its results may have got layouts before."""
        made, changed = self.nodes[-1], Value(value.name, value.type.with_layout(layout))
        outputs = tuple(changed if output == value else output for output in made.outputs)
        self.nodes[-1] = replace(made, outputs=outputs)
        return changed

    # Control

    def _for(self, scope: Scope, loop: s.For) -> Results | None:
        items = self.evaluate(scope, loop.iterable)
        if items is UNKNOWN:
            return poison(scope, loop)
        if not isinstance(items, (tuple, range)):
            raise fail("E0405", "a loop goes over a list or a range", loop.iterable.span, f"this is {describe(items)}",
                       help=f"write `0..{items}`" if isinstance(items, int) else "")  # fmt: skip
        names = [name.text for name in loop.names]
        outside = set(scope.named) | set(names)
        for item in items:
            self.step(loop.span)
            self._bind_item(scope, loop, item)
            results = self.run(scope, loop.body)
            if results is not None:
                return results
            scope.named = set(outside)  # what the body binds first is new again in each turn
        scope.named.update(scope.variables)
        return None

    def _bind_item(self, scope: Scope, loop: s.For, item: object) -> None:
        count = len(loop.names)
        values = item if count > 1 else (item,)
        if values is UNKNOWN:
            values = (UNKNOWN,) * count
        if not isinstance(values, tuple) or len(values) != count:
            raise fail("E0409", f"{count} names for {describe(item)}", loop.iterable.span,
                       f"an item of this is {describe(item)}")  # fmt: skip
        for name, value in zip(loop.names, values, strict=True):
            scope.bind(name.text, value)

    def _if(self, scope: Scope, statement: s.If) -> Results | None:
        chosen = self.condition(scope, statement.condition)
        if chosen is None:
            return poison(scope, statement)
        body = statement.then if chosen else statement.otherwise
        return self.run(scope, body) if body is not None else None

    def _assert(self, scope: Scope, statement: s.Assert) -> None:
        if self.condition(scope, statement.condition) is not False:
            return
        message = self.text(scope, statement.message) if statement.message else "the assertion does not hold"
        raise fail("E0411", str(message), statement.condition.span, self._sides(scope, statement.condition))

    def _sides(self, scope: Scope, condition: s.Expression) -> str:
        if isinstance(condition, s.Binary) and condition.operator not in ("and", "or"):
            left, right = self.evaluate(scope, condition.left), self.evaluate(scope, condition.right)
            return f"{describe(left)} {condition.operator} {describe(right)}".replace("the number ", "")
        return "this is `false`"

    # Weights

    def _ignore(self, scope: Scope, statement: s.Ignore) -> None:
        for text in statement.scopes:
            ignored = self.text(scope, text)
            if isinstance(ignored, str):
                self.ignored.setdefault(scope.path_of(ignored))

    # Fused regions

    def region(self, scope: Scope, region: s.Region) -> object:
        outside, variables, named = self.nodes, dict(scope.variables), set(scope.named)
        self.nodes = []
        try:
            results = self.run(scope, region.body)
            inside = self.nodes
        finally:
            self.nodes, scope.variables, scope.named = outside, variables, named
        if results is None:
            raise fail("E0208", "the region returns nothing", region.span, "no `return` was reached")
        values = tuple(value for _, value in results)
        if is_unknown(*values):
            return UNKNOWN
        made = {output for node in inside for output in node.outputs}
        for result, value in results:
            if not isinstance(value, Value) or value not in made:
                raise fail(
                    "E0405", "a region returns tensors made inside it", result.span, f"this is {describe(value)}",
                    also=(Label(region.span, "the region"),),
                )
        self.nodes.append(replace(Fused.of(inside, [v for v in values if isinstance(v, Value)]), span=region.span))
        return values[0] if len(values) == 1 else values


def poison(scope: Scope, statement: s.Statement) -> Results | None:
    """Make everything a statement would bind unknown; the results if it would return."""
    names, returns = bound_by(statement)
    for name in names:
        scope.bind(name, UNKNOWN)
    if returns is None:
        return None
    return tuple((result, UNKNOWN) for result in returns)


def bound_by(statement: s.Statement) -> tuple[list[str], tuple[s.Result, ...] | None]:
    """The names a statement may bind, and the results if it is sure or likely to return."""
    match statement:
        case s.Assign():
            return [target.name.text for target in statement.targets], None
        case s.Marked():
            return bound_by(statement.statement)
        case s.Return():
            return [], statement.results
        case s.Lost():
            unknown = s.Result(statement.span, None, s.Boolean(statement.span, False))
            return list(statement.names), (unknown,) if statement.returns else None
        case s.For():
            bodies, names = [statement.body], [name.text for name in statement.names]
        case s.If():
            bodies, names = [statement.then, *([statement.otherwise] if statement.otherwise else [])], []
        case _:
            return [], None
    returns: tuple[s.Result, ...] | None = None
    for body in bodies:
        for inner in body.statements:
            more, results = bound_by(inner)
            names.extend(more)
            returns = returns or results
    return names, returns
