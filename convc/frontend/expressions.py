"""Expressions: names, numbers, operators. Calls are the next layer's (`calls.py`)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from convc import ops
from convc.diagnostics import Span
from convc.frontend import arithmetic
from convc.frontend import syntax as s
from convc.frontend.arguments import Given
from convc.frontend.failure import did_you_mean, fail, nearest
from convc.frontend.standard import standard_blocks
from convc.frontend.state import Goal, Scope, State, is_unknown
from convc.frontend.values import UNKNOWN, BlockRef, Callee, OpRef, ParameterRef, describe
from convc.ir import DType, Layout, TensorType, Value

PROPERTIES = ("batch", "channels", "depth", "height", "width", "length", "rank")

#: Names that stand for themselves: the padding rules, and what ops may be told by a word.
_RULES = ("half", "same", "same_lower", "valid", "causal")
_SYMBOLS = tuple(dict.fromkeys((*_RULES, *ops.choices())))

#: Names that people coming from elsewhere write.
_FOREIGN = {
    "True": "write `true`", "False": "write `false`", "None": "leave the argument out, or write `false`",
    "range": "a range is `0..n`",
}  # fmt: skip

#: What other languages call our ops, where the spelling alone would not tell.
_FOREIGN_OPS = {
    "conv2d": "conv", "convolution": "conv", "dense": "linear", "fc": "linear", "gemm": "linear", "matmul": "linear",
    "bn": "batchnorm", "batchnorm2d": "batchnorm", "batchnormalization": "batchnorm", "cat": "concat", "lrn":
    "local_response_norm", "maxpool2d": "maxpool", "avgpool2d": "avgpool", "adaptiveavgpool2d": "global_avgpool",
    "globalaveragepooling2d": "global_avgpool", "maxpooling2d": "maxpool", "logistic": "sigmoid", "view": "reshape",
}  # fmt: skip

NO_GOAL = Goal()


class Expressions(State):
    """Evaluates expressions in a scope. Raises `Failure`."""

    @abstractmethod
    def call(self, scope: Scope, call: s.Call, first: tuple[object, s.Expression] | None, goal: Goal) -> object:
        """Apply an op or a block; `first` is what a pipe hands in."""

    @abstractmethod
    def operate(self, scope: Scope, op: str, span: Span, operands: Sequence[Given], goal: Goal) -> object:
        """An operator with a tensor among its operands."""

    @abstractmethod
    def region(self, scope: Scope, region: s.Region) -> object:
        """A fused region."""

    def evaluate(self, scope: Scope, expression: s.Expression, goal: Goal = NO_GOAL) -> object:
        """The value of an expression; `goal` names the node of a call that is bound directly."""
        match expression:
            case s.Name():
                return self.name(scope, expression)
            case s.Number() | s.Boolean():
                return expression.value
            case s.Binary():
                return self._binary(scope, expression, goal)
        with self.level(expression.span):
            return self._compound(scope, expression, goal)

    def _compound(self, scope: Scope, expression: s.Expression, goal: Goal) -> object:
        match expression:
            case s.Call():
                return self.call(scope, expression, None, goal)
            case s.Pipe():
                return self._pipe(scope, expression, goal)
            case s.Text():
                return self.text(scope, expression)
            case s.List():
                return tuple(self.evaluate(scope, item) for item in expression.items)
            case s.Choice():
                chosen = self.condition(scope, expression.condition)
                if chosen is None:
                    return UNKNOWN
                return self.evaluate(scope, expression.then if chosen else expression.otherwise, goal)
            case s.Unary():
                operand = self.evaluate(scope, expression.operand)
                if expression.operator == "-" and isinstance(operand, Value):
                    return self.operate(scope, "neg", expression.span, [Given(operand, expression.operand.span)], goal)
                return arithmetic.unary(expression, operand)
            case s.Property():
                return self._property(self.evaluate(scope, expression.base), expression.name, expression)
            case s.Index():
                base, index = self.evaluate(scope, expression.base), self.evaluate(scope, expression.index)
                return arithmetic.index(expression, base, index)
            case s.Region():
                return self.region(scope, expression)
        raise AssertionError(expression)

    # Names

    def name(self, scope: Scope, name: s.Name) -> object:
        """A variable, a shape access (`x.channels`), a block, an op or a padding rule."""
        text = name.text
        if text in scope.variables:
            return scope.variables[text]
        base, dot, last = text.rpartition(".")
        if dot:
            if base in scope.variables:
                return self._property(scope.variables[base], last, name)
            raise self._unknown(scope, s.Name(name.span, text.partition(".")[0]))
        found = self._global(scope, text)
        if found is not None:
            return found
        if text in _SYMBOLS:
            return text
        if text in scope.module.lost:
            return UNKNOWN
        raise self._unknown(scope, name)

    def callee(self, scope: Scope, name: s.Name) -> Callee | None:
        """What a call calls; a variable that cannot be called does not hide a block or op. `None`: unknown."""
        local = scope.variables.get(name.text)
        if isinstance(local, (OpRef, BlockRef, ParameterRef)):
            return local
        found = self._global(scope, name.text)
        if found is not None:
            return found
        if local is UNKNOWN or name.text in scope.module.lost:
            return None
        if local is not None:
            raise fail("E0406", f"`{name.text}` cannot be called", name.span, f"this is {describe(local)}")
        known = [*scope.module.blocks, *ops.names(), *standard_blocks()]
        meant = _FOREIGN_OPS.get(name.text.lower().replace("_", "")) or nearest(name.text, known)
        guess = f"did you mean `{meant}`?" if meant else "nothing of that name can be called"
        raise fail(
            "E0202", f"unknown op or block `{name.text}`", name.span, guess,
            help=_FOREIGN.get(name.text) or self._called_help(scope, meant),
        )

    def _called_help(self, scope: Scope, meant: str) -> str:
        found = self._global(scope, meant)
        if found is not None:
            return f"its signature is `{found.signature()}`"
        return f"the ops are {', '.join(ops.names())}"

    def _global(self, scope: Scope, name: str) -> Callee | None:
        if name in scope.module.blocks:
            return scope.module.blocks[name]
        op = ops.by_name(name)
        if op is not None:
            return OpRef(op)  # type: ignore[arg-type]  # every op of the language has `params` and `build`: tests/ops
        if name == ParameterRef.name:
            return ParameterRef()
        return None if name in scope.module.lost else standard_blocks().get(name)

    def _unknown(self, scope: Scope, name: s.Name) -> Exception:
        known = [*scope.variables, *scope.module.blocks, *ops.names(), *_SYMBOLS, *standard_blocks()]
        guess = did_you_mean(name.text, known)
        return fail(
            "E0201", f"unknown name `{name.text}`", name.span, guess or "not defined here",
            help=_FOREIGN.get(name.text, ""),
        )

    def _property(self, base: object, name: str, at: s.Expression) -> object:
        if is_unknown(base):
            return UNKNOWN
        if not isinstance(base, Value):
            raise fail("E0209", f"no property `{name}`", at.span, f"{describe(base)} has no properties")
        type = base.type
        axes = {"batch": 0, "channels": 1, "depth": -3, "height": -2, "width": -1, "length": -1}
        needed = {"batch": 1, "channels": 2, "depth": 5, "height": 4, "width": 4, "length": 3}
        if name == "rank":
            return type.rank
        if name not in axes:
            guess = did_you_mean(name, PROPERTIES)
            raise fail(
                "E0209", f"a tensor has no property `{name}`", at.span, guess or "unknown property",
                help="there are " + ", ".join(f"`{known}`" for known in PROPERTIES),
            )
        if type.rank < needed[name]:
            raise fail("E0209", f"this tensor has no {name}", at.span, f"it is {type}, with {type.rank} dimensions")
        return type.shape[axes[name]]

    # Operators

    def _binary(self, scope: Scope, expression: s.Binary, goal: Goal) -> object:
        """Walks down the left side in a loop: chains may be long."""
        chain: list[s.Binary] = []
        left: s.Expression = expression
        while isinstance(left, s.Binary):
            chain.append(left)
            left = left.left
        with self.level(expression.span):
            value = self.evaluate(scope, left)
            for part in reversed(chain):
                self.step(part.span)
                value = self._apply(scope, part, value, goal if part is expression else NO_GOAL)
        return value

    def _apply(self, scope: Scope, part: s.Binary, left: object, goal: Goal) -> object:
        if part.operator in ("and", "or"):
            first = arithmetic.boolean(part.left, left)
            if first is None or first is (part.operator == "or"):
                return UNKNOWN if first is None else first
            second = arithmetic.boolean(part.right, self.evaluate(scope, part.right))
            return UNKNOWN if second is None else second
        right = self.evaluate(scope, part.right)
        if is_unknown(left, right):
            return UNKNOWN
        op = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}.get(part.operator)
        if op is not None and (isinstance(left, Value) or isinstance(right, Value)):
            operands = [Given(left, part.left.span), Given(right, part.right.span)]
            return self.operate(scope, op, part.span, operands, goal)
        return arithmetic.binary(part, left, right)

    def condition(self, scope: Scope, expression: s.Expression) -> bool | None:
        """A boolean; `None` where it is unknown."""
        return arithmetic.boolean(expression, self.evaluate(scope, expression))

    def _pipe(self, scope: Scope, pipe: s.Pipe, goal: Goal) -> object:
        value, source = self.evaluate(scope, pipe.source), pipe.source
        for stage in pipe.stages:
            last = stage is pipe.stages[-1]
            value = self.call(scope, stage, (value, source), goal if last else NO_GOAL)
            source = stage
        return value

    def text(self, scope: Scope, text: s.Text) -> object:
        """A string with its holes filled."""
        parts = [part if isinstance(part, str) else self.evaluate(scope, part) for part in text.parts]
        if is_unknown(*parts):
            return UNKNOWN
        return arithmetic.text(text, parts)

    # Types

    def type(self, scope: Scope, written: s.TypeSyntax) -> TensorType | None:
        """A written type; `None` where a dimension is unknown. The dimension `_` is -1: any."""
        known = [dtype.value for dtype in DType]
        if written.element.text not in known:
            guess = did_you_mean(written.element.text, known)
            raise fail("E0201", f"unknown element type `{written.element.text}`", written.element.span, guess or
                       "there are " + ", ".join(f"`{name}`" for name in known))  # fmt: skip
        shape = self._extents(scope, written.dimensions)
        strides = self._extents(scope, written.strides)
        if shape is None or strides is None:
            return None
        dtype = DType(written.element.text)
        return TensorType(dtype, shape, self._layout(written, shape, strides))

    def _extents(self, scope: Scope, items: tuple[s.Expression, ...]) -> tuple[int, ...] | None:
        extents: list[int] = []
        for item in items:
            if isinstance(item, s.Name) and item.text == "_":
                extents.append(-1)
                continue
            value = self.evaluate(scope, item)
            if is_unknown(value):
                return None
            if isinstance(value, bool) or not isinstance(value, int):
                raise fail("E0405", "a dimension is a whole number", item.span, f"this is {describe(value)}")
            if value < 1:
                raise fail("E0405", "a dimension is at least 1", item.span, f"this is {value}")
            extents.append(value)
        return tuple(extents)

    def _layout(self, written: s.TypeSyntax, shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout:
        if written.layout is None:
            return Layout.dense(shape)
        digits = "".join(character for character in written.layout.text if character.isdigit())
        block = int(digits[:4]) if digits else 1
        layout = Layout.dense(shape, block) if block == 1 or len(shape) > 1 else Layout.dense(shape)
        if layout.name() != written.layout.text or block < 1 or (strides and len(strides) != len(shape)):
            raise fail(
                "E0405", f"`{written.layout.text}` is no layout of {len(shape)} dimensions", written.layout.span,
                f"plain is `{Layout.dense(shape).name()}`",
            )
        return Layout(block, strides) if strides else layout
