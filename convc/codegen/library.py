"""The library's own unit: a function per step, the table of steps, the public functions; and its header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from convc import __version__
from convc.codegen.environment import environment
from convc.ir.op import Cost
from convc.ir.printer import print_node
from convc.kernels.base import Kernel
from convc.options import Options
from convc.plan.program import Address, Program, Segment, Space, Step

#: Work below which waking other threads costs more than it saves: 20 microseconds at the rates below.
SERIAL_SECONDS: Final = 20e-6
FLOPS_PER_SECOND: Final = 50e9
BYTES_PER_SECOND: Final = 20e9

_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class StepText:
    """What the template prints of one step."""

    step: Step
    function: str
    kernel: str
    arguments: tuple[tuple[str, str], ...]  # the kernel's parameter, and the pointer for it
    serial: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SegmentText:
    """What the template prints of a segment."""

    segment: Segment
    serial: bool


def render_library(program: Program, options: Options, kernel_names: Mapping[Kernel, str]) -> str:
    """The C of the main unit."""
    steps = [_text(number, step, kernel_names[step.kernel]) for number, step in enumerate(program.steps)]
    template = environment().get_template("library.c.j2")
    segments = [SegmentText(s, are_serial(program.steps[s.first : s.end])) for s in program.segments]
    shared = sum(not step.serial for step in steps)
    portions = any(s.segment.portions > 1 and not s.serial for s in segments)
    return template.render(
        p=program, N=program.name.upper(), steps=steps, segments=segments, shared=shared, portions=portions,
        version=__version__,
    )  # fmt: skip


def render_header(program: Program) -> str:
    """The public header."""
    template = environment().get_template("header.h.j2")
    return template.render(p=program, N=program.name.upper(), version=__version__)


def render_weights(program: Program) -> str:
    """The unit that holds the packed weights."""
    return environment().get_template("weights.c.j2").render(p=program)


def is_serial(step: Step) -> bool:
    """Whether a step is too small to be shared among threads."""
    return step.items == 1 or _seconds(step) < SERIAL_SECONDS


def are_serial(steps: Sequence[Step]) -> bool:
    """Whether the portions of a segment are too small to be shared, all of them."""
    return sum(_seconds(step) * step.portions for step in steps) < SERIAL_SECONDS


def _seconds(step: Step) -> float:
    """About what one call of a step takes one thread."""
    inputs, outputs = [v.type for v in step.node.inputs], [v.type for v in step.node.outputs]
    cost: Cost = step.node.op.cost(inputs, outputs)
    moved = sum(type.bytes for type in (*inputs, *outputs))
    return max(cost.flops / FLOPS_PER_SECOND, moved / BYTES_PER_SECOND)


def _text(number: int, step: Step, kernel: str) -> StepText:
    name = re.sub(r"\W+", "_", step.name, flags=re.ASCII)[:_LONGEST_NAME]
    pointers = [_pointer(a, is_written(p)) for a, p in zip(step.arguments, step.kernel.parameters, strict=True)]
    return StepText(
        step,
        f"step_{number:03d}_{name}",
        kernel,
        tuple(zip(step.kernel.parameters, pointers, strict=True)),
        is_serial(step),
        tuple(print_node(step.node).splitlines()),
    )


def is_written(parameter: str) -> bool:
    """Whether a kernel writes what its C parameter of this name points to."""
    return parameter.startswith(("dst", "scratch"))


def _pointer(address: Address, written: bool) -> str:
    match address.space:
        case Space.INPUT | Space.OUTPUT:
            side = "inputs" if address.space is Space.INPUT else "outputs"
            offset = f" + {address.offset // 4}" if address.offset else ""
            return f"f->{side}[{address.index}]{offset}{_step_of_portion(address.stride // 4)}"
        case Space.WEIGHTS:
            return f"(const float *)(f->weights + {address.offset})"
        case Space.ARENA | Space.PORTION | Space.SCRATCH:
            place = f"f->{address.space.value} + {address.offset}{_step_of_portion(address.stride)}"
            return f"({'' if written else 'const '}float *)({place})"
        case Space.NONE:
            return "NULL"


def _step_of_portion(stride: int) -> str:
    """What is added to a pointer to all images for those of the portion that is run."""
    return f" + (size_t)f->number * {stride}" if stride else ""
