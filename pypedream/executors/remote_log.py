"""What stands for the log of a run in a process that the run is not in.

To an attempt it is a log like any other. What it is given becomes rows, which go to whoever takes
them: the first few at once, many at a time when there are very many, so that little is lost when
the process is killed. Without a taker the rows are kept for the reply.
"""

from __future__ import annotations

import pickle
from itertools import count
from threading import Lock
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from pypedream.executors.taps import Numbers
from pypedream.log.encode import FAILURES, plain
from pypedream.log.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.executors.jobs import Row
    from pypedream.executors.taps import Ends, Taps
    from pypedream.log.lines import Line
    from pypedream.protocols import Record

__all__ = ["PERIOD_S", "RemoteLog"]

PERIOD_S = 0.1
MOST_HURRIED = 8  # so many deliveries a period are made at once
MOST_WAITING = 256
MOST_AT_ONCE = 4096
MOST_KEPT = 100_000


class RemoteLog:
    """The rows of one attempt, or of the items of a map; it lives as long as their kit.

    Parameters
    ----------
    run
        The run's id.
    take
        Takes rows as they come, from any thread and never two at a time. None keeps them.

    Attributes
    ----------
    counter
        Gives each record its number.
    """

    is_hosted = False
    has_console = False
    redactor = None  # the log of the run hides secrets, and so does who writes a file
    is_attended = False

    def __init__(self, run: str, take: Callable[[list[Row]], object] | None = None) -> None:
        self.run = run
        self.records: list[Record] = []
        self.counter: Iterator[int] = count(1)
        self.is_closed = False
        self._take = take
        self._taps: Taps | None = None
        self._send: Callable[[list[Row], Ends, list[Row]], object]
        self._lines: dict[int, tuple[Line, Line]] = {}
        self._told: list[Row] = []
        self._pace = Pace()
        self._sending = Lock()
        self._offset_ns = time_ns() - perf_counter_ns()
        self._last_ns = self._hurried = self._dropped = 0

    def follow(self, taps: Taps, send: Callable[[list[Row], Ends, list[Row]], object]) -> None:
        """Record what *taps* see in its place among the rest.

        Parameters
        ----------
        send
            Takes rows, up to where they say all that was written to the standard streams, and
            rows of lines that have no end yet.
        """
        self._taps, self._send = taps, send
        self.counter = Numbers(taps)

    def add(
        self,
        kind: str,
        event: str | None = None,
        *,
        attempt: Any = None,
        level: str = "info",
        stream: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Append a record; of ``progress`` an attempt gets one a second, and the last."""
        now = perf_counter_ns()
        if kind == "progress" and self._pace.is_too_soon(attempt, data, now):
            return
        self.records.append((next(self.counter), now, attempt, kind, level, event, stream, data))
        self.deliver()

    def deliver_soon(self) -> None:
        """Hand over now if that was not done very often of late; else `PERIOD_S` sees to it."""
        if self._is_early() or len(self.records) >= MOST_WAITING:
            self.deliver()

    def _is_early(self) -> bool:
        """Say whether something may be handed over at once, and count it."""
        now = perf_counter_ns()
        if now - self._last_ns >= PERIOD_S * 1e9:
            self._last_ns, self._hurried = now, 0
        self._hurried += 1
        return self._hurried <= MOST_HURRIED

    def deliver(self) -> None:
        """Hand over all rows; returns at once if another thread is at it."""
        if self._is_kept:
            self._forget_oldest()
            return
        is_done = True
        while is_done and self.records and self._sending.acquire(False):
            try:
                is_done = self._hand_over(wait=False)
            finally:
                self._sending.release()

    def deliver_unfinished(self) -> None:
        """Hand over all rows, and lines without an end if they have changed."""
        self.deliver()
        if self._is_behind and self._sending.acquire(False):
            try:
                self._hand_over(wait=False)
            finally:
                self._sending.release()

    def shown(self) -> None:
        """Hand over at once what a stage flushed, a line without an end if not very often."""
        self.deliver()
        if self._is_behind and self._is_early():
            self.deliver_unfinished()

    def opened(self, lines: dict[int, tuple[Line, Line]]) -> None:
        """Look after what an attempt prints, in each of its threads, until the next one does."""
        self._lines = lines

    def settle(self) -> None:
        """Hand over all rows, after whoever is at it."""
        if self._is_kept:
            return
        with self._sending:
            while self.records:
                self._hand_over(wait=True)

    @property
    def _is_kept(self) -> bool:
        return self._take is None and self._taps is None

    def left(self) -> list[Row]:
        """Return the rows that nobody was given, and forget them."""
        rows = self._rows(self.records)
        self.records = []
        if self._dropped:
            data = {"count": self._dropped, "from": "memory"}
            rows.append((time_ns(), None, "dropped", "info", None, None, data))
            self._dropped = 0
        return rows

    def make_way(self) -> None:
        """Hand over all rows: a prompt is to be shown, though nobody will see it."""
        self.deliver()

    def close(self) -> None:
        """Take nothing any more."""
        self.settle()
        self.is_closed = True

    def _hand_over(self, *, wait: bool) -> bool:
        """Give all records to who takes them; False if the taps are adding some just now."""
        if self._taps is None:
            records = self.records[:MOST_AT_ONCE]
            assert self._take is not None
            self._take(self._rows(records))
        else:
            if not self._taps.hold(wait=wait):
                return False
            try:
                records, ended = self.records[:], self._taps.ended(self)
            finally:
                self._taps.release()
            self._told = self._unfinished()  # a line that ends now is a record of the next time
            self._send(self._rows(records), ended, self._told)
            self._taps.told(ended)
        del self.records[: len(records)]
        return True

    @property
    def _is_behind(self) -> bool:
        """Whether lines without an end are not what they were when they were handed over."""
        return self._taps is not None and self._unfinished() != self._told

    def _unfinished(self) -> list[Row]:
        """Return rows of the lines that have no end yet: they get none if the process is killed."""
        rows: list[Row] = []
        for line in [line for both in list(self._lines.values()) for line in both]:
            text = line.so_far()
            if text:
                key = line.attempt.item
                rows.append((0, key, "print", "info", text, line.stream, None))
        return rows

    def _forget_oldest(self) -> None:
        excess = len(self.records) - MOST_KEPT
        if excess > 0:
            excess += MOST_KEPT // 4
            del self.records[:excess]
            self._dropped += excess

    def _rows(self, records: list[Record]) -> list[Row]:
        offset = self._offset_ns
        return [
            (
                ns + offset,
                None if attempt is None else attempt.item,
                kind,
                level,
                event,
                stream,
                None if data is None else _sendable(data),
            )
            for _, ns, attempt, kind, level, event, stream, data in records
        ]


def _sendable(data: Any) -> dict[str, Any]:
    """Return *data* as it is if it can be pickled by name, otherwise as plain JSON data."""
    try:
        if b"__main__" not in pickle.dumps(data, 5):
            values: dict[str, Any] = data
            return values
    except FAILURES:
        pass
    return plain(data)
