"""Evaluation: the results of a program for some items, with as little computed as can be.

It looks from the end: an item whose result is kept there needs nothing of what comes before. What
is missing is looked for at the boundary before, and so on; then the missing parts are computed from
there to the end. Nothing of this recurses along a chain, so a chain may be as long as one likes.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.errors import StepError
from pypedream.steps.batches import through
from pypedream.steps.identity import item_identity
from pypedream.steps.level import Level, levels_of
from pypedream.steps.program import program_of
from pypedream.steps.task import Done, Item
from pypedream.steps.telling import tell
from pypedream.store.corruption import Damaged

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from pypedream.steps.given import Given
    from pypedream.steps.level import Outcome
    from pypedream.steps.program import Program
    from pypedream.steps.step import Step

    Coming = Generator[tuple[bytes, Outcome], None, None]
    Found = tuple[Level, dict[bytes, Outcome], dict[bytes, Item]]

__all__ = ["results_of", "run_all"]

_AIM_S = 0.1
_GROWTH = 4
_MOST = 1_000
_WORTH = 16
"""Of so many items it is worth the time to see whether anything has changed."""


def run_all(step: Step, values: Sequence[Any]) -> Iterator[Any]:
    """Yield what a step gives for each of some values, in their order."""
    program = program_of(step)
    if not program.boundaries:
        return through(program.leaves, values)
    program.locate()
    namer = program.namer
    identified = (
        Item(place, item_identity(namer, value), value) for place, value in enumerate(values)
    )
    levels = levels_of(program)
    given = levels[-1].given() if len(values) >= _WORTH else None
    known = None if given is None else given.all_of(values)
    if known is None:
        kept = _kept_values(levels, identified, len(values), given)
    else:
        levels[-1].kept += len(known)
        tell(levels)
        kept = iter(known)
    return through(program.leaves[levels[-1].boundary.end :], kept)


def results_of(program: Program, items: Sequence[Item], taken: list[int]) -> Iterator[Any]:
    """Yield what a program gives for items; note in *taken* which were begun."""
    levels = levels_of(program)
    if not levels:
        return through(program.leaves, _inputs(items, taken))
    kept = _kept_values(levels, iter(items), len(items))
    return through(program.leaves[levels[-1].boundary.end :], _noted(kept, taken))


def _inputs(items: Iterable[Item], taken: list[int]) -> Iterator[Any]:
    for item in items:
        taken.append(item.place)
        yield item.input()


def _noted(values: Iterator[Any], taken: list[int]) -> Iterator[Any]:
    for place, value in enumerate(values):
        taken.append(place)
        yield value


def _kept_values(
    levels: list[Level], items: Iterator[Item], count: int, memory: Given | None = None
) -> Iterator[Any]:
    """Yield the values at the last level, in the order of the items.

    Items are taken a piece at a time, and each piece is done with before the first value of it is
    given: nothing is claimed while the caller has his turn. Of what goes to many workers together
    the first values are given while the others are computed.
    """
    takes_all = any(level.is_batched or level.is_lazy for level in levels)
    pace, given = _Pace(count if takes_all else 1), set[bytes]()
    try:
        while piece := list(islice(items, pace.size)):
            before = perf_counter()
            reached, coming = _brought(levels, piece)
            try:
                if not levels[-1].is_lazy:
                    _take(coming, reached)
                pace.took(perf_counter() - before)
                for item in piece:
                    value = _value(levels, item, reached, coming, given)
                    if memory is not None:
                        memory.add(item.value, value)
                    levels[-1].idle_since = monotonic()
                    yield value
                    levels[-1].idle_since = None
            finally:
                coming.close()  # an error that somebody holds would hold the claims as well
    finally:
        tell(levels)


@define(eq=False)
class _Pace:
    """How many items are taken at a time: one at first, more as long as that is quick."""

    size: int

    def took(self, seconds: float) -> None:
        likely = int(self.size * _AIM_S / max(seconds, 1e-6))
        self.size = max(1, min(likely, self.size * _GROWTH, max(self.size, _MOST)))


def _brought(levels: list[Level], piece: list[Item]) -> tuple[dict[bytes, Outcome], Coming]:
    """Bring items to the last level; return what became of them so far, and what is to come."""
    wanted = {item.identity: item for item in piece}
    looked: list[Found] = []
    for level in reversed(levels):
        found = level.look(wanted)
        wanted = {each: item for each, item in wanted.items() if each not in found}
        looked.append((level, found, wanted))
        if not wanted:
            break
    before, reached, missing = looked.pop()
    while looked:
        _take(before.made(missing.values()), reached, is_in_order=not before.is_lazy)
        level, found, missing = looked.pop()
        missing = _onward(before, reached, missing, found)
        before, reached = level, found
    return reached, before.made(missing.values())


def _take(coming: Coming, reached: dict[bytes, Outcome], *, is_in_order: bool = True) -> None:
    """Take what comes; in order, nothing more is computed when something has failed."""
    for identity, outcome in coming:
        reached[identity] = outcome
        if is_in_order and isinstance(outcome, Done) and outcome.error is not None:
            break
    coming.close()


def _onward(
    before: Level,
    reached: dict[bytes, Outcome],
    missing: dict[bytes, Item],
    found: dict[bytes, Outcome],
) -> dict[bytes, Item]:
    """Return items with what comes in from the level before; those that failed there are found."""
    onward, failed = {}, None
    for identity, item in missing.items():
        outcome = reached.get(identity)
        error = failed if outcome is None else before.error_of(outcome)
        if error is not None:
            failed = error
            found[identity] = Done(item.place, error=error)
        elif outcome is not None:
            onward[identity] = Item(item.place, identity, before.as_input(item, outcome))
    return onward


def _error_among(outcomes: Iterable[Outcome]) -> BaseException:
    errors = (each.error for each in outcomes if isinstance(each, Done))
    return next((each for each in errors if each is not None), StepError("nothing came of it"))


def _value(
    levels: list[Level],
    item: Item,
    reached: dict[bytes, Outcome],
    coming: Coming,
    given: set[bytes],
) -> Any:
    """Return the value of an item; one that comes again is read again, into another object."""
    identity = item.identity
    while identity not in reached and identity not in given:
        one = next(coming, None)
        if one is None:  # a batch that failed says nothing of the items after that
            raise _error_among(reached.values())
        reached[one[0]] = one[1]
    given.add(identity)
    with suppress(Damaged):  # it has been set aside, and is computed again
        return levels[-1].value(item, reached.pop(identity, None))
    _take(coming, reached)
    again, coming = _brought(levels, [item])
    _take(coming, again)
    return levels[-1].value(item, again[identity])
