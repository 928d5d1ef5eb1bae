"""What a build can be told: the target and the options. Frozen, typed, never a dict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine: what kernels need to know of it.

    `lanes` is the number of f32 in a vector, and the channel block of every layout; `registers` how many vectors the
    register file holds. `flags` are given to the compiler for kernel units.
    """

    name: str
    lanes: int
    registers: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """`level` 0 runs no pass, 1 rewrites the graph, 2 also assigns blocked layouts (the default).

    `winograd` allows Winograd convolution and Strassen's product in his form. `choices` are pairs of a convolution (its
    signature, the name of its result, or `*` for any) and the algorithm for it, as it begins: what was measured, or is
    to be. `without` names passes that do not run. `portion` is how many images of a batch are run at a time at most; 0
    leaves that to `plan/portions.py`.
    """

    target: Target
    threads: int = 1
    level: int = 2
    winograd: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    portion: int = 0
