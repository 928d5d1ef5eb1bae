"""Every pass against the source's own graph, in the interpreter, on the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convc.diagnostics import InternalError
from convc.interpreter import Lookup
from convc.ir.graph import Graph, Node
from convc.ir.op import Array
from convc.passes.base import Stages
from convc.trust.bound import DOUBLE, Difference, Values, compare, disturbed, expanded, output_key, values_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a pass did to the outputs: the worst of them; None where it left the graph as it was."""

    name: str
    output: str
    difference: Difference | None

    @property
    def agrees(self) -> bool:
        return self.difference is None or self.difference.agrees

    def record(self) -> dict[str, object]:
        """The verdict in JSON's types."""
        numbers = self.difference.record() if self.difference else {"agrees": True}
        return {"pass": self.name, "changed": self.difference is not None, "output": self.output} | numbers


def inputs_for(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Standard normal inputs, rounded to what the library can be given."""
    generator = np.random.default_rng(seed)
    return {v.name: generator.standard_normal(v.type.shape, np.float32).astype(np.float64) for v in graph.inputs}


@dataclass(frozen=True)
class Reference:
    """The source's graph on some data: every value of it, and of the disturbed runs that bound it."""

    graph: Graph
    inputs: Mapping[str, Array]
    weights: Lookup
    values: Values
    samples: tuple[Values, ...]
    unit: float

    @staticmethod
    def of(graph: Graph, inputs: Mapping[str, Array], weights: Lookup, unit: float = DOUBLE) -> Reference:
        return Reference(
            graph, inputs, weights, values_of(graph, inputs, weights), disturbed(graph, inputs, weights, unit), unit
        )

    def compare(self, name: str, got: Array) -> Difference:
        """The value called `name`, or (by its `output_key`) the output, computed in another way."""
        return compare(got, self.values[name], [sample[name] for sample in self.samples], self.unit)

    def compare_outputs(self, values: Mapping[str, Array]) -> dict[str, Difference]:
        """Every output, by its name."""
        keys = {output.name: output_key(output.name) for output in self.graph.outputs}
        return {name: self.compare(key, values[key]) for name, key in keys.items()}


def worst(found: Mapping[str, Difference]) -> str:
    """The name of the output that is furthest off."""
    return max(found, key=lambda name: (found[name].wrong > 0, found[name].error / (found[name].bound or 1.0)))


def check_passes(stages: Stages, weights: Lookup, inputs: Mapping[str, Array] | None = None) -> tuple[Verdict, ...]:
    """A verdict for every pass; the graph runs again only where a pass changed it."""
    source = stages.all[0].graph
    reference = Reference.of(source, inputs or inputs_for(source), weights)
    verdicts, before = [], source
    for stage in stages.all[1:]:
        changed = stage.graph is not before
        verdicts.append(_verdict(stage.name, stage.graph, reference) if changed else Verdict(stage.name, "", None))
        before = stage.graph
    return tuple(verdicts)


def _verdict(name: str, graph: Graph, reference: Reference) -> Verdict:
    found = reference.compare_outputs(values_of(graph, reference.inputs, reference.weights))
    output = worst(found)
    return Verdict(name, output, found[output])


def require(graph: Graph, verdicts: Sequence[Verdict]) -> None:
    """Raises `InternalError` where a pass changed what the network computes; it names the first."""
    for verdict in verdicts:
        if not verdict.agrees:
            raise InternalError(
                f"pass {verdict.name} changed what `{graph.name}` computes: output {verdict.output}: "
                f"{verdict.difference}; `convc bisect` names the node"
            )


def guilty_node(
    before: Graph, after: Graph, inputs: Mapping[str, Array], weights: Lookup
) -> tuple[Node, Difference] | None:
    """The first node after a pass whose result is not what the value of that name was before it.

    Only what outputs that differ depend on is looked at; None where all such values are new, or agree.
    """
    reference = Reference.of(before, inputs, weights)
    values = values_of(after, inputs, weights)
    failed = [name for name, difference in reference.compare_outputs(values).items() if not difference.agrees]
    for node in expanded(after).only(failed).nodes:
        for value in node.outputs:
            if value.name in reference.values and reference.values[value.name].shape == value.type.shape:
                difference = reference.compare(value.name, values[value.name])
                if not difference.agrees:
                    return node, difference
    return None
