"""Statements as lines: long ones broken before pipes, calls that count up in their scopes as loops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from convc.writer.calls import quoted

_WIDTH: Final = 110


@dataclass
class Statement:
    """`target = source |> stages`; a call that names its scope can be part of a loop."""

    target: str
    source: str
    stages: list[str]
    scope: str = ""  # of the block it calls, where it is nothing but that
    grows: str = ""  # the list that its result is put behind

    def lines(self, stages: Sequence[str] = ()) -> list[str]:
        start = f"{self.target} = " if self.target else "return "
        if not self.grows:
            return wrapped(start, [self.source, *(stages or self.stages)])
        lines = wrapped(f"{start}{self.grows} + [", [self.source, *(stages or self.stages)])
        return [*lines[:-1], f"{lines[-1]}]"]

    @property
    def goes_round(self) -> bool:
        """Whether it may be repeated: what it makes is what it begins with."""
        return bool(self.grows) or self.target == self.source


def wrapped(start: str, parts: Sequence[str]) -> list[str]:
    """One statement, broken before pipes where it is too long."""
    groups: list[str] = []  # a stage with a name begins a group, activations and the like stay with it
    for part in parts[1:]:
        if groups and "name = " not in part and len(groups[-1]) + len(part) < _WIDTH - 12:
            groups[-1] += f" |> {part}"
        else:
            groups.append(part)
    lines = [start + parts[0]]
    for group in groups:
        if len(lines[-1]) + 4 + len(group) > _WIDTH:
            lines.append(f"    |> {group}")
        else:
            lines[-1] += f" |> {group}"
    return lines


# Loops


def loops(statements: Sequence[Statement]) -> list[list[str]]:
    """Statements as lines; calls of one block that count up in their scopes become a loop."""
    groups: list[list[str]] = []
    place = 0
    while place < len(statements):
        count = _run(statements, place)
        if count > 2 or (count == 2 and len(statements[place].stages) == 1):
            groups.append(_loop(statements[place : place + count]))
            place += count
        else:
            groups.append(statements[place].lines())
            place += 1
    return groups


def _counted(statement: Statement) -> tuple[str, int, str] | None:
    """The scope around its last number: `layer1.` 2 and nothing behind."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", statement.scope) if statement.scope else None
    return (found[1], int(found[2]), found[3]) if found and (not found[1] or not found[1][-1].isdigit()) else None


def _template(statement: Statement) -> str:
    text = " |> ".join([statement.target, statement.source, *statement.stages])
    return text.replace(quoted(statement.scope), '""')


def _run(statements: Sequence[Statement], start: int) -> int:
    """How many statements from `start` on differ in a number that counts up."""
    first = _counted(statements[start])
    if first is None or not statements[start].goes_round:
        return 1
    count = 1
    for statement in statements[start + 1 :]:
        here = _counted(statement)
        same = here is not None and (here[0], here[2]) == (first[0], first[2]) and here[1] == first[1] + count
        if not same or _template(statement) != _template(statements[start]):
            break
        count += 1
    return count


def _loop(statements: Sequence[Statement]) -> list[str]:
    first = statements[0]
    counted = _counted(first)
    assert counted is not None
    before, begin, after = counted
    stages = [stage.replace(quoted(first.scope), quoted(f"{before}{{i}}{after}")) for stage in first.stages]
    body = first.lines(stages)
    header = f"for i in {begin}..{begin + len(statements)} {{"
    if len(body) == 1 and len(header) + len(body[0]) + 3 <= _WIDTH:
        return [f"{header} {body[0]} }}"]
    return [header, *(f"    {line}" for line in body), "}"]
