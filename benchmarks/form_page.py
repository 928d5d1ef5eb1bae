"""What `benchmarks/forms.py` measures of a form, and the page it writes."""

from __future__ import annotations

from dataclasses import dataclass

import onnxruntime
import torch


@dataclass
class Row:
    """Seconds of one form; those of a peer are None where it lacks the form."""

    form: str
    shape: str
    flops: int
    made: int
    twice: bool
    convc: float
    inside: float
    onnxruntime: float | None
    torch: float | None
    difference: float

    @property
    def peer(self) -> float | None:
        """The faster of the two."""
        return min((t for t in (self.onnxruntime, self.torch) if t is not None), default=None)


def shape_of(text: str) -> tuple[int, int, int]:
    c, h, w = map(int, text.split("x"))
    return c, h, w


PAGE = """# How fast every form is

Written by `benchmarks/forms.py`: {machine}, one thread, ONNX Runtime {onnxruntime} and PyTorch {torch} beside
convc in {runs}, each in turn. Every row is a network of one form, from and to arrays as the caller has them,
with equal weights and inputs; no two results differ by more than {difference:.0e} of the largest element. The
peak of the core was {low:.0f} to {high:.0f} GFLOP/s of independent multiply-adds. Times are milliseconds, the
fastest call of each side; *gain* is the faster of the two by convc's call.

Inside a network convc's images stay in blocks of channels, so *inside* is the time without bringing the
caller's arrays into blocks and back; *GFLOP/s* and *share* of the peak are those of *inside*, as the form is
written: where Winograd saves multiplications it exceeds the peak. A dash is a form that the other system lacks;
deformable convolution is not PyTorch's own but torchvision's.

Forms that should be at least twice as fast as the faster of the two are marked *2x*. Where one is not, *at
most* is what the machine allows: the time of the faster one by that of what convc computes, at the peak, and of the
call with the blocks that images are brought into and back, as measured. Where Winograd or Strassen is used that is
their products and the sums of their transforms, a sum counted as a multiply-add; loads and stores come on top.
"""

TITLES = (
    "| form | | convc | inside | ONNX Runtime | PyTorch | gain | GFLOP/s | share | at most |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)


def page(rows: list[Row], low: float, high: float, machine: str, runs: int) -> str:
    """Markdown: a table for each shape; `low` and `high` are the peaks before and after."""
    text = PAGE.format(
        machine=machine, runs="one run" if runs == 1 else f"{runs} runs",
        onnxruntime=onnxruntime.__version__, torch=torch.__version__.partition("+")[0],
        difference=max(row.difference for row in rows), low=low * 1e-9, high=high * 1e-9,
    )  # fmt: skip
    for shape in dict.fromkeys(row.shape for row in rows):
        c, h, w = shape_of(shape)
        text += f"\n## {c} channels over {h} x {w}\n\n{TITLES}"
        text += "".join(f"| {' | '.join(cells(row, high))} |\n" for row in rows if row.shape == shape)
    return text


def cells(row: Row, top: float) -> tuple[str, ...]:
    times = (row.convc, row.inside, row.onnxruntime, row.torch)
    peer, rate = row.peer, row.flops / row.inside
    short = row.twice and peer is not None and peer < 2 * row.convc
    least = row.made / top + row.convc - row.inside
    return (
        row.form, "2x" if row.twice else "", *(f"{1e3 * t:.3f}" if t else "-" for t in times),
        f"{peer / row.convc:.2f}" if peer else "-", f"{rate * 1e-9:.1f}" if row.flops else "",
        f"{rate / top:.0%}" if row.flops else "", f"{peer / least:.2f}" if short and peer else "",
    )  # fmt: skip
