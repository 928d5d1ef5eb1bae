"""Convolution problems in which every two properties meet: pairwise covering, then at random; equal for equal seeds."""

from __future__ import annotations

import random
from itertools import combinations

from problems.problem import Problem

#: What is varied, and its levels. Groups: 0 is depthwise. Maps may be smaller than kernels; `fit` pads them then.
FACTORS: dict[str, tuple[object, ...]] = {
    "rank": (1, 2, 2, 3),
    "kernel": (1, 2, 3, 4, 5, 7, "mixed"),
    "stride": (1, 1, 2, 3, "mixed"),
    "dilation": (1, 1, 2, 3, "mixed"),
    "groups": (1, 1, 2, 3, 4, 0),
    "channels": (1, 2, 3, 5, 8, 11, 16, 24, 33),  # of input in a group; in all, where depthwise
    "filters": (1, 2, 3, 4, 7, 8, 16, 19, 32, 40),  # of output in a group
    "pad": ("none", "half", "same", "before", "after", "all"),
    "size": (1, 2, 4, 7, 9, 14, 15, 23),
    "batch": (1, 1, 2, 3),
    "transposed": (False, False, True),
    "bias": (False, True),
    "after": ("", "relu", "relu6", "add"),
}

_TRIES = 12


def problems(count: int, seed: int = 0) -> list[Problem]:
    """`count` different problems; the first few dozen cover every pair of levels."""
    choose = random.Random(seed)
    names = list(FACTORS)
    pairs = {
        ((a, i), (b, j))
        for a, b in combinations(names, 2)
        for i in range(len(FACTORS[a]))
        for j in range(len(FACTORS[b]))
    }
    found: dict[Problem, None] = {}
    while len(found) < count:
        rows = [{name: choose.randrange(len(FACTORS[name])) for name in names} for _ in range(_TRIES if pairs else 1)]
        covered = [pairs.intersection(combinations(row.items(), 2)) for row in rows]
        best = max(range(len(rows)), key=lambda index: len(covered[index]))
        pairs -= covered[best]
        found[fit({name: FACTORS[name][level] for name, level in rows[best].items()}, choose)] = None
    return list(found)


def fit(levels: dict[str, object], choose: random.Random) -> Problem:
    """The nearest problem that can be: kernels fit the padded map, results are not empty."""
    rank = int(str(levels["rank"]))
    kernel, stride, dilation = (_numbers(levels[name], rank, choose) for name in ("kernel", "stride", "dilation"))
    if rank == 3:
        kernel = tuple(min(k, 3) for k in kernel)
    largest = {1: 60, 2: 23, 3: 7}[rank]
    size = tuple(min(largest, max(1, int(str(levels["size"])) + choose.randint(-1, 1))) for _ in range(rank))
    channels, filters = int(str(levels["channels"])), int(str(levels["filters"]))
    groups = int(str(levels["groups"])) or channels
    ic, oc = (channels, groups * min(filters, 8)) if levels["groups"] == 0 else (groups * channels, groups * filters)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = [_pad(str(levels["pad"]), n, r, s) for n, r, s in zip(size, reach, stride, strict=True)]
    transposed = levels["transposed"] is True
    if transposed:
        out = [(n - 1) * s + r for n, s, r in zip(size, stride, reach, strict=True)]
        pads = [(b, a) if b + a < full else (0, 0) for (b, a), full in zip(pads, out, strict=True)]
    else:
        short = [max(0, r - n - b - a) for n, r, (b, a) in zip(size, reach, pads, strict=True)]
        pads = [(b + lack - lack // 2, a + lack // 2) for (b, a), lack in zip(pads, short, strict=True)]
    more = tuple(choose.randint(0, s - 1) if transposed else 0 for s in stride)
    words = ("transposed" if transposed else "", "bias" if levels["bias"] else "", str(levels["after"]))
    return Problem(
        int(str(levels["batch"])), groups, ic, oc, size, kernel, stride, dilation,
        (*(b for b, _ in pads), *(a for _, a in pads)), more, tuple(word for word in words if word),
    )  # fmt: skip


def _numbers(level: object, rank: int, choose: random.Random) -> tuple[int, ...]:
    return tuple(choose.randint(1, 4) if level == "mixed" else int(str(level)) for _ in range(rank))


def _pad(level: str, size: int, reach: int, stride: int) -> tuple[int, int]:
    total = max(0, (-(-size // stride) - 1) * stride + reach - size)
    ways = {
        "none": (0, 0), "half": (reach // 2, reach // 2), "same": (total // 2, total - total // 2),
        "before": (reach - 1, 0), "after": (0, reach // 2 + 1), "all": (reach, reach + 1),
    }  # fmt: skip
    return ways[level]
