"""Chunks: items of a mapped stage that go together, and what is held of one that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


@define(eq=False)
class Chunk:
    """Items that one member calls one after the other.

    Attributes
    ----------
    first
        Position of the first of them.
    number
        Which attempt it is.
    places
        Positions of them all, where they do not follow each other.
    """

    first: int
    keys: Sequence[Any]
    calls: Sequence[tuple[Any, ...]]
    number: int = 1
    places: Sequence[int] = ()

    def position(self, place: int) -> int:
        """Return the position of one of the items among all of the stage."""
        return self.places[place] if self.places else self.first + place

    def at(self, places: Sequence[int]) -> Chunk:
        """Return those of the items that have these places in the chunk."""
        keys, calls = [self.keys[one] for one in places], [self.calls[one] for one in places]
        return Chunk(self.first, keys, calls, self.number, list(map(self.position, places)))

    def after(self, count: int) -> Chunk:
        """Return what is left after the first *count* items."""
        return Chunk(self.first + count, self.keys[count:], self.calls[count:], self.number)

    def before(self, count: int) -> Chunk:
        """Return the first *count* items."""
        return Chunk(self.first, self.keys[:count], self.calls[:count], self.number)

    def halves(self) -> list[Chunk]:
        """Return both halves."""
        middle = len(self.calls) // 2
        return [self.before(middle), self.after(middle)]

    def singles(self) -> list[Chunk]:
        """Return a chunk for each of the items."""
        return [self.only(place) for place in range(len(self.calls))]

    def only(self, place: int) -> Chunk:
        """Return the chunk of one item."""
        end = place + 1
        return Chunk(self.first + place, self.keys[place:end], self.calls[place:end], self.number)


@frozen
class FailedItem:
    """An item whose last attempt raised.

    Attributes
    ----------
    values
        What it alone was called with.
    """

    key: Any
    error: BaseException
    traceback: TracebackType | None
    attempts: int
    values: tuple[Any, ...]
