"""Arithmetic on numbers, booleans, strings and sequences: what is decided while the graph is built."""

from __future__ import annotations

from math import isfinite

from convc.frontend import syntax as s
from convc.frontend.failure import Failure, fail
from convc.frontend.values import UNKNOWN, describe, literal

#: Bounds on what a value may grow to.
MAX_INT, MAX_TEXT, MAX_ITEMS = 2**62, 4096, 10_000

Number = int | float


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def boolean(expression: s.Expression, value: object) -> bool | None:
    """`true` or `false`; `None` where it is unknown. Nothing else counts as either."""
    if value is UNKNOWN:
        return None
    if not isinstance(value, bool):
        help = "compare it with something, as in `stride != 1`" if is_number(value) else ""
        raise fail("E0410", "not a condition", expression.span, f"this is {describe(value)}, not `true` or `false`",
                   help=help)  # fmt: skip
    return value


def unary(expression: s.Unary, value: object) -> object:
    if value is UNKNOWN:
        return UNKNOWN
    if expression.operator == "not":
        return not boolean(expression.operand, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return -value
    raise fail("E0405", "only numbers and tensors have a sign", expression.operand.span, f"this is {describe(value)}")


def binary(expression: s.Binary, left: object, right: object) -> object:
    """Both operands known, neither a tensor."""
    operator = expression.operator
    if operator in ("==", "!="):
        same = (left == right) if type(left) is type(right) or (is_number(left) and is_number(right)) else False
        return same is (operator == "==")
    if operator == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) + len(right) > MAX_ITEMS:
            raise fail("E0504", "list too long", expression.span, f"more than {MAX_ITEMS} items")
        return left + right
    for side, value in ((expression.left, left), (expression.right, right)):
        if not is_number(value):
            raise fail("E0405", f"`{operator}` takes numbers{_or_tensors(operator)}", side.span,
                       f"this is {describe(value)}")  # fmt: skip
    assert isinstance(left, (int, float)) and isinstance(right, (int, float))
    if operator == "..":
        return _range(expression, left, right)
    if operator in ("<", "<=", ">", ">="):
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]
    return _checked(expression, _calculate(expression, left, right))


def _or_tensors(operator: str) -> str:
    return " or tensors" if operator in "+-*/%" else ""


def _range(expression: s.Binary, left: Number, right: Number) -> range:
    if isinstance(left, float) or isinstance(right, float):
        raise fail("E0405", "a range goes between whole numbers", expression.span, f"this is {left}..{right}")
    return range(left, right)


def _calculate(expression: s.Binary, left: Number, right: Number) -> Number:
    match expression.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        raise fail("E0407", "division by zero", expression.span, f"{left} {expression.operator} 0")
    if expression.operator == "%":
        return left % right
    if isinstance(left, int) and isinstance(right, int):
        if left % right:
            raise inexact(expression, left, right)
        return left // right
    return left / right


def inexact(expression: s.Binary, left: int, right: int) -> Failure:
    return fail(
        "E0407", "the division leaves a remainder", expression.span,
        f"{left} / {right} = {left // right}, remainder {left % right}",
        help="sizes are whole numbers; where rounding down is meant write `(a - a % b) / b`",
    )


def _checked(expression: s.Expression, value: Number) -> Number:
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise fail("E0504", "number too large", expression.span, "beyond 2^62")
    if not isfinite(value):
        raise fail("E0504", "number too large", expression.span, "beyond the range of floating-point numbers")
    return value


def index(expression: s.Index, base: object, at: object) -> object:
    """`list[i]`; negative indices count from the end."""
    if UNKNOWN in (base, at):
        return UNKNOWN
    if not isinstance(base, (tuple, range)):
        raise fail("E0412", "only a list has items", expression.base.span, f"this is {describe(base)}")
    if isinstance(at, bool) or not isinstance(at, int):
        raise fail("E0412", "an index is a whole number", expression.index.span, f"this is {describe(at)}")
    if not -len(base) <= at < len(base):
        raise fail("E0412", "no such item", expression.index.span, f"item {at} of a list of {len(base)}")
    return base[at]


def text(expression: s.Text, parts: list[object]) -> str:
    """A string from its parts."""
    for part, hole in zip(parts, expression.parts, strict=True):
        if not isinstance(part, (int, float, str)) and isinstance(hole, s.Expression):
            raise fail("E0405", "only numbers and strings go into a string", hole.span, f"this is {describe(part)}")
    joined = "".join(part if isinstance(part, str) else literal(part) for part in parts)
    if len(joined) > MAX_TEXT:
        raise fail("E0504", "string too long", expression.span, f"more than {MAX_TEXT} characters")
    return joined
