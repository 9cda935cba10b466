"""The log of one run: a list of records that everything else reads.

Whatever happens is appended to ``records``; that is all a stage pays for. From there the records go
to the sinks in batches (`delivery`), and the oldest prints are let go when there are very many
(`memory`).
"""

from __future__ import annotations

import os
from itertools import count
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pypedream.log.batch import Batch
from pypedream.log.delivery import Delivery
from pypedream.log.events import EventSequence
from pypedream.log.json_lines import LineParts
from pypedream.log.memory import Memory
from pypedream.log.moments import Moments
from pypedream.log.outlets import Outlet, SinkFailure, outlet_of
from pypedream.log.pace import Pace
from pypedream.log.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pypedream.context import Attempt
    from pypedream.log.displays import Displays
    from pypedream.log.events import Event
    from pypedream.log.redaction import Redactor
    from pypedream.protocols import Record, Sink

__all__ = ["EventLog"]

RECORD_WIDTH = 8


class EventLog:
    """What happened in one run, in order, and its way to the sinks; it lives as long as the run.

    Parameters
    ----------
    run
        The run's id.
    sinks
        Objects with ``emit(event)``, or functions of an `Event`.
    redactor
        Hides the run's secrets; None when it has none.
    limit
        How many records of kinds other than ``run.* stage.* attempt.*`` are kept in memory. Long
        texts count for more, so that they take 24 MiB at most. The oldest go first; sinks have got
        them all.

    Attributes
    ----------
    records
        The records; hot paths append to it, nobody else changes it.
    counter
        Gives each record its number.
    start_ns
        When the run started, by the clock of the records.
    moments, line_parts, shared
        What the events and lines of this log have in common, made once; *shared* is the attempt
        with logged inputs that was written last, and these inputs.
    deliver
        Hands over to the sinks all that they were not given yet.
    deliver_soon
        Hands over now what a console shows, and the rest within a tenth of a second: for what is
        printed, which a file takes many lines at a time.
    is_live
        Whether a sink wants to know of each stage as it happens.
    is_attended
        Whether what is appended is handed over within a tenth of a second without being asked for.
        Then one in `UNASKED` appended records still has to ask: they may be very many.
    displays_folder
        Where what the stages display in a notebook is also written to; None writes nothing.
    is_closed
        Whether the run is over: no sink gets anything any more.
    is_hosted
        Whether a sink writes into the log of a host, where all goes as well that handlers of the
        root logger get. What these have got is marked as shown.
    has_console
        Whether what stands beneath the routers is where a user looks.
    """

    def __init__(
        self,
        run: str,
        *,
        sinks: Iterable[Sink | Callable[[Event], object]] = (),
        redactor: Redactor | None = None,
        limit: int = 100_000,
    ) -> None:
        self.run = run
        self.redactor = redactor if redactor else None
        self.records: Rows[Record] = Rows(RECORD_WIDTH)
        self.counter: Iterator[int] = count(1)
        self.moments = Moments(perf_counter_ns(), time_ns())
        self.start_ns = self.moments.start_ns
        self.shared: tuple[Attempt | None, dict[str, Any]] = (None, {})
        self.pid = os.getpid()
        self.line_parts = LineParts(run, self.pid)
        self._batch: Batch | None = None
        self.is_closed = False
        self.displays_folder: Path | None = None
        self._outlets = [outlet_of(sink) for sink in sinks]
        self.is_hosted = any(getattr(each.sink, "is_hosts_log", False) for each in self._outlets)
        self.has_console = not self.is_hosted
        self._memory = Memory(limit)
        self._deliver_to(self._outlets)
        self._events = EventSequence(self)
        self._pace = Pace()
        _open_logs.add(self)

    @property
    def displays(self) -> Displays:
        """What the stages displayed in a notebook; most runs are in none."""
        found: Displays | None = vars(self).get("_displays")
        if found is None:
            from pypedream.log.displays import Displays

            # Of several threads that come at once, all get those of the first.
            found = vars(self).setdefault("_displays", Displays(self.displays_folder))
        return found

    @property
    def events(self) -> EventSequence:
        """The events so far, without secrets; a view that grows."""
        return self._events

    @property
    def sink_failures(self) -> list[SinkFailure]:
        """The sinks that raised, each with its first error and the number of events it lost."""
        return [outlet.failure for outlet in self._outlets if outlet.failure is not None]

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
        """Append a record and deliver it.

        Of ``progress`` an attempt gets one record a second, and one when all is done.
        """
        now = perf_counter_ns()
        if kind == "progress" and self._pace.is_too_soon(attempt, data, now):
            return
        record = (next(self.counter), now, attempt, kind, level, event, stream, data)
        self.records.append(record)
        self.deliver()

    def batch(self, records: Sequence[Record]) -> Batch:
        """Return *records* with their lines; sinks that get the same list share them."""
        batch = self._batch
        if batch is None or batch.records is not records:
            self._batch = batch = Batch(records, self)
        return batch

    def close(self) -> None:
        """Hand over everything, close the sinks and say which of them failed.

        What is appended afterwards reaches no sink.
        """
        if self.is_closed:
            return
        try:
            self._hand_over_and_close()
        finally:
            self._deliver_to([])
            self.is_closed = True
            _open_logs.discard(self)

    def _hand_over_and_close(self) -> None:
        if self._memory.dropped:
            self.add("dropped", data={"count": self._memory.dropped, "from": "memory"})
        self._delivery.stop()
        consoles = [outlet for outlet in self._outlets if outlet.is_prompt]
        for outlet in self._outlets:
            if not outlet.is_prompt:
                outlet.close()
        # What is closed gets nothing more: a file would be opened again.
        self._deliver_to(consoles)
        for failure in self.sink_failures:
            self.add("warning", str(failure), level="warning")
        for outlet in consoles:
            outlet.close()

    def opened(self, lines: dict[int, Any]) -> None:
        """Take no notice of an attempt that begins to print: its lines are in this process."""

    def shown(self) -> None:
        """Hand over everything: a stage flushed a line without an end."""
        self.deliver()

    def make_way(self) -> None:
        """Hand over everything and clear the console's last line: a prompt is to be shown there."""
        self.deliver()
        for outlet in self._outlets:
            outlet.pause()

    def before_fork(self) -> None:
        """End the thread that delivers: Python warns of a fork where there is more than one."""
        self._delivery.calm()

    def after_fork(self) -> None:
        """Cut the log off from its sinks in a child process: they are the parent's."""
        self.records.cut(self._delivery.cursor)
        self.pid = os.getpid()
        self.line_parts = LineParts(self.run, self.pid)
        for outlet in self._outlets:
            outlet.after_fork()
        self._deliver_to([])

    def _deliver_to(self, outlets: list[Outlet]) -> None:
        self.is_live = any(outlet.wants_states for outlet in outlets)
        self.is_attended: bool
        self._delivery = Delivery(self, outlets, self._memory)
        # Bound here and not written as methods: each stage pays for every call in between.
        self.deliver: Callable[[], None] = self._delivery.now
        self.deliver_soon: Callable[[], None] = self._delivery.soon


_open_logs: WeakSet[EventLog] = WeakSet()


def _before_fork() -> None:
    for log in list(_open_logs):
        log.before_fork()


def _after_fork_in_child() -> None:
    for log in list(_open_logs):
        log.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
