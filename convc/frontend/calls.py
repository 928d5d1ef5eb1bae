"""Calls of ops and blocks: names, weights, types of results."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from convc.diagnostics import Label, Span
from convc.frontend import syntax as s
from convc.frontend.arguments import CallArguments, Given, Signature, bind, op_signature
from convc.frontend.expressions import NO_GOAL, Expressions
from convc.frontend.failure import Failure, Halt, fail, fault
from convc.frontend.standard import is_standard
from convc.frontend.state import MAX_CALLS, Goal, Scope, is_unknown
from convc.frontend.values import UNKNOWN, BlockRef, OpRef, ParameterRef, block_param, describe
from convc.ir import OpError, TensorType, Value

_KEYWORDS = "import|block|network|return|for|in|if|else|assert|ignore|and|or|not|fused|true|false"
_LEGAL = re.compile(rf"(?!(?:{_KEYWORDS})\Z)[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)

Arguments = tuple[list[Given], list[tuple[s.Name, Given]]]


class Calls(Expressions):
    """Applies ops and blocks."""

    @abstractmethod
    def run_block(self, scope: Scope, body: s.Body) -> object:
        """What a block's body returns."""

    def call(self, scope: Scope, call: s.Call, first: tuple[object, s.Expression] | None, goal: Goal) -> object:
        self.step(call.span)
        callee = self.callee(scope, call.callee)
        positional, keywords = self._arguments(scope, call, first)
        name, keywords = self._take_name(keywords)
        values = [given.value for given in (*positional, *(given for _, given in keywords))]
        if callee is None or name is UNKNOWN or is_unknown(*values):
            return UNKNOWN
        match callee:
            case OpRef():
                signature = op_signature(callee.op, callee.signature())
                bound = bind(signature, call.callee.span, positional, keywords)
                return self._apply_op(scope, callee, call.span, bound, self._names(scope, callee, name, goal))
            case BlockRef():
                return self._apply_block(scope, callee, call, (positional, keywords), name, goal)
            case ParameterRef():
                bind(Signature("parameter", callee.signature(), (), frozenset()), call.span, positional, keywords)
                return self._declare(scope, call.span, name, goal)

    def operate(self, scope: Scope, op: str, span: Span, operands: Sequence[Given], goal: Goal) -> object:
        callee = self.callee(scope, s.Name(span, op))
        assert isinstance(callee, OpRef)
        bound = {param.name: [given] for param, given in zip(callee.op.params, operands, strict=False)}
        return self._apply_op(scope, callee, span, bound, self._names(scope, callee, None, goal))

    # Arguments and names

    def _arguments(self, scope: Scope, call: s.Call, first: tuple[object, s.Expression] | None) -> Arguments:
        positional = [Given(first[0], first[1].span)] if first else []
        keywords: list[tuple[s.Name, Given]] = []
        for argument in call.arguments:
            given = Given(self.evaluate(scope, argument.value), argument.value.span)
            if argument.name is not None:
                keywords.append((argument.name, given))
            elif keywords:
                raise fail("E0403", "an argument by position after one by name", argument.span, "this one has no name",
                           help="put it first, or write `name = ...`")  # fmt: skip
            else:
                positional.append(given)
        return positional, keywords

    def _take_name(self, keywords: list[tuple[s.Name, Given]]) -> tuple[object, list[tuple[s.Name, Given]]]:
        """The `name = "..."` of a call (`Given` or `None`), and the other arguments."""
        named = [given for name, given in keywords if name.text == "name"]
        if not named:
            return None, keywords
        if is_unknown(named[0].value):
            return UNKNOWN, keywords
        if not isinstance(named[0].value, str):
            raise fail("E0405", "a name is a string", named[0].span, f"this is {describe(named[0].value)}",
                       help='write `name = "..."`')  # fmt: skip
        return named[0], [(name, given) for name, given in keywords if name.text != "name"]

    def _explicit(self, scope: Scope, given: Given) -> str:
        path = scope.path_of(str(given.value))
        if not _LEGAL.fullmatch(path):
            raise fail("E0211", f"`{path}` cannot be a name", given.span, "not a name", help=(
                "a name has letters, digits and `_`, parts separated by dots, and begins with a letter"))  # fmt: skip
        return path

    def _names(self, scope: Scope, callee: OpRef, name: object, goal: Goal) -> list[str]:
        """Full names for the results of an op: written, or those they are bound to, or the op's own.

        `name = ""` in a block is the name of the block's scope, once.
        """
        if isinstance(name, Given) and (name.value or scope.path):
            path = self._explicit(scope, name)
            if path in self.taken and path not in self.unused:
                raise fail("E0210", f"the name `{path}` is taken", name.span, "names must be unique",
                           help="leave `name` out to get a fresh one")  # fmt: skip
            self.unused.discard(path)
            self.taken.add(path)
            return [path]
        if goal.names and not any(name in scope.named for name in goal.names):
            return [self.take(scope.path_of(name)) for name in goal.names]
        return [self.take(scope.path_of(callee.name))]

    # Ops

    def _apply_op(
        self, scope: Scope, callee: OpRef, span: Span, bound: dict[str, list[Given]], names: list[str]
    ) -> object:  # fmt: skip
        arguments = CallArguments(
            callee.op, callee.signature(), span, bound,
            lambda name, shape, place, explicit: self.parameter(
                explicit or f"{names[0]}.{name}", TensorType.plain(shape), place, shared=bool(explicit)
            ),
            lambda number, place: self._constant(scope, number, place),
        )
        try:
            op, inputs = callee.op.build(arguments)
            types = op.infer(*(value.type for value in inputs))
        except OpError as error:
            raise self._op_failure(error, callee, span, bound) from error
        while len(names) < len(types):
            names.append(self.take(names[0]))
        outputs = self.add(op, inputs, types, names[: len(types)], in_source(scope, span)).outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def _op_failure(self, error: OpError, callee: OpRef, span: Span, bound: dict[str, list[Given]]) -> Exception:
        place = bound[error.argument][0].span if bound.get(error.argument) else span
        return fail(error.code, error.title, place, error.note, help=error.help)

    def _constant(self, scope: Scope, number: float, span: Span) -> Value:
        callee = self.callee(Scope(scope.module), s.Name(span, "constant"))
        assert isinstance(callee, OpRef)
        names = [self.take(scope.path_of("constant"))]
        value = self._apply_op(scope, callee, span, {"value": [Given(number, span)]}, names)
        assert isinstance(value, Value)
        return value

    def _declare(self, scope: Scope, span: Span, name: object, goal: Goal) -> object:
        if len(goal.names) != 1 or goal.types[0] is None:
            raise fail("E0408", "a parameter needs a written type", span, "of what type?",
                       help="write `name: f32[64] = parameter()`")  # fmt: skip
        wanted = scope.path_of(goal.names[0])
        path = self._explicit(scope, name) if isinstance(name, Given) and name.value else wanted
        return self.parameter(path, goal.types[0], span, shared=False)

    # Blocks

    def _apply_block(
        self, scope: Scope, block: BlockRef, call: s.Call, arguments: Arguments, name: object, goal: Goal
    ) -> object:  # fmt: skip
        if len(scope.chain) >= MAX_CALLS:
            raise Halt(fault(
                "E0502", "blocks call each other too deeply", call.span, f"more than {MAX_CALLS} inside each other",
                help=f"does `{block.name}` call itself without an end?", also=scope.chain[:3],
            ))  # fmt: skip
        params = block.syntax.params
        required = frozenset(param.name.text for param in params if param.default is None)
        names = tuple(param.name.text for param in params)
        bound = bind(Signature(block.name, block.signature(), names, required), call.callee.span, *arguments)
        path = self._block_path(scope, block, name, goal)
        chain = (Label(call.callee.span, f"in this call of `{block.name}`"), *scope.chain)
        inner = Scope(block.module, path, chain, block.name)
        with self.level(call.span):
            self._bind_params(inner, params, bound)
            return self.run_block(inner, block.syntax.body)

    def _block_path(self, scope: Scope, block: BlockRef, name: object, goal: Goal) -> str:
        if isinstance(name, Given):
            return self._explicit(scope, name) if name.value else scope.path
        own = len(goal.names) == 1 and goal.names[0] not in scope.named
        path = self.take(scope.path_of(goal.names[0] if own else block.name))
        self.unused.add(path)
        return path

    def _bind_params(self, scope: Scope, params: Sequence[s.Param], bound: dict[str, list[Given]]) -> None:
        for param in params:
            if param.name.text in bound:
                scope.bind(param.name.text, bound[param.name.text][0].value)
            else:
                scope.bind(param.name.text, self._default(scope, param))
        for param in params:
            if param.type is not None:
                self.check_param(scope, param, bound)

    def _default(self, scope: Scope, param: s.Param) -> object:
        """Evaluated in the block, where it may use the parameters before it; so the calls that led here are shown."""
        assert param.default is not None
        try:
            return self.evaluate(scope, param.default, NO_GOAL)
        except Halt:
            raise
        except Failure as failure:
            self.report(failure.diagnostic, scope)
            return UNKNOWN

    def check_param(self, scope: Scope, param: s.Param, bound: dict[str, list[Given]]) -> None:
        """A written type of a block's parameter is a check of the argument."""
        assert param.type is not None
        value, wanted = scope.variables[param.name.text], self.type(scope, param.type)
        if wanted is None or is_unknown(value):
            return
        span = bound[param.name.text][0].span if param.name.text in bound else param.span
        if not isinstance(value, Value):
            raise fail("E0405", f"`{param.name.text}` must be a tensor", span, f"this is {describe(value)}")
        if not fits(value.type, wanted):
            raise fail("E0408", "the argument has another type", span, f"this is {value.type}",
                       note=f"`{block_param(param)}` asks for {show(wanted)}: {difference(value.type, wanted)}",
                       also=(Label(param.type.span, "asked for here"),))  # fmt: skip


