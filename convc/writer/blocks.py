"""Blocks recovered from parts of a network that are alike: what varies becomes their parameters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from convc.writer.items import PARAMETER, Item

#: Parts that differ in more things than this are not written as one block.
MOST_PARAMETERS: Final = 6

#: What differs most often, and is then told apart by a keyword: the language's own defaults.
_DEFAULTS: Final[Mapping[str, Any]] = {"stride": 1, "dilation": 1, "groups": 1, "bias": True}


@dataclass(frozen=True, slots=True)
class Use:
    """A parameter in the body of a block: `factor` times its value."""

    name: str
    factor: int = 1


@dataclass(eq=False)
class Block:
    """A block: the items of its first use, arguments that vary replaced by `Use`. `defaults` may be empty."""

    name: str
    path: str
    inputs: tuple[str, ...]
    items: list[Item]
    results: tuple[str, ...]
    parameters: dict[str, list[Any]] = field(default_factory=dict)  # by name: its value in each use
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """Items that could be a call: `path` their scope, `inputs` what they read from outside, in order of first use."""

    path: str
    items: tuple[Item, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]

    def key(self) -> Hashable:
        """Equal for parts that differ in nothing but the values of arguments (and in where they stand)."""
        places = {name: ("in", place) for place, name in enumerate(self.inputs)}
        rows = []
        for number, item in enumerate(self.items):
            refs = tuple(places.get(o, o) if isinstance(o, str) else ("number", o) for o in item.operands)
            keywords = tuple((k, places.get(o, o) if isinstance(o, str) else o) for k, o in item.keywords.items())
            name = item.path.removeprefix(f"{self.path}.") if item.named and self.path else ""
            rows.append((item.block or item.what, tuple(item.arguments), refs, keywords, name, len(item.outputs)))
            places.update((output, ("made", number * 100 + i)) for i, output in enumerate(item.outputs))
        return (tuple(rows), tuple(places[name] for name in self.results))


def make_block(name: str, parts: Sequence[Part]) -> Block | None:
    """The block that all of `parts` are uses of; None where they differ in too much."""
    first = parts[0]
    block = Block(name, first.path, first.inputs, [], first.results)
    for number, item in enumerate(first.items):
        arguments: dict[str, Any] = {}
        for argument in item.arguments:
            values = [part.items[number].arguments[argument] for part in parts]
            arguments[argument] = values[0] if _all_equal(values) else _use(block, argument, values)
        block.items.append(
            Item(item.what, item.path, item.operands, item.outputs, arguments, item.keywords, item.params, item.named,
                 item.block)
        )  # fmt: skip
    if len(block.parameters) > MOST_PARAMETERS:
        return None
    _call_it_width(block)
    _choose_defaults(block)
    return block


def _all_equal(values: Sequence[Any]) -> bool:
    return all(type(value) is type(values[0]) and value == values[0] for value in values)


def _use(block: Block, argument: str, values: list[Any]) -> Use:
    for name, known in block.parameters.items():
        if known == values and list(map(type, known)) == list(map(type, values)):
            return Use(name)
    for name, known in block.parameters.items():
        factor = _factor(known, values)
        if factor:
            return Use(name, factor)
    wanted = plain = re.sub(r"(_\d+)+$", "", argument)
    number = 2
    while wanted in block.parameters:
        wanted, number = f"{plain}_{number}", number + 1
    block.parameters[wanted] = values
    return Use(wanted)


def _factor(known: Sequence[Any], values: Sequence[Any]) -> int:
    """How often each of `known` goes into each of `values`, where that is the same whole number; else 0."""
    if not all(type(n) is int and n > 0 for n in (*known, *values)):
        return 0
    factors = {value // base if value % base == 0 else 0 for base, value in zip(known, values, strict=True)}
    factor = factors.pop() if len(factors) == 1 else 0
    return factor if factor > 1 else 0


def _call_it_width(block: Block) -> None:
    """Channels that others are a multiple of are the block's width."""
    used = [value for item in block.items for value in item.arguments.values() if isinstance(value, Use)]
    base = any(use.name == "channels" and use.factor > 1 for use in used)
    if not base or "channels" not in block.parameters or "width" in block.parameters:
        return
    block.parameters = {"width" if n == "channels" else n: values for n, values in block.parameters.items()}
    for item in block.items:
        for name, value in item.arguments.items():
            if isinstance(value, Use) and value.name == "channels":
                item.arguments[name] = Use("width", value.factor)


def _choose_defaults(block: Block) -> None:
    for name, values in block.parameters.items():
        plain = name.rstrip("_0123456789")
        common, count = Counter(values).most_common(1)[0]
        if plain in _DEFAULTS and _DEFAULTS[plain] in values:
            block.defaults[name] = _DEFAULTS[plain]
        elif plain in ("pad", "ceil", "count_include_pad", "eps") and 2 * count >= len(values):
            block.defaults[name] = common


def call_of(block: Block, part: Part, number: int) -> Item:
    """The call that takes the place of `part`, the `number`-th use of the block."""
    arguments = {name: values[number] for name, values in block.parameters.items()}
    return Item(
        block.name, part.path, part.inputs, part.results, arguments, named=any(item.named for item in part.items),
        block=block,
    )  # fmt: skip


def block_name(parts: Sequence[Part], taken: set[str]) -> str:
    """A name that says what is inside, or where it was found."""
    name = _by_content(parts[0].items) or _by_scope([part.path for part in parts]) or "module"
    wanted, number = name, 2
    while wanted in taken:
        wanted, number = f"{name}_{number}", number + 1
    return wanted


def _by_content(items: Sequence[Item]) -> str:
    """Names that everybody knows, and short sequences of ops."""
    ops = [item.what for item in items if item.what != PARAMETER]
    convs = [item for item in items if item.what == "conv"]
    kernels = [item.arguments.get("kernel") for item in convs]
    deep = [item for item in convs if item.arguments.get("groups") not in (None, 1)]
    if ops[-5:] and ops[0] in ("global_avgpool", "reduce_mean") and ops[-1] == "mul":
        return "squeeze_excite"
    if "add" in ops and kernels[:3] == [1, 3, 1] and len(convs) <= 4:
        inverted = deep and deep[0].arguments["groups"] == deep[0].arguments["channels"]
        kind = "inverted_residual" if inverted else "bottleneck"
        return f"{kind}_down" if len(convs) == 4 else kind
    if "add" in ops and kernels[:2] == [3, 3] and len(convs) <= 3:
        return "basic_block_down" if len(convs) == 3 else "basic_block"
    return "_".join(ops) if len(ops) <= 3 and not any(item.block for item in items) else ""


def _by_scope(paths: Sequence[str]) -> str:
    """The letters that the scopes' last parts have in common; of numbers, the part before."""
    names = []
    for path in paths:
        parts = [part for part in path.split(".") if not part.isdigit()]
        names.append(parts[-1] if parts else "")
    common = names[0]
    for name in names:
        while not name.startswith(common):
            common = common[:-1]
    common = common.rstrip("_0123456789")
    return common.lower() if len(common) > 1 else ""
