"""Program: the steps of a chain in one row, and the places in it where results are kept.

A chain within a chain is opened out. What has an ``infra`` is a boundary: it spans the steps from
where it begins to where its result is, and boundaries lie within or beside each other. They stand
in the order of their ends, the inner before the outer.
"""

from __future__ import annotations

from os.path import abspath
from typing import TYPE_CHECKING

from attrs import Factory, define, evolve

from pypedream.errors import DefinitionError, StepError
from pypedream.steps.identity import codes_known_once, position_after, uid_of
from pypedream.steps.nesting import entered, resolved
from pypedream.steps.paths import StepPaths

if TYPE_CHECKING:
    from pathlib import Path

    from pypedream.steps.backend import Backend
    from pypedream.steps.nesting import Around
    from pypedream.steps.step import Step

__all__ = ["Boundary", "Program", "program_of"]

_MOST_NAMES = 10
_FORCE, _RETRY, _READ_ONLY, _CACHED = "force", "retry", "read-only", "cached"


@define(eq=False)
class Boundary:
    """A place where results are kept.

    Attributes
    ----------
    start, end
        The steps that it spans.
    backend
        The ``infra``: where the steps are made and their results kept.
    mode
        How kept results are used, with what comes before it taken into account.
    folder
        Where results are kept.
    position
        The identity of the place.
    paths
        Where it keeps its results.
    keys
        What their keys begin with.
    is_shared
        Whether one around it keeps the same results in the same folder; so it need not.
    """

    start: int
    end: int
    backend: Backend
    mode: str
    folder: Path
    position: bytes = b""
    paths: StepPaths | None = None
    keys: str = ""
    is_shared: bool = False

    @property
    def is_readonly(self) -> bool:
        """Whether nothing is computed or written there."""
        return self.mode == _READ_ONLY

    def key(self, identity: bytes) -> str:
        """Return what the result for an item is kept under."""
        return self.keys + uid_of(self.position, identity)


@define(eq=False)
class Program:
    """Steps in a row, and the boundaries among them.

    Attributes
    ----------
    namer
        The step that tells items apart.
    texts
        What is written of each step for people, by its id.
    """

    leaves: list[Step] = Factory(list)
    boundaries: list[Boundary] = Factory(list)
    namer: Step | None = None
    texts: dict[int, tuple[str, str]] = Factory(dict)

    @property
    def is_kept_inside(self) -> bool:
        """Whether a boundary in it keeps the very results that it gives."""
        return bool(self.boundaries) and self.boundaries[-1].is_shared

    def levels(self) -> list[int]:
        """Return the numbers of the boundaries that lie in no other, in order."""
        found, number = [], len(self.boundaries) - 1
        while number >= 0:
            found.append(number)
            start = self.boundaries[number].start
            while number >= 0 and self.boundaries[number].start >= start:
                number -= 1
        return found[::-1]

    def inside(self, number: int, begin: int, first: int) -> Program:
        """Return what is to be made for a boundary, from step *begin* on.

        Parameters
        ----------
        first
            The number of the first boundary that is not before *begin*.
        """
        outer = self.boundaries[number]
        inner = [
            evolve(
                each,
                start=each.start - begin,
                end=each.end - begin,
                is_shared=each.end == outer.end and abspath(each.folder) == abspath(outer.folder),
            )
            for each in self.boundaries[first:number]
        ]
        return Program(self.leaves[begin : outer.end], inner)

    def locate(self) -> None:
        """Find the identity of each place where results are kept."""
        if not self.boundaries or self.boundaries[-1].position:
            return
        wanted: dict[int, list[Boundary]] = {}
        for each in self.boundaries:
            wanted.setdefault(each.end, []).append(each)
        position = b""
        with codes_known_once():
            for end, leaf in enumerate(self.leaves[: self.boundaries[-1].end], 1):
                position = position_after(position, leaf)
                for each in wanted.get(end, ()):
                    each.position = position
                    each.paths = StepPaths.of(each.folder, self._names(end), end, position)
                    each.keys = each.paths.start

    def _names(self, end: int) -> list[str]:
        begin = 0 if end <= _MOST_NAMES else end - 1
        return [type(each).__name__ for each in self.leaves[begin:end]]


def program_of(step: Step) -> Program:
    """Return the program of a step.

    Raises
    ------
    StepError
        If an ``infra`` has no folder.
    DefinitionError
        If a result that may only be read comes after one that is to be computed anew.
    """
    program = Program()
    _add(step, program, None)
    program.namer = _namer_of(step)
    _force_within(program)
    folded = _CACHED
    for boundary in program.boundaries:
        folded = _folded(folded, boundary, program)
    return program


def _force_within(program: Program) -> None:
    """Have what is forced as a whole computed again in all its parts, not at its end alone."""
    start = len(program.leaves)
    for boundary in reversed(program.boundaries):
        if boundary.mode == _FORCE:
            start = min(start, boundary.start)
        elif boundary.start >= start:
            if boundary.mode == _READ_ONLY:
                raise _stale(boundary, program, "in a chain")
            boundary.mode = _FORCE


def _namer_of(step: Step) -> Step:
    """Return who says what an item is called: a chain leaves that to its first step."""
    step = resolved(step)
    while not step.__pypedream_flags__.names_items and (parts := step._parts()) is not None:
        step = resolved(parts[0])
    return step


def _add(step: Step, program: Program, folder: Path | None, around: Around = ()) -> None:
    """Add a step to the end of a program; *folder* is that of what is around it."""
    given = step
    own = step.infra.folder if step.infra is not None else None
    folder = own or folder
    step = resolved(step)
    start = len(program.leaves)
    parts = step._parts()
    if parts is None:
        program.leaves.append(step)
    else:
        around = entered(given, around)
        within = folder if step.infra is None else step.infra.folder or folder
        for part in parts:
            _add(part, program, within, around)
    if step.infra is not None:
        folder = step.infra.folder or folder
        if folder is None:
            raise StepError(
                f"{type(step).__name__} has infra={type(step.infra).__name__} without a folder:"
                ' say infra={"folder": "..."}, or put it in a Chain whose infra has one'
            )
        end = len(program.leaves)
        program.boundaries.append(Boundary(start, end, step.infra, step.infra.mode, folder))


def _folded(before: str, boundary: Boundary, program: Program) -> str:
    """Set how a boundary uses kept results, and return what that means for those after it."""
    own = boundary.mode
    if own == _READ_ONLY:
        if before == _FORCE:
            raise _stale(boundary, program, "after a step")
        return before
    if _FORCE in (before, own):
        boundary.mode = _FORCE
    elif _RETRY in (before, own):
        boundary.mode = _RETRY
    return boundary.mode


def _stale(boundary: Boundary, program: Program, where: str) -> DefinitionError:
    name = type(program.leaves[boundary.end - 1]).__name__
    return DefinitionError(
        f'{name} has mode="read-only" {where} with mode="force": what is kept of it is of the old'
        " result; force it as well, or read both"
    )
