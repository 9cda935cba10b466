"""Dispatch: items are dealt out to those who compute them, and what became of them comes back.

Cheap items go many at a time, as it takes longer to send one than to compute it; dear ones go one
by one, so that nobody waits beside a queue and nothing more than one is lost when a process dies.
How dear they are, the first ones tell.
"""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from queue import Empty, SimpleQueue
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from attrs import Factory, define, frozen

from pypedream import context
from pypedream.errors import StageKilled, StageTimeout
from pypedream.log.logger import logger
from pypedream.steps.cache import cache_of, is_error
from pypedream.steps.no_value import NO_VALUE
from pypedream.steps.task import STORED, Done
from pypedream.steps.telling import is_account
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pypedream.executors.jobs import Row
    from pypedream.steps.task import Item, Task

__all__ = ["Carrier", "Sent", "dispatched", "say"]

SHARE_S = 0.05
"""How long it may take to compute what is sent at once."""
SHARES = 3
FIRST_LOOK_S, LAST_LOOK_S, PATIENCE_S = 0.01, 0.5, 0.5


@frozen
class Sent:
    """What became of items that were computed together.

    Attributes
    ----------
    done
        One for each item.
    took_s
        How long all of them took.
    """

    done: list[Done]
    took_s: float


class Carrier(Protocol):
    """Who brings items to where they are computed.

    Attributes
    ----------
    width
        How many lots of items are computed at the same time.
    room
        How many may be under way: those that wait are there when a worker has nothing to do.
    inbox
        Takes what is said meanwhile, and futures that have an outcome.
    is_repeated
        Whether the items of a lot whose process died are computed again, one by one.
    """

    width: int
    room: int
    inbox: SimpleQueue[Any]
    is_repeated: bool

    def send(self, lots: Sequence[Sequence[Item]], /) -> Iterable[Any]:
        """Have lots of items computed, and give a future for each."""

    def receive(self, future: Any, /) -> Sent:
        """Return what became of them; the future has an outcome."""


def dispatched(
    carrier: Carrier, task: Task, items: Sequence[Item], size: int | None = None
) -> Iterator[Done]:
    """Have items computed, and yield what became of each as soon as it is known.

    Whoever stops to listen lets end what was begun: it is kept. An interrupt ends that, too.

    Parameters
    ----------
    size
        How many are sent at once; None finds that out.
    """
    yield from _Dispatch(carrier, task, deque(items), size).outcomes()


