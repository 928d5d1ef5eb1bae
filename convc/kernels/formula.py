"""Elementwise arithmetic inside a kernel: the epilogue of a convolution, or a kernel of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Numbers by dimension: n, (blocks of) channels, d, h, w.
Dims = tuple[int, int, int, int, int]

#: Functions that are zero where all their operands are.
ZERO_PRESERVING: Final = frozenset({
    "abs", "neg", "sign", "sqrt", "floor", "ceil", "round", "erf", "sin", "tan", "asin", "atan", "sinh", "asinh",
    "atanh", "tanh", "relu", "relu6", "leaky_relu", "prelu", "silu", "gelu", "gelu_tanh", "elu", "selu", "celu", "mish",
    "hard_swish", "softsign", "add", "sub", "minimum", "maximum", "not_equal", "less", "greater", "logical_and",
    "logical_or", "logical_xor", "where",
})  # fmt: skip

#: Functions that are zero where one operand is, given that the others are finite.
ANNIHILATING: Final = frozenset({"mul", "logical_and"})

#: Functions of runtime/convc_double.h.
IN_DOUBLE: Final = frozenset({
    "pow", "mod", "fmod", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One operation. `args` index the operands first, then the earlier terms; `attributes` are its numbers.

    In C it is `convc_<op>(args, attributes)`, but for plain arithmetic.
    """

    op: str
    args: tuple[int, ...]
    attributes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """How a kernel reads an operand of a formula.

    `mode` is `splat` (one float for all lanes), `block` (an aligned vector), `row` (a vector that begins anywhere) or
    `lanes` (floats `lane` apart, one by one: channels of a plain tensor, ragged ends). `strides` are floats per step of
    (n, block of channels, d, h, w), or of an elementwise kernel's loops; a broadcast dimension has stride 0.
    """

    mode: str
    strides: tuple[int, ...]
    lane: int = 1


@dataclass(frozen=True, slots=True)
class Formula:
    """Terms over operands; the value is the last term's (operand 0 when there are none).

    For an epilogue operand 0 is the accumulator and has no access; `accesses` belong to operands 1, 2, ... For an
    elementwise kernel all operands are read from memory.
    """

    operands: int = 1
    terms: tuple[Term, ...] = ()
    accesses: tuple[Access, ...] = ()

    @property
    def suffix(self) -> str:
        """What an epilogue adds to its kernel's name: `_add_relu`."""
        return "".join(f"_{term.op}" for term in self.terms)

    def parameters(self, name: str = "operand") -> tuple[str, ...]:
        """The C parameters for an epilogue's operands beside the accumulator: `operand1`, `operand2`, ..."""
        return tuple(f"{name}{i}" for i in range(1, self.operands))

    def spoils(self, channels: int, lanes: int) -> bool:
        """Whether the lanes past the last of `channels` must be cleared before they are stored."""
        return channels % lanes != 0 and not self.keeps_zero

    @property
    def keeps_zero(self) -> bool:
        """Whether the lanes past the last channel come out as zeros, as they came in."""
        # A splat fills them too; every other operand holds zeros there.
        zero = [True] * (self.operands - len(self.accesses)) + [access.mode != "splat" for access in self.accesses]
        for term in self.terms:
            args = [zero[arg] for arg in term.args]
            zero.append((term.op in ZERO_PRESERVING and all(args)) or (term.op in ANNIHILATING and any(args)))
        return zero[-1] if self.terms else True

    @property
    def gathers(self) -> bool:
        """Whether some operand is read float by float, and must not be read past its last channel."""
        return any(access.mode == "lanes" for access in self.accesses)

    @property
    def in_double(self) -> bool:
        """Whether it takes functions of runtime/convc_double.h."""
        return any(term.op in IN_DOUBLE for term in self.terms)

    def __str__(self) -> str:
        return " -> ".join(term.op for term in self.terms)


#: No term at all: the accumulator is the result.
IDENTITY: Final = Formula()
