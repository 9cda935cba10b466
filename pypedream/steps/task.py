"""Task: some steps that are to be made for items of which no result is kept.

This is what a backend is given. A task can be pickled; wherever it is called it computes, keeps
each result in the store at once, and says what became of each item.
"""

from __future__ import annotations

from time import perf_counter
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from pypedream.errors import BatchProtocolError, StepError
from pypedream.steps.batches import maker
from pypedream.steps.cache import Reference, Unkept, cache_of
from pypedream.steps.underway import keys_underway, stream_within, within

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from pypedream.steps.paths import StepPaths
    from pypedream.steps.program import Program
    from pypedream.steps.settled import Settled
    from pypedream.steps.writing import Writing

__all__ = ["STORED", "Done", "Item", "Task"]


class _Stored:
    """Stands for a value that is in the store, to be read there."""

    def __reduce__(self) -> str:
        return "STORED"

    def __repr__(self) -> str:
        return "STORED"


STORED: Final = _Stored()


_PLAIN: Final = frozenset({bool, float, int, NoneType})


@frozen(eq=False)
class Item:
    """One input.

    Attributes
    ----------
    place
        Which of the items it is, from 0 on.
    identity
        What tells it from others; empty where nothing is kept.
    value
        What comes in, `NO_VALUE`, or a `Reference` to it.
    key
        What the result is kept under in the store; "" where nothing is kept.
    """

    place: int
    identity: bytes
    value: Any = field(repr=False)
    key: str = ""

    def input(self) -> Any:
        """Return what comes in, read where it is kept if need be."""
        return self.value.read() if type(self.value) is Reference else self.value


@frozen(eq=False)
class Done:
    """What became of an item.

    Attributes
    ----------
    value
        What it has become; `STORED` if that is to be read in the store.
    error
        What was raised instead.
    is_cached
        Whether the result, or the error, is in the store.
    """

    place: int
    value: Any = None
    error: BaseException | None = None
    is_cached: bool = True


@frozen(eq=False)
class Task:
    """The steps from one place in a chain to the next whose results are kept.

    Attributes
    ----------
    program
        The steps.
    folder
        The folder of the ``infra`` that keeps the results.
    label
        What messages call it.
    paths
        Where its results and logs are.
    is_batched
        Whether a step wants many items in one call.
    settled
        Tells whether a field of a step was changed while it ran.
    is_lazy
        Whether results are taken one by one, with other things done between.
    secrets
        Texts of the run that must not be kept.
    underway
        The results that this is a part of, wherever it runs.
    """

    program: Program
    folder: str
    label: str
    paths: StepPaths
    is_batched: bool
    settled: Settled
    is_lazy: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    underway: frozenset[tuple[str, str]] = field(factory=keys_underway, repr=False)

    def __call__(self, items: Sequence[Item]) -> list[Done]:
        """Compute items where this is called, and leave their values in the store.

        Numbers and the like are sent as well: to read them there would take longer.
        """
        return [
            one
            if type(one.value) in _PLAIN or not one.is_cached
            else Done(one.place, STORED, one.error)
            for one in self._stream(items)
        ]

    def stream(self, items: Sequence[Item]) -> Iterator[Done]:
        """Compute items one after the other; keep each result, and say what it is.

        What a step raises is the `Done.error` of the items that it was at. A step that makes
        batches ends with that; others go on with the next item.
        """
        with cache_of(self.folder).writing(self.secrets) as writing:
            for one in self._checked(items, writing):
                if self.is_lazy:
                    writing.flush()  # nobody knows when the next one is asked for
                yield one

    def _stream(self, items: Sequence[Item]) -> Iterator[Done]:
        with cache_of(self.folder).writing(self.secrets) as writing:
            yield from self._checked(items, writing)

    def _checked(self, items: Sequence[Item], writing: Writing) -> Iterator[Done]:
        """Make items, and see that the steps stay those by which the results are kept."""
        self.settled.begin()
        try:
            for one in self._made(items, writing):
                if self.settled.is_assigned():
                    break
                yield one
        finally:
            problem = self.settled.problem()
            if problem is not None:
                writing.flush()
                cache_of(self.folder).remove([item.key for item in items])
        if problem is not None:
            raise StepError(f"{self.label}: {problem}")

    def _made(self, items: Iterable[Item], writing: Writing) -> Iterator[Done]:
        if not (self.program.boundaries or self.is_batched):
            yield from self._one_by_one(items, writing)
            return
        rest = list(items)
        while rest:
            count = yield from self._together(rest, writing)
            rest = [] if self.is_batched else rest[count:]

    def _one_by_one(self, items: Iterable[Item], writing: Writing) -> Iterator[Done]:
        """Make plain steps, without what it takes to make others: most are plain."""
        make, before = maker(self.program.leaves), perf_counter()
        place = cache_of(self.folder).location
        for item in items:
            value = item.input()
            try:
                value = within(self.underway | {(place, item.key)}, make, value)
            except Exception as error:  # noqa: BLE001 - whoever waits for the item raises it
                yield Done(item.place, error=error, is_cached=writing.keep_error(item.key, error))
            else:
                yield self._kept(item, value, perf_counter() - before, writing)
            before = perf_counter()

    def _together(self, items: list[Item], writing: Writing) -> Generator[Done, None, int]:
        """Make items until one fails; return of how many it is known what became of them."""
        from pypedream.steps.evaluation import results_of

        before, count = perf_counter(), 0
        taken: list[int] = []
        place = cache_of(self.folder).location
        keys = self.underway.union((place, item.key) for item in items)
        values = stream_within(keys, results_of(self.program, items, taken))
        try:
            for item, value in zip(items, values, strict=True):
                now = perf_counter()
                yield self._kept(item, value, now - before, writing)
                before, count = perf_counter(), count + 1
        except BatchProtocolError as error:
            writing.flush()
            cache_of(self.folder).remove([item.key for item in items[:count]])
            yield from (Done(item.place, error=error, is_cached=False) for item in items)
            return len(items)
        except Exception as error:  # noqa: BLE001 - whoever waits for the item raises it
            begun = max(count + 1, len(taken))
            for item in items[count:begun]:
                is_cached = writing.keep_error(item.key, error)
                yield Done(item.place, error=error, is_cached=is_cached)
            return begun
        return count

    def _kept(self, item: Item, value: Any, took_s: float, writing: Writing) -> Done:
        if self.program.is_kept_inside:
            return Done(item.place, value)
        try:
            is_kept = writing.keep(item.key, value, took_s)
        except Unkept as error:
            told = Unkept(f"{self.label}: its result cannot be kept: {error}; {_fix(error)}")
            return Done(item.place, error=told, is_cached=False)
        return Done(item.place, value, is_cached=is_kept)


def _fix(error: Unkept) -> str:
    """Return what helps; a class of a script or of a cell is found where that ran, only."""
    if "__main__." in str(error) and "<locals>" not in str(error):
        return (
            "worker processes have no classes of a script or a cell: put it into a module, use"
            " Cached or ThreadPool, or return data instead"
        )
    return "return data instead, or leave infra out"
