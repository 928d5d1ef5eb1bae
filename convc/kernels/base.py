"""What a kernel is: one C template with frozen parameters.

A kernel instance is a frozen dataclass of everything its C depends on (shapes, strides, tile, epilogue); two equal
instances are one C function. It never holds pointers or offsets: those are arguments of the call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from convc.kernels.formula import Formula

#: Floats of a cache line.
LINE: Final = 16


class Packing(ABC):
    """How a constant is laid out for the kernel that reads it; a frozen dataclass."""

    @abstractmethod
    def size(self) -> int:
        """Elements (f32) of the packed form."""

    @abstractmethod
    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """The packed form, flat, of `size()` elements."""


class Kernel(ABC):
    """One C function `static void NAME(parameters..., int begin, int end)` over work items `[begin, end)`."""

    template: ClassVar[str]  # stem of templates/kernels/<stem>.c.j2

    @property
    def in_double(self) -> bool:
        """Whether a formula of it takes functions of runtime/convc_double.h."""
        return any(formula.in_double for formula in _formulas(self))

    @property
    def in_place(self) -> tuple[int, ...]:
        """Which operands the destination may be written over: at every place they are read before it is written."""
        return ()

    @property
    @abstractmethod
    def stem(self) -> str:
        """A readable C identifier for this instance, e.g. `conv_3x3_64x56x56_64`; codegen makes it unique."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[str, ...]:
        """Names of the C parameters, e.g. `("src", "weights", "bias", "dst")`.

        All but `dst*` and `scratch*` are const.
        """


def _formulas(part: Any) -> Iterator[Formula]:
    """Those of a kernel, and of what is part of it: the stage before a pointwise convolution has one of its own."""
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Formula):
            yield value
        elif is_dataclass(value):
            yield from _formulas(value)
