"""A module of PyTorch against the network made of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import convc
from convc import interpreter

RNG = np.random.default_rng(0)


class Several(nn.Module):
    """Functions of the inputs and modules of the first, all their results."""

    def __init__(self, *parts: Callable[..., Tensor] | nn.Module) -> None:
        super().__init__()
        self.inner = nn.ModuleList([part for part in parts if isinstance(part, nn.Module)])
        self.functions = [part for part in parts if not isinstance(part, nn.Module)]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (*(part(inputs[0]) for part in self.inner), *(function(*inputs) for function in self.functions))


def randomised(module: nn.Module) -> nn.Module:
    """In evaluation mode, with running statistics that are not the trivial ones."""
    torch.manual_seed(0)
    for part in module.modules():
        for name, tensor in [*part.named_buffers(recurse=False), *part.named_parameters(recurse=False)]:
            if tensor.is_floating_point() and tensor.dim() == 1:
                nn.init.uniform_(tensor, 0.5, 1.5) if name != "bias" else nn.init.uniform_(tensor, -1, 1)
    return module.eval()


def check(module: nn.Module, *inputs: Tensor) -> convc.Network:
    """The network gives torch's own results, in float64."""
    network = convc.from_torch(randomised(module), inputs)
    names = [value.name for value in network.graph.inputs]
    given = dict(zip(names, (tensor.numpy() for tensor in inputs), strict=True))
    results = interpreter.run(network.graph, given, network.weights).values()
    with torch.inference_mode():
        wanted = module.double()(*(tensor.double() for tensor in inputs))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(results) == len(wanted)
    for place, (result, expected) in enumerate(zip(results, wanted, strict=True)):
        np.testing.assert_allclose(result, expected.numpy(), rtol=1e-6, atol=1e-6, err_msg=str(place))
    return network


def normal(*shape: int) -> Tensor:
    return torch.from_numpy(RNG.standard_normal(shape).astype(np.float32))
