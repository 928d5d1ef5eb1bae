"""Why the compiler did what it did: the passes' decisions, beside the source lines they are about.

    resnet50.conv:17: y = bn(conv(y, 4 * width, 1))
        did   fold-batch-norm     layer1.0.bn3: folded into the weights of layer1.0.conv3
        left  fuse-epilogue       layer1.0.bn3: not fused further: ...

What a standard block holds is told at the line that calls it, with the block's own place behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from convc.diagnostics import Span
from convc.passes.base import Decision
from convc.plan.program import Program, Segment


def kernel_decisions(program: Program) -> tuple[Decision, ...]:
    """The choice of each step's kernel, as a decision of `choose-kernels`; of a batch, also its images at a time."""
    return tuple(
        Decision("choose-kernels", step.name, step.node.span, True, f"{step.kernel.stem}: {step.reason}{times}")
        for segment, times in zip(program.segments, map(_times, program.segments), strict=True)
        for step in program.steps[segment.first : segment.end]
    )


def _times(segment: Segment) -> str:
    if segment.portions == 1:
        return ""
    images = f"{segment.images} image{'s' if segment.images > 1 else ''}"
    return f"; for {images} at a time, {segment.portions} times"


def segment_lines(program: Program) -> list[str]:
    """A line on each segment of a batch; none where all of it runs at once."""
    return [_line_on(segment) for segment in program.segments] if program.segments[1:] or program.portion_bytes else []


def _line_on(segment: Segment) -> str:
    steps = f"steps {segment.first} to {segment.end - 1}"
    if segment.portions == 1:
        return f"{steps}: all images at once"
    own = f"{segment.bytes:,} bytes of a portion's own from {segment.offset:,}, as many for every further thread"
    return f"{steps}: {segment.images} at a time, {segment.portions} times; {own}"


def explain(decisions: Iterable[Decision]) -> str:
    """The decisions grouped by the line of the source they are about, in its order; those without one come last."""
    ordered = sorted(decisions, key=lambda decision: _order(decision.span))  # stable: passes stay in their order
    return "\n".join(line for _, group in groupby(ordered, lambda d: _line(d.span)) for line in _group(list(group)))


def _order(span: Span | None) -> tuple[bool, str, int]:
    return (span is None, span.source.name if span else "", span.line if span else 0)


def _line(span: Span | None) -> tuple[str, int] | None:
    return (span.source.name, span.line) if span else None


def _group(decisions: list[Decision]) -> Iterator[str]:
    span = decisions[0].span
    yield f"{span.source.name}:{span.line}: {_text(span)}" if span else "not from the source:"
    width = max(len(decision.pass_name) for decision in decisions)
    for decision in decisions:
        mark = "did " if decision.applied else "left"
        inside = f" ({decision.span.inside})" if decision.span and decision.span.inside else ""
        yield f"    {mark}  {decision.pass_name:<{width}}  {decision.node}: {decision.text}{inside}"


def _text(span: Span) -> str:
    """The line itself, its control characters made harmless."""
    lines = span.source.lines
    text = lines[span.line - 1].strip() if span.line <= len(lines) else ""
    return "".join(c if c.isprintable() else " " for c in text)
