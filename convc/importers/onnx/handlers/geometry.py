"""Windows: kernel, stride, dilation and padding as ONNX writes them."""

from __future__ import annotations

from convc.importers.onnx.call import Call
from convc.importers.onnx.errors import Declined

_RULES = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}


def spatial(call: Call, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
    """An attribute with a number per spatial axis."""
    numbers = call.ints(name, (default,) * rank) or (default,) * rank
    if len(numbers) != rank:
        raise Declined(f"{name} is {list(numbers)}; the input has {rank} spatial axes")
    return numbers


def padding(call: Call, rank: int) -> str | tuple[int, ...]:
    """A rule, or numbers: the begins of all axes, then the ends, in both worlds."""
    rule = call.attribute("auto_pad", "NOTSET")
    if rule in _RULES:
        return _RULES[rule]
    if rule != "NOTSET":
        raise Declined(f"auto_pad is {rule!r}")
    pads = call.ints("pads", (0,) * 2 * rank) or (0,) * 2 * rank
    if len(pads) != 2 * rank:
        raise Declined(f"pads is {list(pads)}; {rank} spatial axes take {2 * rank} numbers")
    return pads


def spatial_rank(call: Call, least: int = 1) -> int:
    rank = len(call.tensor(0).shape) - 2
    if rank < least:
        raise Declined(f"its input has {rank + 2} dimensions; [n, c, ...] is needed")
    return rank
