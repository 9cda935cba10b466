"""Parts: some of the items of a mapped stage, for a host that has others called elsewhere.

Whoever calls a part goes through the same items in the same order, so that an item has the same
key everywhere. What all parts gave is put together by the shape, which tells no items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.engine.sources import Source, Tree, gathered
from pypedream.errors import MapError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.engine.sources import Pulled
    from pypedream.over import Over

_AT_ONCE: Final = 8192


@frozen
class Part:
    """The items of a mapped stage from one position on, up to another; none that is past it.

    Without an end nothing is called: the stage gives the `Shape` of its items.
    """

    first: int = 0
    stop: int | None = None

    def of(self, source: Source) -> Source:
        """Return these items of a source.

        Raises
        ------
        MapError
            If there are fewer.
        """
        stop = self.stop or 0
        for _ in _passed(source, self.first):
            pass
        left = stop - self.first

        def pull(most: int) -> Pulled:
            nonlocal left
            keys, calls = source.pull(min(most, left))
            if left and not calls:
                raise MapError(f"there were {stop:,} items or more, and now there are fewer")
            left -= len(calls)
            return keys, calls

        return Source(left, pull)


@frozen
class Shape:
    """All about the items of a mapped stage but the items themselves.

    Attributes
    ----------
    total
        How many there are.
    keys, axes, tree, coordinates
        As in `Source`.
    """

    total: int
    keys: list[Any] | None = None
    axes: tuple[list[Any] | range, ...] | None = None
    tree: Tree | None = None
    coordinates: tuple[Sequence[Any], ...] = ()

    @classmethod
    def of(cls, source: Source) -> Shape:
        """Go through a source and return what it is like."""
        total = sum(_passed(source, None))
        return cls(total, source.keys, source.axes, source.tree, source.coordinates)

    def about(self) -> dict[str, Any]:
        """Return the same as lists, dicts and numbers, and what the user's keys are."""
        axes = self.axes and [len(axis) if isinstance(axis, range) else axis for axis in self.axes]
        return {
            "total": self.total,
            "keys": self.keys,
            "axes": axes,
            "tree": self.tree,
            "coordinates": [[*each] for each in self.coordinates],
        }

    @classmethod
    def from_about(cls, about: Mapping[str, Any]) -> Shape:
        """Return the shape that `about` described."""
        axes = about["axes"] and tuple(
            range(axis) if isinstance(axis, int) else axis for axis in about["axes"]
        )
        coordinates = tuple(about["coordinates"])
        return cls(about["total"], about["keys"], axes, about["tree"], coordinates)

    def gathered(self, values: list[Any], over: Over, collect: str) -> Any:
        """Return the results of all items in the form that the stage gives them.

        Raises
        ------
        MapError
            If some are missing.
        """
        if len(values) != self.total:
            raise MapError(f"there are {self.total:,} items, and {len(values):,} results")
        source = Source(self.total, _nothing, self.keys, self.axes, self.tree, self.coordinates)
        return gathered(source, values, over, collect)


def _passed(source: Source, count: int | None) -> Iterator[int]:
    """Pull *count* items, or all, and yield how many there were each time."""
    left = count
    while left is None or left > 0:
        most = _AT_ONCE if left is None else min(left, _AT_ONCE)
        _, calls = source.pull(most)
        if calls:
            yield len(calls)
        if left is not None:
            left -= len(calls)
        if len(calls) < most:
            return


def _nothing(_: int) -> Pulled:
    return (), ()
