"""The forms of convolution, a small `.conv` file each in `examples/forms`: `docs/forms.md` explains them.

Each takes `channels` and the extents of its input as parameters and gives back as many channels, so that they can be
compared. The comment at the head of a file says what the form is, where it comes from, and in which dimension it acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from convc import resources

#: In the order of the page; the first is what the others are compared with.
NAMES: Final = (
    "plain", "multi_branch", "dilated", "depthwise_separable", "deformable", "squeeze_excitation", "causal_gated",
    "transposed", "spatially_separable", "grouped", "group_shuffle", "bottleneck",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its file, what it is in a sentence or two, and in which dimension it acts."""

    name: str
    path: Path
    title: str
    acts_in: str

    def parameters(self, channels: int, height: int, width: int) -> dict[str, object]:
        """The network's parameters for a map of this size; a form over one axis takes as many pixels in a row."""
        if self.name == "causal_gated":
            return {"channels": channels, "length": height * width}
        return {"channels": channels, "height": height, "width": width}


def forms() -> tuple[Form, ...]:
    """All forms, in the order of the page."""
    return tuple(_read(resources.forms() / f"{name}.conv") for name in NAMES)


def _read(path: Path) -> Form:
    """The comment at the head of a file: a title of one or two lines, then what it acts in."""
    lines = [line.removeprefix("# ") for line in path.read_text().splitlines() if line.startswith("# ")]
    mark = "acts in: "
    place = next(i for i, line in enumerate(lines) if line.startswith(mark))
    return Form(path.stem, path, " ".join(lines[:place]), lines[place].removeprefix(mark))
