"""Parts: the pieces that a module is put together from, and in which order they stand."""

from __future__ import annotations

import ast
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from attrs import Factory, define

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.export.cells import Statement

_BLOCKS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Rank(IntEnum):
    """What a part is; parts stand in this order, and the user's own imports after paths."""

    PATH = 0
    CONSTANT = 1
    HELPER = 2
    PARAMETERS = 3
    PIPELINE = 4


@define(eq=False)
class Part:
    """One statement of the module.

    Attributes
    ----------
    rank
        What it is.
    text
        Its text, as the user wrote it or as it has to be.
    position
        Where it stands among those of its rank.
    binds
        The names that it gives a value.
    statement
        Where it comes from, if it comes from one.
    before
        Parts that must have been carried out before.
    later
        Parts that are needed when what it defines is called.
    stages
        Keys of the stages that it adds.
    members
        Of what makes a pipeline: the parts that fill it.
    """

    rank: Rank
    text: str
    position: tuple[int, ...] = ()
    binds: frozenset[str] = frozenset()
    statement: Statement | None = None
    before: list[Part] = Factory(list)
    later: list[Part] = Factory(list)
    stages: list[str] = Factory(list)
    members: list[Part] = Factory(list)

    @property
    def is_block(self) -> bool:
        """Whether two empty lines stand around it, as around a function."""
        return self.statement is not None and isinstance(self.statement.node, _BLOCKS)

    @property
    def is_short(self) -> bool:
        """Whether it is one line, without comments above it."""
        return "\n" not in self.text


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Return parts by rank and position, each after those that it needs."""
    found: dict[int, Part] = {}
    entered: set[int] = set()
    for part in parts:
        for each in part.before:
            if part.rank < each.rank == Rank.PIPELINE:  # another name for it, or for a method
                part.rank, part.position = each.rank, each.position

    def put(part: Part) -> None:
        if id(part) not in entered:
            entered.add(id(part))
            for each in _needed_before(part):
                put(each)
            found[id(part)] = part

    for part in sorted(parts, key=_rank):
        put(part)
    return list(found.values())


def _needed_before(part: Part) -> list[Part]:
    """Return what is used when a part is carried out: it may call what it needs."""
    needed = list(part.before)
    for each in part.before:
        needed += each.later
        is_other = each.rank == part.rank == Rank.PIPELINE and each.position[0] != part.position[0]
        needed += each.members if is_other else ()  # a pipeline that is included by another one
    return needed


def _rank(part: Part) -> tuple[int, tuple[int, ...]]:
    return part.rank, part.position
