"""What each layer could take at best on this machine, and what the cost model expected of it.

    bound = max(2 * macs / peak, weights / memory + activations / cache)

`macs` are those of the layer as written, so a Winograd convolution may take less than its bound. Weights of a network
too large for the shared cache come from memory at every run, others and activations count at the second-level cache's
rate: it is a bound below, not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

from convc.inspect.table import calls_of_nodes, rows
from convc.ir.op import members
from convc.kernels.conv_direct import ConvDirect
from convc.kernels.strassen import Strassen
from convc.kernels.winograd import Winograd
from convc.native.peak import Limits
from convc.ops.conv import Conv
from convc.options import Options
from convc.plan.candidate import DIRECT, Candidate
from convc.plan.choose import cycles
from convc.plan.machine import MACHINES
from convc.plan.problem import problem_of
from convc.plan.program import Program, Space, Step


@dataclass(frozen=True, slots=True)
class Bound:
    """Seconds at best, and those expected: None where no model says."""

    seconds: float
    expected: float | None


def bounds(program: Program, limits: Limits, options: Options) -> list[Bound]:
    """A bound for every step of `program`, run by as many threads as `limits` are of."""
    packed = {weight.offset: weight for weight in program.weights}
    constants = {weight.value.name for weight in program.weights}
    far = program.weights_bytes > MACHINES[options.target.registers].third_level
    weights_rate = limits.memory if far else limits.cache
    found = []
    for step, row, calls in zip(program.steps, rows(program), calls_of_nodes(program), strict=True):
        weights = sum(packed[a.offset].bytes for a in step.arguments if a.space is Space.WEIGHTS) * step.portions
        values = {value.name: value.type.bytes for value in (*step.node.inputs, *step.node.outputs)}
        activations = sum(size for name, size in values.items() if name not in constants) * step.portions / calls
        moved = weights / weights_rate + activations / limits.cache
        found.append(Bound(max(2 * row.macs / limits.flops, moved), _expected(step, limits, options)))
    return found


def _expected(step: Step, limits: Limits, options: Options) -> float | None:
    """Seconds by the model that chooses algorithms, which counts cycles: of a convolution with its own kernel."""
    anchor, kernel = members(step.node)[0], step.kernel
    match kernel:
        case Winograd() if isinstance(anchor.op, Conv):
            candidate = Candidate((kernel.schemes[0].outputs, kernel.schemes[1].outputs), kernel.block)
        case Strassen() if isinstance(anchor.op, Conv):
            candidate = Candidate(block=kernel.chunk, levels=kernel.levels)
        case ConvDirect() if isinstance(anchor.op, Conv):
            candidate = DIRECT
        case _:
            return None
    target = options.target
    frequency = limits.flops / options.threads / (2 * target.lanes * MACHINES[target.registers].rate)
    problem = problem_of(anchor, step.node.outputs[0].type, options, 1)  # the choice has been made
    return step.portions * cycles(problem, candidate) / frequency
