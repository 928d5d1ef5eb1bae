"""Arithmetic that convolutions and poolings share: output extents and padding rules."""

from __future__ import annotations

from typing import Final

from convc.ir.op import OpError
from convc.ir.types import TensorType, ceil_div

#: The spatial axes by their number, and the sides of a map in the order of paddings.
AXES: Final = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
SIDES: Final = {
    1: ("left", "right"),
    2: ("top", "left", "bottom", "right"),
    3: ("front", "top", "left", "back", "bottom", "right"),
}
_COUNT: Final = {2: "two", 3: "three", 4: "four", 6: "six"}


def check_image(op: str, x: TensorType) -> None:
    """Images have a batch, channels, and one to three spatial axes."""
    if not x.is_image:
        one_pixel = [*x.shape, *(1,) * (3 - x.rank)]
        suits = f"as an image of one pixel: `reshape({one_pixel})`" if x.rank == 2 else ""
        raise OpError(
            "E0301", f"{op} takes a tensor [n, c, w], [n, c, h, w] or [n, c, d, h, w]", "x",
            note=f"this one is {x}", help=suits,
        )  # fmt: skip


def resolve_pad(
    rule: int | tuple[int, ...] | str,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    """Padding as numbers, ONNX order: begins of all axes, then ends (for `nchw`: top, left, bottom, right).

    `half` is half the kernel's reach on both sides, as torch's networks write out: (kernel - 1) * dilation // 2.
    `same` is TensorFlow's rule: as many outputs as ceil(size / stride), the odd pixel at the end; `same_lower` puts it
    at the beginning; `causal` pads only before. A number pads every side, one number per axis both of its sides.
    """
    rank = len(size)
    for name, numbers in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        check_positive(name, *numbers)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    match rule:
        case int():
            pads = (rule,) * (2 * rank)
        case "valid":
            pads = (0,) * (2 * rank)
        case "half":
            pads = tuple(r // 2 for r in reach) * 2
        case "causal":
            pads = (*reach, *(0,) * rank)
        case "same" | "same_lower":
            total = [max(0, (ceil_div(n, s) - 1) * s + r + 1 - n) for n, s, r in zip(size, stride, reach, strict=True)]
            small, large = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
            pads = (*small, *large) if rule == "same" else (*large, *small)
        case tuple() if len(rule) == rank:
            pads = (*rule, *rule)
        case tuple() if len(rule) == 2 * rank:
            pads = rule
        case _:
            raise OpError(
                "E0304", f"`{rule}` is no padding", "pad",
                help=f"write a number, {_COUNT[2 * rank]} numbers ({', '.join(SIDES[rank])}), "
                "half, same, same_lower, valid or causal",
            )  # fmt: skip
    if min(pads) < 0:
        raise OpError("E0304", "padding cannot be negative", "pad", note=f"pad is {pads}")
    return pads


def check_positive(name: str, *numbers: int) -> None:
    """Kernels, strides, dilations and channel counts start at 1."""
    if min(numbers) < 1:
        written = numbers[0] if len(set(numbers)) == 1 else numbers
        title = f"{name} must be at least 1"
        raise OpError("E0305", title, name, note=f"{name} is {written}", help=f"use `{name} = 1`")


def window_extents(
    x: TensorType,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    pad: tuple[int, ...],
    ceil: bool = False,
) -> tuple[int, ...]:
    """Outputs along each spatial axis of `x`; see `window_extent`."""
    rank = x.rank - 2
    check_counts(rank, kernel=kernel, stride=stride, dilation=dilation, pad=pad)
    return tuple(
        window_extent(AXES[rank][i], x.shape[2 + i], kernel[i], stride[i], dilation[i], pad[i], pad[rank + i], ceil)
        for i in range(rank)
    )


def check_counts(rank: int, **attributes: tuple[float, ...]) -> None:
    """As many numbers as there are spatial axes; twice as many for `pad`."""
    for name, numbers in attributes.items():
        wanted = 2 * rank if name == "pad" else rank
        if len(numbers) != wanted:
            raise OpError(
                "E0305", f"{name} must have {wanted} number{'s' if wanted > 1 else ''} here", name,
                note=f"{name} is {list(numbers)}, the input has {rank} spatial ax{'es' if rank > 1 else 'is'}",
            )  # fmt: skip


def window_extent(
    axis: str, size: int, kernel: int, stride: int, dilation: int, before: int, after: int, ceil: bool = False
) -> int:
    """Outputs along one axis: floor((size + before + after - reach) / stride) + 1, reach = (kernel - 1) * dilation + 1.

    With `ceil` the division rounds up, but a window that would start in the padding after the map is dropped (torch).
    """
    for name, number in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        check_positive(name, number)
    reach = (kernel - 1) * dilation + 1
    room = size + before + after - reach
    if room < 0:
        spread = f" (dilation {dilation} spreads {kernel} taps over {reach})" if dilation > 1 else ""
        raise OpError(
            "E0302", "kernel does not fit its input", "kernel",
            note=f"{axis}: the kernel needs {reach}{spread}, the padded input has {size} + {before} + {after} = "
            f"{size + before + after}",
            help=f"use `pad = {ceil_div(reach - size, 2)}`, or a kernel of at most {size + before + after}",
        )  # fmt: skip
    if not ceil:
        return room // stride + 1
    out = ceil_div(room, stride) + 1
    return out - 1 if (out - 1) * stride >= size + before else out
