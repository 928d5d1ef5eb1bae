"""An ONNX model run by PyTorch, op by op (eager) or compiled (Inductor), images in its fastest layout (channels last).

Covers what networks for images are made of; an op that is missing is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from convc.bench.peers import Arrays, Run

Attributes = Mapping[str, Any]
Function = Callable[[list[Any], Attributes], Any]


def torch_run(path: Path, compiled: bool) -> Run:
    """A function that runs the model, `compiled` by Inductor when it is first called, or op by op.

    Raises:
        ValueError: It has an op that is not covered.
    """
    import onnx
    import torch
    from onnx import numpy_helper

    graph = _without_shape_arithmetic(path)
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            weights[node.output[0]] = torch.from_numpy(numpy_helper.to_array(node.attribute[0].t).copy())
    weights = {name: _channels_last(tensor) for name, tensor in weights.items()}
    steps = []
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        if node.op_type not in FUNCTIONS:
            raise ValueError(f"no {node.op_type} here for PyTorch; it can be raced without")
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        steps.append((FUNCTIONS[node.op_type], list(node.input), list(node.output), attributes))
    names = [value.name for value in graph.input if value.name not in weights]
    results = [value.name for value in graph.output]
    last = {name: number for number, (_, inputs, _, _) in enumerate(steps) for name in inputs}

    def forward(*images: Any) -> list[Any]:
        known = dict(zip(names, map(_channels_last, images), strict=True))
        for number, (function, inputs, outputs, attributes) in enumerate(steps):
            operands = [weights[i] if i in weights else known[i] if i else None for i in inputs]
            made = function(operands, attributes)
            known.update(zip(outputs, made if isinstance(made, (tuple, list)) else (made,), strict=False))
            for name in inputs:
                if last[name] == number and name not in results:
                    known.pop(name, None)
        return [known[name] for name in results]

    made: list[Function] = [] if compiled else [forward]

    def run(arrays: Arrays) -> Arrays:
        images = [torch.from_numpy(array) for array in arrays]
        with torch.no_grad():
            if not made:
                made.append(_inductor(forward, images))
            return [result.numpy() for result in made[0](*images)]

    return run


def _without_shape_arithmetic(path: Path) -> Any:
    """The model's graph as convc reads it: what follows from shapes and constants is done."""
    from convc.exporters.onnx import export_model
    from convc.importers.onnx import import_model

    imported = import_model(path)
    return export_model(imported.graph, imported.arrays).graph


