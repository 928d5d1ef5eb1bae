"""`torch.compile(model, backend="convc")`: graphs that Dynamo captures, compiled where they can be, else left to torch.

Why a graph stays in torch is logged (logger `convc.torch`). Weights are compiled in, so a graph whose weights change
afterwards is compiled again; where gradients are asked for, torch runs the graph itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from convc import driver
from convc.diagnostics import ConvcError
from convc.native.kernel import Kernel

_LOG = logging.getLogger("convc.torch")


def backend(graph_module: Any, example_inputs: Sequence[Any]) -> Callable[..., Any]:
    """What Dynamo calls with each graph it captured; found by the entry point `torch_dynamo_backends`."""
    region = _Region(graph_module, example_inputs)
    region.build(example_inputs)
    return region


class _Region:
    """A captured graph. `fixed` are the inputs that are weights; `versions` how often each had been written to."""

    def __init__(self, module: Any, example_inputs: Sequence[Any]) -> None:
        self.module = module
        placeholders = [node for node in module.graph.nodes if node.op == "placeholder"]
        self.fixed = [_is_weight(node, value) for node, value in zip(placeholders, example_inputs, strict=True)]
        self.kernel: Kernel | None = None
        self.versions: list[tuple[int, int]] = []
        self._told: set[str] = set()

    def build(self, values: Sequence[Any]) -> None:
        """Compile the graph with these weights; without a kernel afterwards where that cannot be."""
        import torch

        self.versions = self._versions(values)
        try:
            bound = _bound(self.module, values, self.fixed)
            free = [value for value, fixed in zip(values, self.fixed, strict=True) if not fixed]
            if not free:
                raise ConvcError("nothing in it depends on an input")
            if foreign := [v for v in values if not isinstance(v, torch.Tensor) or v.device.type != "cpu"]:
                raise ConvcError(f"it takes {_shown(foreign[0])}; convc takes tensors of this machine's memory")
            self.kernel = driver.compile(driver.from_torch(bound, free))
        except ConvcError as error:
            self.kernel = None
            self._tell(f"a graph of {_calls(self.module)} calls stays in torch: {error}")

    def __call__(self, *values: Any) -> Any:
        import torch

        if torch.is_grad_enabled() and any(getattr(value, "requires_grad", False) for value in values):
            self._tell("a graph stays in torch: gradients are asked for; call it under torch.no_grad()")
            return self.module.forward(*values)
        if self.versions != self._versions(values):
            self.build(values)
        if self.kernel is None:
            return self.module.forward(*values)
        free = [value.detach().numpy() for value, fixed in zip(values, self.fixed, strict=True) if not fixed]
        results = self.kernel(*free)
        return tuple(torch.from_numpy(array) for array in (results if isinstance(results, tuple) else (results,)))

    def _versions(self, values: Sequence[Any]) -> list[tuple[int, int]]:
        weights = [value for value, fixed in zip(values, self.fixed, strict=True) if fixed]
        return [(weight.data_ptr(), 0 if weight.is_inference() else weight._version) for weight in weights]

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            _LOG.warning(text)


def _is_weight(node: Any, value: Any) -> bool:
    """Whether an input of a captured graph is a parameter or a buffer of a module."""
    import torch

    static = getattr(value, "_dynamo_static_input_type", None)
    return isinstance(value, torch.nn.Parameter) or static is not None or "_buffers_" in node.name


def _bound(module: Any, values: Sequence[Any], fixed: Sequence[bool]) -> Any:
    """The graph as a module of its free inputs alone, its weights being buffers."""
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module
            for place, (value, is_fixed) in enumerate(zip(values, fixed, strict=True)):
                if is_fixed:
                    self.register_buffer(f"weight{place}", value.detach())

        def forward(self, *free: Any) -> Any:
            rest = iter(free)
            return self.inner(*(getattr(self, f"weight{i}") if f else next(rest) for i, f in enumerate(fixed)))

    return Graph().eval()


def _calls(module: Any) -> int:
    return sum(node.op.startswith("call") for node in module.graph.nodes)


def _shown(value: Any) -> str:
    return f"a tensor on {value.device}" if hasattr(value, "device") else repr(value)
