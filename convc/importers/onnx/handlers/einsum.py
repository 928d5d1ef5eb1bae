"""Einstein sums of one or two operands: sums, a product of matrices, and axes in order."""

from __future__ import annotations

from math import prod

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined
from convc.ir.graph import Value


def einsum(call: Call) -> Value:
    """Letters of both operands and the result are a batch, letters of both alone are summed in the product, letters of
    one operand alone are summed before it or are its rows or columns."""
    ranks = [len(call.tensor(place).shape) for place in range(len(call.inputs))]
    terms, result = _parsed(call.attribute("equation", ""), ranks)
    values = [call.value(place) for place in range(len(terms))]
    extents = {letter: n for term, value in zip(terms, values, strict=True)
               for letter, n in zip(term, value.type.shape, strict=True)}  # fmt: skip
    if len(values) == 1:
        kept = _summed(call, values[0], terms[0], result)
        return _ordered(call, kept, [letter for letter in terms[0] if letter in result], result)
    (left, right), (a, b) = terms, values
    batch = [letter for letter in left if letter in right and letter in result]
    inner = [letter for letter in left if letter in right and letter not in result]
    rows = [letter for letter in left if letter not in right and letter in result]
    columns = [letter for letter in right if letter not in left and letter in result]
    a = _matrix(call, a, left, (batch, rows, inner), extents)
    b = _matrix(call, b, right, (batch, inner, columns), extents)
    letters = [*batch, *rows, *columns]
    product = call.reshaped(call.inner("matmul", a, b), tuple(extents[letter] for letter in letters))
    return _ordered(call, product, letters, result)


def _parsed(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; `...` stands for capital letters that are not used."""
    text = equation.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or len(terms) > 2:
        raise Declined(f"`{equation}` has {len(terms)} operands; one or two are taken")
    free = [letter for letter in "ZYXWVUTSRQ" if letter not in text]
    open_ranks = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    widest = max([rank for rank, term in zip(open_ranks, terms, strict=True) if "..." in term], default=0)
    if min(open_ranks) < 0 or widest > len(free):
        raise Declined(f"`{equation}` does not fit operands of {ranks} dimensions")
    dots = "".join(free[:widest])
    terms = [term.replace("...", dots[widest - rank :] if rank else "") for term, rank in
             zip(terms, open_ranks, strict=True)]  # fmt: skip
    every = "".join(terms)
    single = "".join(sorted(letter for letter in set(every) - set(dots) if every.count(letter) == 1))
    result = result.replace("...", dots) if arrow else dots + single
    fits = all(len(term) == rank == len(set(term)) for term, rank in zip(terms, ranks, strict=True))
    if not fits or not set(result) <= set(every) or len(set(result)) < len(result):
        raise Declined(f"`{equation}` names an axis twice, or does not fit operands of {ranks} dimensions")
    return terms, result


def _summed(call: Call, x: Value, term: str, kept: str) -> Value:
    """Without the axes that nothing else names."""
    gone = tuple(axis for axis, letter in enumerate(term) if letter not in kept)
    return call.inner("reduce_sum", x, axes=gone, keepdims=False) if gone else x


def _matrix(call: Call, x: Value, term: str, groups: tuple[list[str], ...], extents: dict[str, int]) -> Value:
    """[batch, first, second], the letters of each group as one axis."""
    batch, first, second = groups
    wanted = [*batch, *first, *second]
    x = _summed(call, x, term, "".join(wanted))
    present = [letter for letter in term if letter in wanted]
    order = tuple(present.index(letter) for letter in wanted)
    if order != tuple(range(len(order))):
        x = call.inner("transpose", x, order=order)
    return call.reshaped(x, tuple(prod(extents[letter] for letter in group) for group in groups))


def _ordered(call: Call, x: Value, letters: list[str], result: str) -> Value:
    if not result:
        return call.emit("reshape", x, shape=())
    return call.emit("transpose", x, order=tuple(letters.index(letter) for letter in result))


HANDLERS = {"Einsum": einsum}
