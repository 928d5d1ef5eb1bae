"""A graph as a list of items: what a source says on one stage of a pipe.

An item is the application of an op or of a recovered block, or the declaration of a weight. Weights that the op would
make by itself, and numbers, are no items of their own. Arguments are what a person writes: `channels` and `kernel`
instead of the shape of the weights, `half` instead of the padding it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import floor
from typing import TYPE_CHECKING, Any, Final

from convc.ir.graph import Graph, Node, Value
from convc.ops.elementwise import Constant
from convc.ops.signature import REQUIRED, Kind, Param
from convc.ops.window import resolve_pad

if TYPE_CHECKING:
    from convc.writer.blocks import Block

#: What stands for a weight that is declared by itself.
PARAMETER: Final = "parameter"

Operand = str | float


@dataclass(eq=False)
class Item:
    """One call. `operands` are values by name, or numbers; `keywords` tensors that are given by name."""

    what: str
    path: str
    operands: tuple[Operand, ...]
    outputs: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    keywords: dict[str, Operand] = field(default_factory=dict)
    params: Mapping[str, Param] = field(default_factory=dict)
    named: bool = False  # it has weights, which are called after it
    block: Block | None = None

    @property
    def reads(self) -> Iterator[str]:
        """Values it depends on."""
        for operand in (*self.operands, *self.keywords.values()):
            if isinstance(operand, str):
                yield operand


def items_of(graph: Graph) -> list[Item]:
    """The graph's nodes as items, in its order."""
    numbers = {node.name: node.op.value for node in graph.nodes if isinstance(node.op, Constant)}
    counts = _reads(graph)
    own = {value.name: value for value in graph.parameters}
    items: list[Item] = []
    declared: set[str] = set()
    for node in graph.nodes:
        if isinstance(node.op, Constant):
            if node.name in graph.output_names:
                items.append(_item(node, numbers, own, counts))
            continue
        item = _item(node, numbers, own, counts)
        for name in item.reads:
            if name in own and name not in declared:
                declared.add(name)
                items.append(_declaration(own[name]))
        items.append(item)
    items += [_declaration(o.value) for o in graph.outputs if o.value.name in own and o.value.name not in declared]
    return items


def _reads(graph: Graph) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in graph.nodes:
        for value in node.inputs:
            counts[value.name] = counts.get(value.name, 0) + 1
    for output in graph.outputs:
        counts[output.value.name] = counts.get(output.value.name, 0) + 1
    return counts


def _declaration(value: Value) -> Item:
    return Item(PARAMETER, value.name, (), (value.name,), {"shape": value.type.shape}, named=True)


def _item(node: Node, numbers: Mapping[str, float], own: Mapping[str, Value], counts: Mapping[str, int]) -> Item:
    op: Any = node.op
    params = {param.name: param for param in op.params}
    names = op.operands(len(node.inputs))
    binary = sum(param.kind is Kind.TENSOR for param in op.params) > 1
    weights = {name for name in names if name in params and params[name].kind is Kind.WEIGHT}
    given = dict(zip(names, node.inputs, strict=True)) if "*" not in names else {}
    implicit = {
        name
        for name in weights
        if given[name].name in own and counts[given[name].name] == 1 and _expected(node, given, name)
    }
    operands: list[Operand] = []
    keywords: dict[str, Operand] = {}
    for place, (name, value) in enumerate(zip(names, node.inputs, strict=True)):
        operand: Operand = numbers[value.name] if binary and value.name in numbers else value.name
        if name in implicit:
            continue
        if name in weights or (place and name != "*" and params[name].default is not REQUIRED):
            keywords[name] = operand
        else:
            operands.append(operand)
    return Item(
        op.name, node.name, tuple(operands), tuple(value.name for value in node.outputs),
        _arguments(node, params, given, implicit), keywords, params, bool(implicit),
    )  # fmt: skip


def _expected(node: Node, given: Mapping[str, Value], name: str) -> bool:
    """Whether the op would make a weight of this shape by itself."""
    if node.op.name == "prelu":
        x = given["x"].type
        return given[name].type.shape == (x.shape[1] if x.rank > 1 else 1,)
    return True


def _arguments(
    node: Node, params: Mapping[str, Param], given: Mapping[str, Value], implicit: set[str]
) -> dict[str, Any]:  # fmt: skip
    """Every attribute under its name in the language, in the order of the signature."""
    op: Any = node.op
    found = {item.name: getattr(op, item.name) for item in fields(op) if item.name != "in_place"}
    if "weight" in implicit and "channels" in params:
        shape = given["weight"].type.shape
        found["channels"] = shape[1] * found["groups"] if op.name == "conv_transpose" else shape[0]
        if "kernel" in params:
            found["kernel"] = shape[2:]
    for name, param in params.items():
        if param.kind is Kind.WEIGHT and name not in given and param.default is True:
            found[name] = False  # `bias = false`: the operand is not there
    found = {name: value for name, value in found.items() if name not in given}
    if op.name == "resize":
        found.pop(_implied(op, given["x"].type.shape[2:]), None)
    if "pad" in found and op.name in ("conv", "deform_conv") and "kernel" in found:
        found["pad"] = _half(found, given)
    return {name: collapse(found[name], params[name]) for name in params if name in found}


def _implied(op: Any, extents: tuple[int, ...]) -> str:
    """Of a resize's size and scale the one that follows from the other."""
    whole = all(factor == int(factor) for factor in op.scale)
    if tuple(floor(n * f) for n, f in zip(extents, op.scale, strict=True)) == op.size and whole:
        return "size"
    return "scale" if op.scale == tuple(out / n for out, n in zip(op.size, extents, strict=True)) else ""


def _half(found: Mapping[str, Any], given: Mapping[str, Value]) -> Any:
    """`half` where the padding is what it stands for."""
    size, kernel = given["x"].type.shape[2:], found["kernel"]
    half = resolve_pad("half", size, kernel, found["stride"], found["dilation"])
    return "half" if half == found["pad"] else found["pad"]


def collapse(value: Any, param: Param) -> Any:
    """A tuple of equal numbers is one number, but not where it lists axes or extents."""
    if isinstance(value, tuple) and param.kind is not Kind.SHAPE and len(set(value)) == 1:
        return value[0]
    return value
