"""Settled: whether steps are still those by which their results are kept, after they have run.

A result is kept under what the fields of its step were when it was asked for. A step that changes
one while it runs would leave the results of others there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.steps.identity import fields_that_count
from pypedream.store.encoding import SCALARS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.steps.step import Step

__all__ = ["Settled"]


class Settled:
    """What the fields of some steps were; each process takes that down for itself."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._assigned = _assigned(steps)
        self._inside: dict[tuple[int, str], object] | None = None

    def __getstate__(self) -> Sequence[Step]:
        return self._steps

    def __setstate__(self, steps: Sequence[Step]) -> None:
        self.__init__(steps)  # type: ignore[misc]

    def begin(self) -> None:
        """Take down what is in the fields, unless that was done."""
        if self._inside is None:
            self._inside = dict(_inside(self._steps))

    def is_assigned(self) -> bool:
        """Say whether a field was given another value."""
        return _assigned(self._steps) != self._assigned

    def problem(self) -> str | None:
        """Return what was done to a field and what helps; None if nothing was."""
        if self.is_assigned():
            return (
                "a field was changed while it ran, so its results are not kept: make another step,"
                " by clone(field=value)"
            )
        now = dict(_inside(self._steps))
        for place, content in (self._inside or {}).items():
            if now.get(place) != content:
                number, name = place
                return (
                    f"the field {name} of {type(self._steps[number]).__name__} was changed in place"
                    " while it ran, so its results are not kept: change a copy of it"
                )
        return None


def _assigned(steps: Sequence[Step]) -> int:
    return sum(step._changes for step in steps)


def _inside(steps: Sequence[Step]) -> Iterator[tuple[tuple[int, str], object]]:
    """Yield what is in each field that can be changed in place, by its step and name."""
    for number, step in enumerate(steps):
        kinds = {type(value) for name, value in vars(step).items() if name != "infra"}
        if step.__pydantic_extra__ or not kinds <= SCALARS.keys():  # most have nothing else
            yield from (((number, name), content) for name, content in _contents(step))


def _contents(step: Step) -> Iterator[tuple[str, object]]:
    from pypedream.engine.mutation import digest

    for name, value in fields_that_count(step).items():
        is_watched = hasattr(type(value), "__pypedream_inside__") or not callable(value)
        content = digest(value) if is_watched else None
        if content is not None:
            yield name, content
