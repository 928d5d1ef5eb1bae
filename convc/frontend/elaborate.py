"""Syntax tree to graph: finds the network of a file, gives it its parameters and runs its body.

Guarantees to the next stage: a graph whose types are inferred and whose written types hold, every name unique.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from convc.diagnostics import CompileError, Diagnostic, Source, Span
from convc.frontend import syntax as s
from convc.frontend.failure import Failure, Halt, did_you_mean, fail, fault
from convc.frontend.state import Scope, is_unknown
from convc.frontend.statements import Results, Statements
from convc.frontend.values import UNKNOWN, Module, describe
from convc.ir import Graph, Output, Value, fresh_name


def elaborate(
    file: s.File, module: Module, source: Source, parameters: Mapping[str, object], earlier: list[Diagnostic]
) -> Graph:  # fmt: skip
    """The graph of the file's only network. Raises `CompileError` with `earlier` and all new diagnostics."""
    elaboration = Elaboration()
    graph: Graph | None = None
    network = None
    try:
        network = _find_network(file, source, bool(earlier))
        if network is not None:
            graph = elaboration.network(network, module, parameters)
    except Halt as halt:
        elaboration.diagnostics.append(halt.diagnostic)
    except Failure as failure:
        elaboration.diagnostics.append(failure.diagnostic)
    except RecursionError:
        place = network.span if network is not None else file.span
        elaboration.diagnostics.append(fault("E0104", "nested too deeply", place, "Python's stack is used up"))
    found = sorted([*earlier, *dict.fromkeys(elaboration.diagnostics)], key=_position)
    if found or graph is None:
        raise CompileError(found)
    return graph


def _position(diagnostic: Diagnostic) -> tuple[str, int, int]:
    if diagnostic.label is None:
        return ("", 0, 0)
    span = diagnostic.label.span
    return (span.source.name, span.line, span.column)


def _find_network(file: s.File, source: Source, broken: bool) -> s.NetworkSyntax | None:
    networks = [definition for definition in file.definitions if isinstance(definition, s.NetworkSyntax)]
    if len(networks) > 1:
        raise fail("E0207", "a file holds one network", networks[1].name.span, "the second one",
                   help="move it into a file of its own; shared blocks are imported")  # fmt: skip
    if not networks and not broken:
        start = Span(source, 1, 1, 1, 1)
        raise fail("E0207", "no network in this file", start, "blocks alone cannot be built",
                   help="add `network name(x: f32[1, 3, 224, 224]) { ... }`")  # fmt: skip
    return networks[0] if networks else None


class Elaboration(Statements):
    """One run of the front end over one network."""

    def network(self, network: s.NetworkSyntax, module: Module, parameters: Mapping[str, object]) -> Graph | None:
        """The graph; `None` if something was reported."""
        scope = Scope(module)
        self._bind_header(scope, network, parameters)
        inputs = tuple(v for v in (scope.variables[p.name.text] for p in network.params) if isinstance(v, Value))
        results = self.run(scope, network.body)
        if results is None:
            raise fail("E0208", "the network returns nothing", network.name.span, "no `return` was reached",
                       help="end it with `return x`")  # fmt: skip
        outputs = self._outputs(results)
        if self.diagnostics:
            return None
        weights, nodes = tuple(self.parameters.values()), tuple(self.nodes)
        return Graph(network.name.text, inputs, weights, nodes, outputs, tuple(self.ignored))

    def _bind_header(self, scope: Scope, network: s.NetworkSyntax, given: Mapping[str, object]) -> None:
        plain = [param for param in network.params if param.type is None]
        names = [param.name.text for param in plain]
        for name in given:
            if name not in names:
                known = ", ".join(f"`{known}`" for known in names)
                raise fail(
                    "E0601", f"`{network.name.text}` has no parameter `{name}`", network.name.span,
                    did_you_mean(name, names), help=f"there are {known}" if known else "it has none",
                )
        for param in plain:
            self._attempt(scope, param, partial(self._parameter_value, scope, param, given))
        for param in network.params:
            if param.type is not None:
                self._attempt(scope, param, partial(self._input, scope, param))

    def _attempt(self, scope: Scope, param: s.Param, make: Callable[[], object]) -> None:
        try:
            scope.bind(param.name.text, make())
        except Halt:
            raise
        except Failure as failure:
            self.report(failure.diagnostic, scope)
            scope.bind(param.name.text, UNKNOWN)

    def _parameter_value(self, scope: Scope, param: s.Param, given: Mapping[str, object]) -> object:
        name = param.name.text
        default = self.evaluate(scope, param.default) if param.default is not None else None
        if name not in given:
            if param.default is None:
                raise fail("E0603", f"the parameter `{name}` has no value", param.name.span, "neither default nor type",
                           help=f"write `{name} = 10`, or `{name}: f32[1, 3, 224, 224]` for an input")  # fmt: skip
            return default
        value = _from_outside(given[name])
        fits = default is None or type(value) is type(default) or (type(value), type(default)) == (int, float)
        if value is UNKNOWN or not fits:
            usual = f"the default is {describe(default)}"
            raise fail("E0602", f"`{name}` cannot be {given[name]!r}", param.span, usual)
        return value

    def _input(self, scope: Scope, param: s.Param) -> object:
        assert param.type is not None
        if param.default is not None:
            raise fail("E0405", "an input has no default", param.default.span, f"`{param.name.text}` is a tensor")
        type = self.type(scope, param.type)
        if type is None:
            return UNKNOWN
        if -1 in type.shape:
            raise fail("E0405", "an input needs its whole shape", param.type.span, "`_` is for checks only")
        self.taken.add(param.name.text)
        return Value(param.name.text, type)

    def _outputs(self, results: Results) -> tuple[Output, ...]:
        outputs: dict[str, Output] = {}
        for result, value in results:
            if is_unknown(value):
                continue
            for one in value if isinstance(value, tuple) else (value,):
                if not isinstance(one, Value):
                    self.report(fault("E0405", "a network returns tensors", result.span, f"this is {describe(one)}"))
                    continue
                name = self._output_name(result)
                if name in outputs and result.name is not None:
                    self.report(fault("E0210", f"two outputs are called `{name}`", result.span, "the second one"))
                name = fresh_name(name, outputs)
                outputs[name] = Output(name, one)
        return tuple(outputs.values())

    @staticmethod
    def _output_name(result: s.Result) -> str:
        if result.name is not None:
            return result.name.text
        return result.value.text.rpartition(".")[2] if isinstance(result.value, s.Name) else "output"


def _from_outside(value: object) -> object:
    """A parameter given from Python or the command line as a value of the language; `UNKNOWN` if it cannot be one."""
    if isinstance(value, (list, tuple)):
        items = tuple(_from_outside(item) for item in value)
        return UNKNOWN if is_unknown(*items) else items
    return value if isinstance(value, (bool, int, float, str)) else UNKNOWN


