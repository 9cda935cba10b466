"""When and from which thread the records of a log reach its sinks.

Delivery is exclusive by a lock that nobody waits for: who does not get it asks its holder to go
round once more. So a print in a signal handler, in ``__del__`` or after a fork cannot wait for
itself. What is printed reaches a console at once and a file within a tenth of a second, many lines
by one write.
"""

from __future__ import annotations

from contextvars import Context
from threading import Event as Signal
from threading import Lock, Thread, current_thread
from time import perf_counter_ns
from typing import TYPE_CHECKING

from pypedream.log.lines import LONG_TEXT
from pypedream.log.outlets import MOST_AT_ONCE
from pypedream.log.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.log.event_log import EventLog
    from pypedream.log.memory import Memory
    from pypedream.log.outlets import Outlet
    from pypedream.protocols import Record

__all__ = ["UNASKED", "Delivery"]

PERIOD_S = 0.1
MOST_HURRIED = 8  # so many deliveries a period are made at once: few stages and lines never wait
IDLE_ROUNDS = 10
MOST_WAITING = 256
UNASKED = 64  # where somebody sees to it, so many records come without asking
MOST_UNWEIGHED = 64
LONGEST_WAIT_S = 5.0


class Delivery:
    """Hands the records of one log to its outlets; a child process and a closed log get a new one.

    Attributes
    ----------
    cursor
        How many of the log's records all outlets have been given.
    """

    __slots__ = (
        "_closing",
        "_flusher",
        "_has_flusher",
        "_hurried",
        "_last_ns",
        "_lock",
        "_log",
        "_memory",
        "_outlets",
        "_patient",
        "_prompt",
        "_records",
        "_wanted",
        "_weighed",
        "cursor",
    )

    def __init__(self, log: EventLog, outlets: Sequence[Outlet], memory: Memory) -> None:
        self._log, self._records = log, log.records
        self._memory = memory
        self._outlets = outlets
        self._prompt = [outlet for outlet in outlets if outlet.is_prompt]
        self._patient = len(self._prompt) < len(outlets)
        log.is_attended = not outlets
        self._lock, self._has_flusher = Lock(), Lock()
        self._flusher: Thread | None = None
        self._closing = Signal()
        self._wanted = False
        self._last_ns = self._hurried = 0
        self.cursor = self._weighed = len(self._records)

    def now(self) -> None:
        """Hand over all records; returns at once if another thread is at it and will do it."""
        self._wanted = True
        while self._wanted and self._lock.acquire(False):
            try:
                self._wanted = False
                end = len(self._records)
                self._hand_over(end)
                if end - self._weighed >= MOST_UNWEIGHED:
                    self._weigh()
            except RecursionError:  # the stage's own: it comes again from further up the stack
                return
            finally:
                self._lock.release()

    def soon(self) -> None:
        """Hand over now what is wanted now, and the rest within `PERIOD_S`."""
        records = self._records
        if len(records) - self.cursor >= MOST_WAITING or _is_long(records):
            self.now()
        elif self._patient:
            self._by_and_by()
        elif self._outlets:
            self.now()

    def stop(self) -> None:
        """Hand over all records, waiting for whoever is at it, and end."""
        is_held = False
        try:
            self.calm()
            self._closing.set()
            is_held = self._wait_for_others()
            if is_held:
                self._hand_over(len(self._records))
            for outlet in self._outlets:
                if outlet.cursor < len(self._records):
                    error = TimeoutError(f"it took no event for {LONGEST_WAIT_S:g} s")
                    outlet.failed(error, outlet.left(self._log))
        finally:  # also when the second Ctrl-C did not wait
            self._closing.set()  # for good
            # For threads that still come here.
            self._outlets, self._prompt, self._patient = [], [], False
            self._records = Rows(1)
            if is_held:
                self._lock.release()

    def _hand_over(self, end: int) -> None:
        """Give all sinks a part before any gets the next: files then share its text."""
        if not self._outlets:
            self.cursor = end
        while self.cursor < end:
            part = min(end, self.cursor + MOST_AT_ONCE)
            batch = self._records[self.cursor : part]
            for outlet in self._outlets:
                outlet.deliver(self._log, part, batch)
            self.cursor = part

    def calm(self) -> None:
        """End the flusher; the next print that waits starts a new one."""
        flusher = self._flusher
        if flusher is not None and flusher is not current_thread():
            self._closing.set()
            flusher.join(LONGEST_WAIT_S)
            self._closing.clear()

    def _wait_for_others(self) -> bool:
        """Take the lock as soon as its holder is done; False if there is nothing done at all."""
        before: list[int] = []
        while not self._lock.acquire(timeout=LONGEST_WAIT_S):
            now = [outlet.cursor for outlet in self._outlets]
            if now == before:
                return False
            before = now
        return True

    def _weigh(self) -> None:
        """Count what was handed over, and let old records go if there are too many."""
        start, self._weighed = self._weighed, self.cursor
        if not self._memory.add(self._records, start, self.cursor):
            return
        gone = self._memory.trim(self._records, self.cursor)
        self.cursor -= gone
        self._weighed -= gone
        for outlet in self._outlets:
            outlet.cursor -= gone

    def _by_and_by(self) -> None:
        now = perf_counter_ns()
        if now - self._last_ns >= PERIOD_S * 1e9:
            self._last_ns, self._hurried = now, 0
        if self._hurried < MOST_HURRIED:
            self._hurried += 1
            self.now()
            return
        if self._prompt and self._lock.acquire(False):
            try:
                for outlet in self._prompt:
                    outlet.deliver(self._log, len(self._records))
            except RecursionError:  # as above
                return
            finally:
                self._lock.release()
        if self._has_flusher.acquire(False):
            self._start_flusher()

    def _start_flusher(self) -> None:
        # The thread is nobody's: in an empty context no stage owns it, whoever prints first.
        flusher = Thread(target=self._flush, name="pypedream-log", daemon=True)
        try:
            Context().run(flusher.start)
        except RuntimeError:  # no more threads: at the end of the process, or at a limit
            self._has_flusher.release()
            self.now()
        else:
            self._flusher = flusher  # only now can another thread wait for it
            self._log.is_attended = not self._prompt

    def _flush(self) -> None:
        """Hand over every `PERIOD_S` until the log is closed or there was nothing for a while."""
        idle = 0
        try:
            while idle < IDLE_ROUNDS and not self._closing.wait(PERIOD_S):
                idle = idle + 1 if self.cursor == len(self._records) else 0
                self._last_ns = perf_counter_ns()
                self.now()
        finally:
            self._log.is_attended = False
            self._has_flusher.release()
        # After that: it is what was appended while this thread still seemed to be at it.
        self.now()


def _is_long(records: Rows[Record]) -> bool:
    text = records[-1][5] if records else None
    return text is not None and len(text) >= LONG_TEXT
