"""Nesting: the steps of chains within chains in one row, and a chain that is within itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pypedream.errors import StepError
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.steps.step import Step

__all__ = ["Around", "entered", "leaves_of", "resolved"]

Around = tuple["Step", ...]
"""The steps around another one, the outermost first."""

_MOST_IN_PLACE = 1_000  # one after the other, each in place of the one before
_MOST_AROUND = 300  # well below what Python itself gives up at


def resolved(step: Step) -> Step:
    """Return what a step stands for, which for most is the step itself.

    Raises
    ------
    StepError
        If it stands for no step, or for another one again and again.
    """
    first = step
    for _ in range(_MOST_IN_PLACE):
        if not step.__pypedream_flags__.is_composed:
            return step
        other = step._resolve_step()
        if other is step:
            return step
        from pypedream.steps.step import Step  # it knows of this module

        if not isinstance(other, Step):
            raise StepError(
                f"{type(step).__name__}._resolve_step returned {short(other)}, which is no step:"
                " return self, a step or Chain(steps=[...])"
            )
        step = other
    raise _endless(first)


def leaves_of(step: Step, around: Around = ()) -> Iterator[Step]:
    """Yield the steps that a step is made of, with all chains opened out."""
    alone = resolved(step)
    parts = alone._parts()
    if parts is None:
        yield alone
        return
    around = entered(step, around)
    for part in parts:
        yield from leaves_of(part, around)


def entered(step: Step, around: Around) -> Around:
    """Return what is around the parts of a step: what is around it, and itself.

    Raises
    ------
    StepError
        If it is among the steps around it, so that there would be no end.
    """
    for number, each in enumerate(around):
        if each is step:
            raise _within_itself((*around[number:], step))
    if len(around) == _MOST_AROUND:
        composed = [each for each in around if each.__pypedream_flags__.is_composed]
        raise _endless((composed or around)[-1])
    return (*around, step)


def _within_itself(steps: Around) -> StepError:
    """Return the error for steps each of which is in the one before, to the first one again."""
    composed = [each for each in steps if each.__pypedream_flags__.is_composed]
    if composed:
        return _endless(composed[0])
    place = "".join(_place(outer, inner) for outer, inner in pairwise(steps))
    return StepError(
        f"{type(steps[0]).__name__} contains itself, as {place[1:]}: it would never end; take it"
        " out there"
    )


def _place(outer: Step, inner: Step) -> str:
    steps: Any = getattr(outer, "steps")  # noqa: B009 - a chain has them
    named = steps.items() if isinstance(steps, dict) else enumerate(steps)
    return next(f".steps.{name}" for name, each in named if each is inner)


def _endless(step: Step) -> StepError:
    name = type(step).__name__
    if step.__pypedream_flags__.is_composed:
        return StepError(
            f"{name}._resolve_step never ends: return self when nothing is left to stand for"
        )
    return StepError(f"{name} has more than {_MOST_AROUND} chains around it, one in the other")