def _inductor(forward: Callable[..., Any], images: list[Any]) -> Callable[..., Any]:
    """`forward` for images like these, compiled by PyTorch, its weights constants that may be laid out again."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    torch._inductor.config.freezing = True
    fast: Callable[..., Any] = torch.compile(make_fx(forward)(*images))
    return fast


def _channels_last(tensor: Any) -> Any:
    import torch

    return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _padded(x: Any, attributes: Attributes, value: float) -> tuple[Any, list[int]]:
    """The image, and its padding where both sides have the same; where not, padded first."""
    from torch.nn import functional

    rank = x.ndim - 2
    pads = list(attributes.get("pads", [0] * 2 * rank))
    if pads[:rank] == pads[rank:]:
        return x, pads[:rank]
    sides = [side for axis in reversed(range(rank)) for side in (pads[axis], pads[rank + axis])]
    return functional.pad(x, sides, value=value), [0] * rank


def _conv(o: list[Any], a: Attributes) -> Any:
    import torch

    x, pad = _padded(o[0], a, 0.0)
    ones = [1] * (x.ndim - 2)
    function = (torch.conv1d, torch.conv2d, torch.conv3d)[x.ndim - 3]
    bias = o[2] if len(o) > 2 else None
    return function(x, o[1], bias, a.get("strides", ones), pad, a.get("dilations", ones), a.get("group", 1))


def _max_pool(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    x, pad = _padded(o[0], a, float("-inf"))
    ones = [1] * (x.ndim - 2)
    function = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[x.ndim - 3]
    strides, dilations = a.get("strides", ones), a.get("dilations", ones)
    return function(x, list(a["kernel_shape"]), list(strides), pad, list(dilations), bool(a.get("ceil_mode", 0)))


def _avg_pool(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    x, pad = _padded(o[0], a, 0.0)
    function = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[x.ndim - 3]
    include = bool(a.get("count_include_pad", 0))
    strides = list(a.get("strides", [1] * (x.ndim - 2)))
    return function(x, list(a["kernel_shape"]), strides, pad, bool(a.get("ceil_mode", 0)), include)


def _global_pool(o: list[Any], a: Attributes) -> Any:
    return o[0].mean(dim=list(range(2, o[0].ndim)), keepdim=True)


def _gemm(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    weight = o[1] if a.get("transB") else o[1].T
    return functional.linear(o[0].T if a.get("transA") else o[0], weight, o[2] if len(o) > 2 else None)


def _norm(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    return functional.batch_norm(o[0], o[3], o[4], o[1], o[2], False, 0.0, a.get("epsilon", 1e-5))


def _clip(o: list[Any], a: Attributes) -> Any:
    low, high = [*o[1:3], None, None][:2]
    return o[0].clamp(None if low is None else low.item(), None if high is None else high.item())


def _concat(o: list[Any], a: Attributes) -> Any:
    import torch

    return torch.cat(o, dim=a["axis"])


def _flatten(o: list[Any], a: Attributes) -> Any:
    return o[0].flatten(1) if a.get("axis", 1) == 1 else o[0].reshape(o[0].shape[: a["axis"]].numel(), -1)


def _reshape(o: list[Any], a: Attributes) -> Any:
    sizes = [o[0].shape[i] if size == 0 and not a.get("allowzero") else size for i, size in enumerate(o[1].tolist())]
    return o[0].reshape(sizes)


def _split(o: list[Any], a: Attributes) -> Any:
    axis = a.get("axis", 0)
    parts = o[1].tolist() if len(o) > 1 and o[1] is not None else -(-o[0].shape[axis] // a["num_outputs"])
    return o[0].split(parts, dim=axis)


def _slice(o: list[Any], a: Attributes) -> Any:
    x = o[0]
    starts, ends = o[1].tolist(), o[2].tolist()
    axes = o[3].tolist() if len(o) > 3 else range(len(starts))
    steps = o[4].tolist() if len(o) > 4 else [1] * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def _pad(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    mode, pads, rank = a.get("mode", b"constant").decode(), o[1].tolist(), o[0].ndim
    sides = [side for axis in reversed(range(rank)) for side in (pads[axis], pads[rank + axis])]
    while mode != "constant" and sides[-2:] == [0, 0]:  # PyTorch reflects over the last axes only
        sides = sides[:-2]
    value = o[2].item() if mode == "constant" and len(o) > 2 and o[2] is not None else 0.0
    return functional.pad(o[0], sides, {"edge": "replicate", "wrap": "circular"}.get(mode, mode), value)


def _resize(o: list[Any], a: Attributes) -> Any:
    """Over the axes behind the channels, to a size."""
    from torch.nn import functional

    x, size = o[0], o[3].tolist()[2:]
    coordinates = a.get("coordinate_transformation_mode", b"half_pixel").decode()
    if a.get("mode", b"nearest") == b"nearest":
        return functional.interpolate(x, size=size, mode="nearest")
    mode = ("linear", "bilinear", "trilinear")[x.ndim - 3]
    return functional.interpolate(x, size=size, mode=mode, align_corners=coordinates == "align_corners")


def _mean(o: list[Any], a: Attributes) -> Any:
    axes = o[1].tolist() if len(o) > 1 else list(a.get("axes", range(o[0].ndim)))
    return o[0].mean(dim=axes, keepdim=bool(a.get("keepdims", 1)))


def _hard_sigmoid(o: list[Any], a: Attributes) -> Any:
    return (o[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0.0, 1.0)


def _of_torch(name: str) -> Function:
    """The function of that name in PyTorch, of the operands alone."""

    def call(o: list[Any], a: Attributes) -> Any:
        import torch

        return getattr(torch, name)(*o)

    return call


def _hard_swish(o: list[Any], a: Attributes) -> Any:
    from torch.nn import functional

    return functional.hardswish(o[0])


FUNCTIONS: Final[dict[str, Function]] = {
    "Conv": _conv, "MaxPool": _max_pool, "AveragePool": _avg_pool, "GlobalAveragePool": _global_pool, "Gemm": _gemm,
    "BatchNormalization": _norm, "Clip": _clip, "Concat": _concat, "Flatten": _flatten, "Reshape": _reshape,
    "Split": _split, "Slice": _slice, "Pad": _pad, "Resize": _resize, "ReduceMean": _mean,
    "HardSigmoid": _hard_sigmoid, "HardSwish": _hard_swish,
    "Relu": _of_torch("relu"), "Sigmoid": _of_torch("sigmoid"), "Tanh": _of_torch("tanh"), "Exp": _of_torch("exp"),
    "Add": _of_torch("add"), "Sub": _of_torch("sub"), "Mul": _of_torch("mul"), "Div": _of_torch("div"),
    "MatMul": _of_torch("matmul"), "Erf": _of_torch("erf"),
    "Identity": lambda o, a: o[0], "Dropout": lambda o, a: o[0],
    "Transpose": lambda o, a: o[0].permute(list(a["perm"])),
    "Softmax": lambda o, a: o[0].softmax(dim=a.get("axis", -1)),
}  # fmt: skip
