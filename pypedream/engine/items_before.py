"""Items before: what the items of a mapped stage gave already, in this run or in an earlier one.

Whoever knows results of items says which of a chunk it has; the others are called. An item counts
by what it is: where it stands among others, and whether the others changed, does not matter.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from attrs import Factory, define

from pypedream.engine.calls import digest_of
from pypedream.engine.sources import source_of
from pypedream.executors.calling import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.engine.chunks import Chunk
    from pypedream.engine.fan import Fan

WORTH_S = 0.001
"""An item that takes less is called again, where it could only be known by looking at it now."""
_AT_ONCE = 1000


class Knowing(Protocol):
    """What knows results of items."""

    def find(self, chunk: Chunk) -> dict[int, Any]:
        """Return the known results of the items of a chunk, by their places in it."""
        ...

    def keep(self, chunk: Chunk, made: Made) -> None:
        """Take note of what the first items of a chunk gave."""
        ...


def made_with(knowing: Knowing, make: Callable[[Chunk], Made], chunk: Chunk) -> Made:
    """Call those items of a chunk whose results are not known."""
    found = knowing.find(chunk)
    if not found:
        made = make(chunk)
        knowing.keep(chunk, made)
        return made
    places = [place for place in range(len(chunk.calls)) if place not in found]
    if not places:
        return only_found([found[place] for place in range(len(found))])
    part = chunk.at(places)
    made = make(part)
    knowing.keep(part, made)
    return _merged(found, places, made)


def only_found(values: list[Any]) -> Made:
    """Return an account of items of which none was called."""
    return Made(0, values, array("q", bytes(8 * len(values))), reused=len(values))


def _merged(found: dict[int, Any], places: Sequence[int], made: Made) -> Made:
    """Return one account of items that were known and items that were called."""
    whole = Made(made.started_ns, is_lost=made.is_lost, error=made.error, worker=made.worker)
    if made.is_lost:
        whole.lost_at = None if made.lost_at is None else places[made.lost_at]
        return whole
    whole.reused = made.reused
    called = iter(zip(made.values, made.ended_ns, strict=True))
    end = made.started_ns
    for place in range(len(found) + len(places)):
        if place in found:
            whole.values.append(found[place])
            whole.reused += 1
        else:
            one = next(called, None)
            if one is None:  # it raised, or was not called any more
                break
            value, end = one
            whole.values.append(value)
        whole.ended_ns.append(end)
    return whole


@define(eq=False)
class ItemsBefore:
    """What items gave in a run that is gone on from, as far as that run holds it.

    Attributes
    ----------
    fan
        The items of that run.
    """

    fan: Fan
    _known: dict[str, Any] | None = None

    def find(self, chunk: Chunk) -> dict[int, Any]:
        """Return the known results of the items of a chunk, by their places in it."""
        if self._known is None:
            self._known = _results_of(self.fan)
        found = {}
        for place, values in enumerate(chunk.calls) if self._known else ():
            digest = item_digest(values)
            if digest in self._known:
                found[place] = self._known[digest]
        return found

    def keep(self, chunk: Chunk, made: Made) -> None:
        """Take no note: the run itself holds what its items gave."""

    def is_for(self, common: dict[str, Any]) -> bool:
        """Say whether the arguments that all items share are what they were."""
        before = self.fan.common
        return before.keys() == common.keys() and all(
            before[name] is value or digest_of(before[name]) == digest_of(value) != ""
            for name, value in common.items()
        )


@define(eq=False)
class Noting:
    """Notes what items are that come from an iterator, and so cannot be looked at afterwards."""

    digests: dict[int, str] = Factory(dict)

    @classmethod
    def of(cls, fan: Fan) -> Noting | None:
        """Return what notes the items of *fan*; None where they stay."""
        if any(isinstance(value, Iterator) for value in fan.given.values()):
            return cls(fan.digests)
        return None

    def find(self, chunk: Chunk) -> dict[int, Any]:  # noqa: ARG002 - it only notes
        """Return nothing."""
        return {}

    def keep(self, chunk: Chunk, made: Made) -> None:
        """Note what items were whose results took a while."""
        count = len(made.values)
        if not count:
            return
        took_s = (made.ended_ns[-1] - made.started_ns) / 1e9
        if took_s < WORTH_S * count and not made.reused:
            return
        for place, values in enumerate(chunk.calls[:count]):
            self.digests[chunk.position(place)] = item_digest(values)


def item_digest(values: tuple[Any, ...]) -> str:
    """Return what an item is; "" if that cannot be told."""
    digests = [digest_of(value) for value in values]
    return " ".join(digests) if all(digests) else ""


def _results_of(fan: Fan) -> dict[str, Any]:
    """Return the results of those items that went well, by what the items are."""
    done = {
        chunk.first + place for chunk, _, ended_ns in fan.timed for place in range(len(ended_ns))
    }
    digests = fan.digests or _digests_of(fan, done)
    known = {digests[place]: fan.values[place] for place in done if place in digests}
    known.pop("", None)
    return known


def _digests_of(fan: Fan, done: set[int]) -> dict[int, str]:
    """Look at the items of an earlier run once more, as far as they were called."""
    over = fan.wired.over
    assert over is not None
    if any(isinstance(value, Iterator) for value in fan.given.values()):
        return {}
    source = source_of(over, dict(fan.given), None)
    digests: dict[int, str] = {}
    place, last = 0, max(done, default=-1)
    while place <= last:
        _, calls = source.pull(_AT_ONCE)
        if not calls:
            break
        for values in calls:
            if place in done:
                digests[place] = item_digest(values)
            place += 1
    return digests