def in_source(scope: Scope, span: Span) -> Span:
    """Where a person's own source asks for what is written at `span`: of a standard block's, the call of the block."""
    if not is_standard(span.source):
        return span
    own = next((label.span for label in scope.chain if not is_standard(label.span.source)), span)
    return replace(own, inside=f"in block {scope.block} at {span.source.name}:{span.line}")


def fits(actual: TensorType, written: TensorType) -> bool:
    """Whether a type is as written, layouts aside; -1 stands for any extent."""
    pairs = zip(actual.shape, written.shape, strict=False)
    return actual.dtype is written.dtype and actual.rank == written.rank and all(w in (-1, a) for a, w in pairs)


def show(written: TensorType) -> str:
    return str(TensorType.plain(written.shape, written.dtype)).replace("-1", "_")


def difference(actual: TensorType, written: TensorType) -> str:
    """The first thing in which two types differ."""
    if actual.dtype is not written.dtype:
        return f"the element type is {actual.dtype.value}, not {written.dtype.value}"
    if actual.rank != written.rank:
        return f"there are {actual.rank} dimensions, not {written.rank}"
    for axis, (a, w) in enumerate(zip(actual.shape, written.shape, strict=True)):
        if w not in (-1, a):
            return f"dimension {axis} is {a}, not {w}"
    return f"the layout is {actual.layout.name()}, not {written.layout.name()}"