@define(eq=False)
class _Dispatch:
    """Items that wait, lots of them that are under way, and how many go at once."""

    carrier: Carrier
    task: Task
    waiting: deque[Item]
    size: int | None
    _since: float = Factory(time)
    _tried: int = 1
    _under_way: dict[Any, list[Item]] = Factory(dict)
    _apart: deque[Item] = Factory(deque)

    def __attrs_post_init__(self) -> None:
        if self.size is None and self.task.is_batched:
            self.size = -(-len(self.waiting) // self.carrier.width)

    def outcomes(self) -> Iterator[Done]:
        try:
            while self._fill():
                yield from self._outcomes_of(_next_of(self.carrier, self._under_way))
        except GeneratorExit:
            begun = _begun(self._under_way)
            while begun:
                begun.discard(_next_of(self.carrier, begun))
            raise
        except BaseException:
            for future in self._under_way:
                future.cancel()
            raise

    def _fill(self) -> bool:
        """Send items as long as somebody has nothing to do soon; False when all are done."""
        lots: list[list[Item]] = []
        while len(self._under_way) + len(lots) < self.carrier.room and (lot := self._next_lot()):
            lots.append(lot)
        if lots:
            for future, lot in zip(self.carrier.send(lots), lots, strict=True):
                self._under_way[future] = lot
        return bool(self._under_way)

    def _next_lot(self) -> list[Item]:
        if self._apart:
            return [self._apart.popleft()]
        fair = -(-len(self.waiting) // (SHARES * self.carrier.width))
        least = self._tried // SHARES  # the last ones are not worth sending one by one
        size = min(self._tried, max(fair, least)) if self.size is None else self.size
        return [self.waiting.popleft() for _ in range(min(size, len(self.waiting)))]

    def _outcomes_of(self, future: Any) -> list[Done]:
        lot = self._under_way.pop(future)
        try:
            sent = self.carrier.receive(future)
        except (StageKilled, StageTimeout) as error:
            return self._lost(lot, error)
        self._tried = max(1, int(SHARE_S * len(lot) / max(sent.took_s, 1e-6)))
        return sent.done

    def _lost(self, lot: list[Item], error: StageKilled | StageTimeout) -> list[Done]:
        """Return what is known of items whose process died: what is kept, and who was the cause.

        Of several nobody knows which one it was. They are cheap: they are computed one by one.
        """
        done, left = kept_of(self.task, lot, self._since)
        if len(left) > 1 and self.carrier.is_repeated:
            self._apart.extend(left)
            return done
        return done + [_ended(self.task, item, error) for item in left]


def _ended(task: Task, item: Item, error: StageKilled | StageTimeout) -> Done:
    """Return what is to be said of an item whose process was ended."""
    told = copy(error)
    if not str(error).startswith("step "):
        told.args = (f'step "{task.label}": {error}',)
    told.__notes__ = [*getattr(error, "__notes__", ())]
    if item.value is not NO_VALUE:
        told.add_note(f"its input was {short(item.value)}")
    return Done(item.place, error=told, is_cached=False)


def kept_of(task: Task, items: Iterable[Item], since: float) -> tuple[list[Done], list[Item]]:
    """Return what became of those items of which a result is kept, and the other items.

    Parameters
    ----------
    since
        When they were begun, in seconds of `time.time`: an error from before is to be forgotten.
    """
    items = list(items)
    found = cache_of(task.folder).find([item.key for item in items])
    there = {key for key, entry in found.items() if not is_error(entry) or entry.created >= since}
    done = [Done(item.place, STORED) for item in items if item.key in there]
    return done, [item for item in items if item.key not in there]


def _begun(futures: Iterable[Any]) -> set[Any]:
    """Cancel what was not begun, and return the rest."""
    begun = set()
    for future in futures:
        has_begun = getattr(future, "has_begun", None)
        if has_begun() if has_begun is not None else not future.cancel():
            begun.add(future)
        else:
            future.cancel()
    return begun


def _next_of(carrier: Carrier, futures: Iterable[Any]) -> Any:
    """Wait for one of some futures; say meanwhile what is said where they are."""
    looked_at = [future for future in futures if not isinstance(future, Future)]
    pause = FIRST_LOOK_S
    while True:
        ended = next((future for future in looked_at if _has_ended(future)), None)
        try:
            entry = carrier.inbox.get(ended is None, pause if looked_at else PATIENCE_S)
        except Empty:
            if ended is not None:
                return ended
            pause = min(2 * pause, LAST_LOOK_S)
            continue
        if isinstance(entry, Future):
            if entry in futures:
                return entry
        else:
            say(entry)


def _has_ended(future: Any) -> bool:
    """Look at a job that somebody else carries, and hand on what it says."""
    with suppress(Exception):  # it is raised again where the outcome is taken in
        future.result(0)
    ended: bool = future.is_settled
    return ended


def say(rows: Iterable[Row]) -> None:
    """Print and log here what was said elsewhere: within a stage of a run, it is the stage's.

    Outside of a run nobody is told what was kept and what was computed.
    """
    attempt = context.STAGE.get()
    for _, _, kind, level, text, stream, data in rows:
        if kind == "print":
            print(text, file=sys.stderr if stream == "stderr" else sys.stdout)
        elif attempt is not None:
            attempt.log.add(
                kind, text, attempt=attempt, level=level, stream=stream, data=dict(data or {})
            )
        elif text is not None and not is_account(data):
            getattr(logger, level, logger.info)(text, **(data or {}))
