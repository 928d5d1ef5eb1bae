"""Which pass or kernel makes a network wrong: passes first, in the interpreter; then the library, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convc.ir.graph import Node
from convc.ir.op import Array
from convc.ir.printer import print_node
from convc.network import Network
from convc.options import Options
from convc.passes.base import Decision, Stages
from convc.passes.pipeline import run_pipeline
from convc.plan.lower import lower
from convc.plan.memory import overlaps
from convc.plan.program import Placed
from convc.trust.bound import SINGLE, Difference, output_key
from convc.trust.kernels import Library, NodeVerdict, check_kernels, run_library
from convc.trust.passes import Reference, Verdict, check_passes, guilty_node, inputs_for


@dataclass(frozen=True)
class Guilty:
    """The pass or kernel that is wrong, and the node where it shows; `decisions` are what the pass said of that node.

    `node` is None where a pass left no value of an old name to compare, and where memory is at fault.
    """

    what: str
    node: Node | None
    text: str
    decisions: tuple[Decision, ...] = ()

    @property
    def ir(self) -> list[str]:
        """The node as a dump has it, in lines."""
        return print_node(self.node).splitlines() if self.node else []


@dataclass(frozen=True)
class Findings:
    """All verdicts in the order they were reached, and the guilty; `outputs` and `nodes` are empty if a pass is."""

    passes: tuple[Verdict, ...]
    outputs: Mapping[str, Difference]
    nodes: tuple[NodeVerdict, ...]
    guilty: tuple[Guilty, ...]


def search(network: Network, options: Options, library: Library, inputs: Mapping[str, Array] | None = None) -> Findings:
    """The findings on these inputs; `library` compiles what the passes leave, for these options."""
    given = dict(inputs) if inputs is not None else inputs_for(network.graph)
    stages = run_pipeline(network.graph, options)
    verdicts = check_passes(stages, network.weights, given)
    wrong = next((number for number, verdict in enumerate(verdicts) if not verdict.agrees), None)
    if wrong is not None:
        return Findings(verdicts, {}, (), (_guilty_pass(stages, wrong + 1, verdicts[wrong], network, given),))
    clashes = overlaps(lower(stages.graph, options).memory)
    if clashes:
        return Findings(verdicts, {}, (), tuple(_clash(*pair) for pair in clashes))
    reference = Reference.of(network.graph, given, network.weights, SINGLE)
    results = {output_key(name): array for name, array in run_library(library(stages), given).items()}
    outputs = reference.compare_outputs(results)
    nodes = check_kernels(stages.graph, given, network.weights, library)
    guilty = [Guilty("kernel", n.node, str(n.difference)) for n in nodes if not n.difference.agrees]
    if not guilty:  # kernels that are right one by one: a result was overwritten before it was read
        wrong_outputs = {name: difference for name, difference in outputs.items() if not difference.agrees}
        guilty = [Guilty(f"memory on the way to {name}", None, str(d)) for name, d in wrong_outputs.items()]
    return Findings(verdicts, outputs, nodes, tuple(guilty))


def _clash(a: Placed, b: Placed) -> Guilty:
    text = f"{a.name} (steps {a.first} to {a.last}) and {b.name} (steps {b.first} to {b.last}) share bytes of the arena"
    return Guilty("memory plan", None, text)


def _guilty_pass(
    stages: Stages, number: int, verdict: Verdict, network: Network, inputs: Mapping[str, Array]
) -> Guilty:
    before, stage = stages.all[number - 1].graph, stages.all[number]
    found = guilty_node(before, stage.graph, inputs, network.weights)
    if found is None:
        return Guilty(f"pass {stage.name}", None, str(verdict.difference))
    node, difference = found
    about = tuple(decision for decision in stage.decisions if decision.node == node.name)
    return Guilty(f"pass {stage.name}", node, str(difference), about)
