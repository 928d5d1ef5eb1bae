"""A convolution problem as one line that a person can read, write and run again.

    n1 g1 ic64 oc64 ih56 iw56 kh3 kw3 sh1 sw1 dh1 dw1 ph1,1 pw1,1 bias relu

Sizes are called as oneDNN calls them: batch, groups, channels, input, kernel, stride, dilation, padding (before, after)
and, for transposed convolutions, what is added to the result (`oh`). Axes are `d`, `h`, `w`: an image of one spatial
axis has only those of `w`. Left out, a size is 1, padding 0, an end's padding its beginning's. The words are
`transposed`, `bias`, and what follows the convolution: `relu`, `relu6`, or `add`, a second input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

Numbers = tuple[int, ...]

WORDS = ("transposed", "bias", "relu", "relu6", "add")


@dataclass(frozen=True)
class Problem:
    """See the module docstring; tuples have a number per spatial axis, `pad` those before and then those after."""

    n: int
    groups: int
    ic: int
    oc: int
    size: Numbers
    kernel: Numbers
    stride: Numbers
    dilation: Numbers
    pad: Numbers
    output_pad: Numbers
    words: tuple[str, ...] = ()

    @staticmethod
    def of(line: str) -> Problem:
        """The problem that `line` says."""
        sizes: dict[str, Numbers] = {}
        words = []
        for token in line.split():
            found = re.fullmatch(r"([a-z]+)(\d+(?:,\d+)?)", token) if token not in WORDS else None
            if found:
                sizes[found[1]] = tuple(map(int, found[2].split(",")))
            else:
                words.append(token)
        axes = [axis for axis in "dhw" if f"i{axis}" in sizes]
        known = {f"{name}{axis}" for name in "iksdpo" for axis in axes} | {"n", "g", "ic", "oc"}
        unknown = [*(sizes.keys() - known), *(word for word in words if word not in WORDS)]
        assert not unknown and axes, f"unknown: {unknown}, or no spatial axis, in: {line}"

        def numbers(name: str, default: int) -> Numbers:
            return tuple(sizes.get(f"{name}{axis}", (default,))[0] for axis in axes)

        after = tuple(sizes.get(f"p{axis}", (0,))[-1] for axis in axes)
        n, groups, ic, oc = (sizes.get(name, (1,))[0] for name in ("n", "g", "ic", "oc"))
        return Problem(
            n, groups, ic, oc, numbers("i", 1), numbers("k", 1), numbers("s", 1), numbers("d", 1),
            numbers("p", 0) + after, numbers("o", 0), tuple(words),
        )  # fmt: skip

    def __str__(self) -> str:
        axes = "dhw"[3 - len(self.size) :]
        parts = [f"n{self.n}", f"g{self.groups}", f"ic{self.ic}", f"oc{self.oc}"]
        named = (("i", self.size), ("k", self.kernel), ("s", self.stride), ("d", self.dilation), ("o", self.output_pad))
        for name, numbers in named:
            default = {"i": 0, "k": 0, "o": 0}.get(name, 1)
            parts += [f"{name}{axis}{number}" for axis, number in zip(axes, numbers, strict=True) if number != default]
        ends = zip(axes, self.pad[: len(axes)], self.pad[len(axes) :], strict=True)
        parts += [f"p{axis}{before}" + (f",{after}" if after != before else "") for axis, before, after in ends]
        return " ".join([*(part for part in parts if part not in ("pd0", "ph0", "pw0")), *self.words])

    @property
    def transposed(self) -> bool:
        return "transposed" in self.words

    @property
    def terms(self) -> int:
        """Products in the largest sum, the bias and an added operand counted."""
        taps = 1
        for extent in self.kernel:
            taps *= extent
        return self.ic // self.groups * taps + 2

    @property
    def shape(self) -> Numbers:
        return (self.n, self.ic, *self.size)

    def call(self, x: str) -> str:
        """The convolution in the language."""
        fields = {"stride": self.stride, "pad": self.pad, "dilation": self.dilation}
        if self.transposed:
            fields["output_pad"] = self.output_pad
        given = ", ".join(f"{name} = {list(numbers)}" for name, numbers in fields.items())
        op = "conv_transpose" if self.transposed else "conv"
        bias = "true" if "bias" in self.words else "false"
        return f"{op}({x}, {self.oc}, {list(self.kernel)}, {given}, groups = {self.groups}, bias = {bias})"


def lines_of(path: Path) -> list[str]:
    """The problems of a file: a line each; what follows `#` is a comment."""
    stripped = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in stripped if line]
