"""Program -> C: a unit per kernel, the header that declares them, and the library's own unit and header."""

from __future__ import annotations

from convc.codegen.emitted import Emitted, Unit
from convc.codegen.environment import environment
from convc.codegen.library import is_written, render_header, render_library, render_weights
from convc.ir.graph import fresh_name
from convc.kernels.base import Kernel
from convc.options import Options
from convc.plan.program import Program


def emit(program: Program, options: Options) -> Emitted:
    """The C of `program`; equal programs give equal bytes."""
    names = kernel_names(program)
    units = [Unit(f"{name}.c", _render_kernel(program, kernel, name)) for kernel, name in names.items()]
    units.append(Unit(f"{program.name}.c", render_library(program, options, names)))
    units.append(Unit("weights.c", render_weights(program)))
    declarations = environment().get_template("kernels.h.j2").render(
        network=program.name, kernels=[(name, signature(kernel)) for kernel, name in names.items()]
    )
    return Emitted(
        program.name, tuple(units), (Unit("kernels.h", declarations),), f"{program.name}.h", render_header(program)
    )


def kernel_names(program: Program) -> dict[Kernel, str]:
    """A C name for every distinct kernel, in order of first use: `<network>_<stem>`, numbered where stems meet."""
    names: dict[Kernel, str] = {}
    taken: set[str] = set()
    for step in program.steps:
        if step.kernel not in names:
            name = fresh_name(f"{program.name}_{step.kernel.stem}", taken)
            names[step.kernel] = name
            taken.add(name)
    return names


def signature(kernel: Kernel) -> str:
    """The C parameters of a kernel; only destinations and scratch are written.

    All are `restrict` but for a destination that may lie over an operand, and that operand.
    """
    shared = {"dst", *(kernel.parameters[i] for i in kernel.in_place)} if kernel.in_place else set()
    pointers = [
        f"{'float' if is_written(name) else 'const float'} *{'' if name in shared else 'restrict '}{name}"
        for name in kernel.parameters
    ]
    return ", ".join([*pointers, "int begin", "int end"])


def _render_kernel(program: Program, kernel: Kernel, name: str) -> str:
    steps = [step for step in program.steps if step.kernel == kernel]
    template = environment().get_template("unit.c.j2")
    return template.render(k=kernel, name=name, network=program.name, steps=steps, signature=signature(kernel))
