"""Items as source: chains as pipes, sums as sums, results that are read no more under the same name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from convc.writer.blocks import Block, Use
from convc.writer.calls import arguments, number, quoted, value_text
from convc.writer.growing import Growing, growing
from convc.writer.items import PARAMETER, Item, Operand
from convc.writer.statements import Statement, loops

#: Stages of a chain that is one statement whatever they are.
_LONG: Final = 8
_INFIX: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_TIGHT: Final = {"*", "/"}
_INPUT_NAMES: Final = ("x", "y", "z", "u", "v", "w")


class Body:
    """The statements of a block or network."""

    def __init__(self, items: Sequence[Item], inputs: Mapping[str, str], path: str, reserved: Sequence[str]) -> None:
        self.items, self.path = items, path
        self.text = dict(inputs)  # the variable of each value
        self.variables = set(inputs.values()) | set(reserved)
        self.taken: set[str] = set(self.variables)
        self.uses: dict[str, int] = {}
        for item in items:
            for name in item.reads:
                self.uses[name] = self.uses.get(name, 0) + 1
        self.left = dict(self.uses)  # how often each value is still to be read
        self.lists = growing(items, self.uses)
        self.list_names: dict[int, str] = {}

    def write(self, results: Sequence[str], output_names: Sequence[str] = ()) -> list[str]:
        for name in results:
            self.uses[name] = self.uses.get(name, 0) + 1
            self.left[name] = self.left.get(name, 0) + 1
        statements: list[Statement] = []
        for chain in [part for whole in self.chains() for part in self.portions(whole)]:
            last = results[0] if len(results) == 1 and chain[-1].outputs == tuple(results) else None
            statements += self.statements(chain, last if self.uses.get(chain[-1].outputs[0]) == 1 else None)
        lines = [line for group in loops(statements) for line in group]
        tail = statements[-1] if statements and not statements[-1].target else None
        if tail is not None:
            return self._renamed_return(lines, output_names)
        named = [*output_names, *[""] * len(results)]
        texts = [f"{n} = {self.text[r]}" if n and n != self.text[r] else self.text[r]
                 for n, r in zip(named, results, strict=False)]  # fmt: skip
        return [*lines, f"return {', '.join(texts)}"]

    def _renamed_return(self, lines: list[str], output_names: Sequence[str]) -> list[str]:
        """The last statement returns; a network's says under which name."""
        if not output_names:
            return lines
        place = max(i for i, line in enumerate(lines) if line.startswith("return "))
        first = f"return {output_names[0]} = {lines[place].removeprefix('return ')}"
        return [*lines[:place], first, *lines[place + 1 :]]

    # Chains

    def chains(self) -> list[list[Item]]:
        """Runs of items each of which does nothing but go on with the one before, in the order of their first ones."""
        tails: dict[str, list[Item]] = {}
        found: list[list[Item]] = []
        for item in self.items:
            source = item.operands[0] if item.operands else None
            chain = tails.get(source) if isinstance(source, str) else None
            if chain is not None and self.goes_on(item):
                chain.append(item)
            else:
                chain = [item]
                found.append(chain)
            for output in item.outputs:
                tails.pop(output, None)
            if len(item.outputs) == 1:
                tails[item.outputs[0]] = chain
            if isinstance(source, str) and chain is not None and len(chain) > 1:
                tails.pop(source, None)
        return found

    def goes_on(self, item: Item) -> bool:
        """Whether its only tensor is a result that nothing else reads."""
        tensors = list(item.reads)
        first = item.operands[0]
        return len(tensors) == 1 and first == tensors[0] and self.uses.get(str(first), 0) == 1

    def portions(self, chain: list[Item]) -> list[list[Item]]:
        """A network's long chain in parts that read well: what a pooling ends, and each call of a block."""
        calls = sum(item.block is not None for item in chain)
        if self.path or (len(chain) <= _LONG and calls < 2) or not self._is_trunk(chain[-1].outputs[0]):
            return [chain]
        parts: list[list[Item]] = [[]]
        for place, item in enumerate(chain):
            if item.block is not None and parts[-1]:
                parts.append([])
            parts[-1].append(item)
            ends = item.block is not None or item.what.endswith("pool")
            if ends and place + 1 < len(chain) and not item.what.startswith("global"):
                parts.append([])
        return parts

    # Statements

    def statements(self, chain: Sequence[Item], returned: str | None) -> list[Statement]:
        first, last = chain[0], chain[-1]
        if first.what == PARAMETER:
            return [self._declaration(first)]
        for item in chain:
            for name in item.reads:
                self.left[name] -= 1
        family = self.lists.get(id(first))
        if family is not None:
            return self._grown(family, chain, returned)
        target = "" if returned else self._target(first, last)
        source, stages = self._head(first, target if first is last else "")
        stages += [self._stage(item, target if item is last else "") for item in chain[1:]]
        scope = last.path if last.block and len(chain) == 1 else ""
        return [Statement(target, source, stages, scope)]

    def _grown(self, family: Growing, chain: Sequence[Item], returned: str | None) -> list[Statement]:
        """A chain over a list of tensors so far; its result joins the list, if others read it there."""
        before: list[Statement] = []
        if id(family) not in self.list_names:
            name = self.list_names[id(family)] = self._fresh("features")
            begin = ", ".join(self.text[str(operand)] for operand in family.items[0].operands)
            before.append(Statement(name, f"[{begin}]", []))
        name = self.list_names[id(family)]
        joins = chain[-1].outputs[0] in family.joined
        target = name if joins else "" if returned else self._target(chain[0], chain[-1])
        stages = [self._stage(item, "") for item in chain[1:]]
        scope = chain[-1].path if chain[-1].block and len(chain) == 2 else ""
        return [*before, Statement(target, f"concat({name})", stages, scope, name if joins else "")]

    def _declaration(self, item: Item) -> Statement:
        name = self._fresh(_local(item.path, self.path).rpartition(".")[2])
        self.text[item.outputs[0]] = name
        shape = item.arguments["shape"]
        dims = value_text(shape) if isinstance(shape, Use) else ", ".join(map(str, shape))
        own = _local(item.path, self.path)
        call = "parameter()" if own == name else f"parameter(name = {quoted(own)})"
        return Statement(f"{name}: f32[{dims}]", call, [])

    def _target(self, first: Item, last: Item) -> str:
        """The variable of a chain's results: the one it began with where that is read no more, else a new one."""
        if len(last.outputs) > 1:
            names = [self._fresh(self._wish(last)) for _ in last.outputs]
            self.text.update(zip(last.outputs, names, strict=True))
            return ", ".join(names)
        sources = [name for name in first.reads if name in self.text]
        alone = len(sources) == 1 and self._is_trunk(last.outputs[0]) and self._is_free(self.text[sources[0]])
        name = self.text[sources[0]] if alone else ""
        if len(sources) > 1 and self._is_free("x"):
            name = "x"
        name = name or self._fresh(self._wish(last))
        self.text[last.outputs[0]] = name
        return name

    def _is_trunk(self, value: str) -> bool:
        """Whether the network goes on from `value`: it is no branch that others are waiting for."""
        readers = [item for item in self.items if value in item.reads]
        return len(readers) != 1 or len(list(readers[0].reads)) == 1

    def _is_free(self, variable: str) -> bool:
        """Whether it held values that nothing reads any more, and may hold another."""
        held = [value for value, name in self.text.items() if name == variable]
        return bool(held) and not any(self.left.get(value, 0) for value in held)

    def _wish(self, item: Item) -> str:
        parts = _local(item.path, self.path).split(".") if item.named else []
        own = next((part for part in reversed(parts) if part and not part[0].isdigit()), "")
        if item.what in ("sigmoid", "hard_sigmoid"):
            return "gate"
        wish = own if re.fullmatch(r"[A-Za-z_]\w*", own) and own not in _RESERVED else item.what
        return re.sub(r"_\d+$", "", wish)

    def _fresh(self, wanted: str) -> str:
        wanted = wanted if re.fullmatch(r"[A-Za-z_]\w*", wanted) and wanted not in _RESERVED else "value"
        name, number = wanted, 2
        while name in self.variables or (name in self.taken and name != wanted):
            name, number = f"{wanted}_{number}", number + 1
        self.variables.add(name)
        return name

    # Calls

    def _head(self, item: Item, target: str) -> tuple[str, list[str]]:
        """The beginning of a chain: an operator, or a call, as a stage where it has one tensor alone."""
        operands = [self._operand(operand) for operand in item.operands]
        if item.what in _INFIX and len(operands) == 2:
            return f"{operands[0]} {_INFIX[item.what]} {operands[1]}", []
        if len(operands) == 1 and isinstance(item.operands[0], str):
            return operands[0], [self._stage(item, target)]
        return self._call(item, operands, target), []

    def _stage(self, item: Item, target: str) -> str:
        return self._call(item, [self._operand(o) for o in item.operands[1:]], target)

    def _call(self, item: Item, operands: Sequence[str], target: str) -> str:
        given = [*operands]
        for name, operand in item.keywords.items():
            given.append(f"{name} = {self._operand(operand)}")
        positional, keywords = arguments(item)
        split = len(operands)
        given = [*given[:split], *positional, *keywords, *given[split:], *self._name(item, target)]
        return f"{item.what}({', '.join(given)})" if given else item.what

    def _operand(self, operand: Operand) -> str:
        return self.text[operand] if isinstance(operand, str) else number(operand)

    def _name(self, item: Item, target: str) -> list[str]:
        """`name = ...` where the item has weights and would be called otherwise."""
        own = _local(item.path, self.path)
        automatic = target if target and target not in self.taken and "," not in target else item.what
        if not item.named:
            self.taken.add(automatic)
            return []
        if own == automatic and own not in self.taken:
            self.taken.add(own)
            return []
        while own in self.taken:
            own += "_"
        self.taken.add(own)
        return [f"name = {quoted(own)}"]


_RESERVED: Final = {"import", "block", "network", "return", "for", "in", "if", "else", "assert", "and", "or", "not",
                    "fused", "true", "false", "parameter", "half", "same", "valid", "causal", "same_lower"}  # fmt: skip


def _local(path: str, scope: str) -> str:
    return path.removeprefix(f"{scope}.") if scope else path


def block_lines(block: Block) -> list[str]:
    """A block's definition."""
    inputs = dict(zip(block.inputs, _INPUT_NAMES, strict=False))
    signature = [*inputs.values()]
    signature += [name for name in block.parameters if name not in block.defaults]
    signature += [f"{name} = {value_text(default)}" for name, default in block.defaults.items()]
    body = Body(block.items, inputs, block.path, list(block.parameters)).write(block.results)
    return [f"block {block.name}({', '.join(signature)}) {{", *(f"    {line}" for line in body), "}"]
