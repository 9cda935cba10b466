"""Fan: a mapped stage while its items are called, by one member of a crew or by many.

Whoever is free takes a chunk of items, calls them, and says what became of them. An item that
raised may be tried again; what it kept from being called goes to the next who is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextvars import Context, copy_context
from heapq import heappop, heappush
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.engine.chunks import Chunk, FailedItem
from pypedream.errors import ExitPipeline, UnpicklableValue
from pypedream.log.ended import error_data
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from pypedream.context import Attempt
    from pypedream.engine.resources import Loan
    from pypedream.engine.sources import Pace, Pulled, Source
    from pypedream.engine.wiring import Wire
    from pypedream.executors.calling import Made

MOST_TRACED = 1000
"""Of so many failed items the frames are held, which may hold anything; the log has them all."""
TOLD_EVERY_S = 1.0
MOST_TIMED = 1_000_000
"""Of so many items it is remembered how long each took."""


@define(eq=False)
class Fan:
    """The items of one mapped stage in one run.

    Attributes
    ----------
    attempt
        The attempt of the stage as a whole.
    given
        The arguments that have the items.
    common
        The arguments that are the same for every item.
    goes_on
        Whether the other items are called after one has failed.
    values
        Results by position; of an item that failed, what stands for it.
    failed
        By position the items that failed for good.
    error
        What ended the stage early.
    make
        Calls the items of a chunk, where the stage is called.
    call_for_help
        Tells others that there is something to do; None where nobody helps.
    loan
        What each helper has to claim; None where the stage uses nothing.
    digests
        By position what items were, where they cannot be had a second time.
    workers
        Who called items; without the thread of the run itself.
    """

    wired: Wire
    attempt: Attempt
    given: dict[str, Any]
    common: dict[str, Any]
    source: Source
    pace: Pace
    goes_on: bool
    retry: Callable[[Attempt, BaseException], float | None] | None
    values: list[Any] = Factory(list)
    failed: dict[int, FailedItem] = Factory(dict)
    error: BaseException | None = None
    is_stopped: bool = False
    timed: list[tuple[Chunk, int, array[int]]] = Factory(list)
    base: Context = Factory(copy_context)
    make: Callable[[Chunk], Made] | None = None
    digests: dict[int, str] = Factory(dict)
    workers: dict[str, None] = Factory(dict)
    is_plain: Final = False
    call_for_help: Callable[[], object] | None = None
    loan: Loan | None = None
    _helpers: int = 0
    _taken: int = 0
    _is_exhausted: bool = False
    _busy: int = 0
    _left: deque[Chunk] = Factory(deque)
    _again: list[tuple[float, int, Chunk]] = Factory(list)
    _changed: Condition = Factory(Condition)
    _done: int = 0
    _told_s: float = Factory(monotonic)
    reused: int = 0

    @property
    def key(self) -> str:
        """The key of the stage."""
        return self.wired.key

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be called and nobody is at it."""
        with self._changed:
            nothing_left = self._is_exhausted and not self._left and not self._again
            return not self._busy and (self.is_stopped or nothing_left)

    @property
    def done(self) -> int:
        """How many items went well."""
        return self._done

    @property
    def retry_in_s(self) -> float | None:
        """In how many seconds an item is tried again; None if none is."""
        with self._changed:
            if not self._again or self.is_stopped:
                return None
            return max(0.0, self._again[0][0] - monotonic())

    @property
    def is_unfinished(self) -> bool:
        """Whether there are items that were not called."""
        with self._changed:
            return not self._is_exhausted or bool(self._left or self._again)

    def said_done(self) -> str:
        """Say how many items are done."""
        total = self.source.total
        of = "" if total is None else f" of {total}"
        return f"{self._done}{of} items were done"

    def put(self, place: int, value: Any) -> None:
        """Put *value* in the place of an item that gave none."""
        missing = place + 1 - len(self.values)
        if missing > 0:
            self.values += [None] * missing
        self.values[place] = value

    def let_in(self) -> bool:
        """Let somebody help, if there is something to do and there are not enough already."""
        with self._changed:
            has_more = not self._is_exhausted or bool(self._left)
            is_wanted = has_more and not self.is_stopped and self._helpers < self.pace.members - 1
            if is_wanted and self.loan is not None:
                is_wanted = self.loan.claim()
            self._helpers += is_wanted
            return is_wanted

    def let_out(self) -> None:
        """Take note that a helper left."""
        with self._changed:
            self._helpers -= 1
        if self.loan is not None:
            self.loan.release()

    @property
    def is_to_make_room(self) -> bool:
        """Whether a stage waits for what the helpers have."""
        return self.loan is not None and self.loan.is_wanted

    def take(self) -> Chunk | None:
        """Take what is to be called next; None if there is nothing at the moment."""
        with self._changed:
            if self.is_stopped:
                return None
            try:
                chunk = self._next()
            except BaseException as error:  # noqa: BLE001 - the user's own iterator raised it
                self._fail(error)
                return None
            if chunk is not None:
                self._busy += 1
            return chunk

    def _next(self) -> Chunk | None:
        if self._again and self._again[0][0] <= monotonic():
            return heappop(self._again)[2]
        if self._left:
            return self._left.popleft()
        if self._is_exhausted:
            return None
        total = self.source.total
        most = self.pace.next(None if total is None else total - self._taken)
        keys, calls = self.base.copy().run(pull_items, self.source, most)
        self._is_exhausted = len(calls) < most  # a length may be wrong, and zipped ones end apart
        if not calls:
            return None
        chunk = Chunk(self._taken, keys, calls)
        self._taken += len(calls)
        return chunk

    def took(self, chunk: Chunk, made: Made) -> None:
        """Take in what became of a chunk."""
        if made.worker:
            self.workers[made.worker] = None
        if made.is_lost:
            self._take_back(chunk, made)
            return
        count = len(made.values)
        again = None
        if isinstance(made.error, Exception):
            again = self._decide(chunk, count, made.error, made.worker)
        with self._changed:
            self._put(chunk.first, made)
            if made.error is not None:
                self._settle_error(chunk, count, made.error, again)
            rest = count + (made.error is not None)
            if rest < len(chunk.calls):
                self._left.extendleft(reversed(self._pieces(chunk.after(rest))))
            if count and self._done <= MOST_TIMED:
                self.timed.append((chunk, made.started_ns, made.ended_ns))
                chunk.calls = ()  # what it was called with is not to outlive it here
            self._busy -= 1
            self._changed.notify_all()
        self._ask_for_help()

    def _ask_for_help(self) -> None:
        """Call back who found nothing more to do, if something was left by another."""
        if len(self._left) > 1 and self.call_for_help is not None:
            self.call_for_help()

    def _pieces(self, chunk: Chunk) -> list[Chunk]:
        """Return what is left of a chunk in pieces, so that several may go on with it."""
        size = max(1, self.pace.next(len(chunk.calls)))
        starts = range(0, len(chunk.calls), size)
        return [chunk.after(start).before(size) for start in starts]

    def _take_back(self, chunk: Chunk, made: Made) -> None:
        """Take in that the values are lost: one item is to blame, and others are called again."""
        error, place = made.error, made.lost_at
        assert isinstance(error, Exception)
        if place is None and len(chunk.calls) == 1:
            place = 0
        parts = chunk.halves() if isinstance(error, UnpicklableValue) else chunk.singles()
        again = None if place is None else self._decide(chunk, place, error, made.worker)
        with self._changed:
            if place is not None:
                parts = [chunk.before(place), chunk.after(place + 1)]
                self._settle_error(chunk, place, error, again)
            self._left.extend(part for part in parts if part.calls)
            self._busy -= 1
            self._changed.notify_all()
        self._ask_for_help()

    def gave_up(self, error: BaseException) -> None:
        """Stop: what calls the items, and not an item, raised."""
        with self._changed:
            self._busy -= 1
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.error = self.error or error
        self.is_stopped = True
        self._changed.notify_all()

    def stop(self) -> None:
        """Let no further item be called."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()

    def wait(self, most_s: float) -> None:
        """Wait until something changes, a retry is due or the time is over."""
        with self._changed:
            if self._again:
                most_s = min(most_s, self._again[0][0] - monotonic())
            if (most_s > 0 and self._busy) or (most_s > 0 and self._again):
                self._changed.wait(most_s)

    def release(self) -> None:
        """Let go of what only calls need, and if no item is to be called again of the results."""
        self.base, self.make, self.retry = Context(), None, None
        if not (self.failed or self.error is not None or self.is_unfinished):
            read = {name: one for name, one in self.given.items() if isinstance(one, Iterator)}
            self.given, self.common, self.values, self.digests = read, {}, [], {}

    def arguments_of(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Return all that an item is called with."""
        over = self.wired.over
        assert over is not None
        return {**self.common, **dict(zip(over.names, values, strict=True))}

    def _decide(self, chunk: Chunk, place: int, error: Exception, worker: str = "") -> float | None:
        """Return in how many seconds an item is tried again; None if it is not."""
        attempt = self.attempt_of(chunk, place)
        if isinstance(error, ExitPipeline):
            data: dict[str, Any] = {"state": "ok", "reason": f"it ended the run: {error}"}
            self.attempt.log.add("attempt.end", attempt=attempt, data=data)
            return None
        delay_s = None if self.retry is None else self.retry(attempt, error)
        said = error_data(error, users_traceback(error.__traceback__))
        data = {"state": "failed", "error": said}
        if worker:
            data["worker"] = worker
        if delay_s is not None:
            data["retry_in_s"] = round(delay_s, 6)
        level = "error" if delay_s is None else "warning"
        self.attempt.log.add("attempt.end", attempt=attempt, level=level, data=data)
        return delay_s

    def tell_progress(self) -> None:
        """Say now and then how many items are done, of those that there are."""
        now = monotonic()
        if now - self._told_s < TOLD_EVERY_S:
            return
        self._told_s = now
        data = {"done": self._done + len(self.failed), "total": self.source.total}
        self.attempt.log.add("progress", attempt=self.attempt, data=data)

    def attempt_of(self, chunk: Chunk, place: int) -> Attempt:
        """Return an attempt that stands for an item in the log."""
        attempt = type(self.attempt)(self.attempt.log, self.attempt.stage, chunk.number)
        attempt.item, attempt.data = chunk.keys[place], self.attempt.data
        return attempt

    def _settle_error(
        self, chunk: Chunk, place: int, error: BaseException, again: float | None
    ) -> None:
        if again is not None:
            one = chunk.only(place)
            one.number += 1
            heappush(self._again, (monotonic() + again, one.first, one))
            return
        if isinstance(error, (ExitPipeline, KeyboardInterrupt)):  # it is no failure of the item
            self.error = self.error or error
            self.is_stopped = True
            return
        if len(self.failed) >= MOST_TRACED:
            error.with_traceback(None)
        own = users_traceback(error.__traceback__)
        failed = FailedItem(chunk.keys[place], error, own, chunk.number, chunk.calls[place])
        self.failed[chunk.first + place] = failed
        if not (self.goes_on and isinstance(error, Exception)):
            self.error = self.error or error
            self.is_stopped = True

    def _put(self, first: int, made: Made) -> None:
        values, count = self.values, len(made.values)
        if first == len(values):
            values += made.values
        else:
            missing = first + count - len(values)
            if missing > 0:
                values += [None] * missing
            values[first : first + count] = made.values
        self._done += count
        self.reused += made.reused
        if made.error is None:
            took_s = (made.ended_ns[-1] - made.started_ns) / 1e9 if count else 0.0
            self.pace.took(count - made.reused, took_s)


def pull_items(source: Source, most: int) -> Pulled:
    """Pull items: all under this is the user's code, who may have given an iterator."""
    return source.pull(most)


def counted(fan: Fan) -> dict[str, int]:
    """Return how many items there are of each state."""
    counts = {"ok": fan.done - fan.reused, "reused": fan.reused, "failed": len(fan.failed)}
    counts["pending"] = max(0, (fan.source.total or 0) - sum(counts.values()))
    return {state: count for state, count in counts.items() if count}
