"""The way from a log to one of its sinks: how far it has got, and what became of it.

A sink that fails never fails a stage and never holds up another sink: its failure is kept, and it
is tried again with the next events.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.log.encode import FAILURES, readable
from pypedream.log.ended import said_by
from pypedream.log.events import STATE_KINDS, event_of, expanded
from pypedream.log.outside import outside_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record

__all__ = ["Outlet", "SinkFailure", "outlet_of"]

MOST_AT_ONCE = 1024
DEEP = 500


@define(eq=False, repr=False)
class SinkFailure:
    """A sink that raised.

    Attributes
    ----------
    sink
        The sink, as it was given.
    error
        What it raised first.
    lost
        How many events it did not take.
    """

    sink: object
    error: BaseException
    lost: int = 0

    def __str__(self) -> str:
        events = "1 event" if self.lost == 1 else f"{self.lost} events"
        name = getattr(self.sink, "__qualname__", None) or readable(self.sink)
        error = f"{type(self.error).__name__}: {said_by(self.error)}"
        return f"log sink {name} failed: {error} ({events} lost)"


class Outlet:
    """One sink of one log; it lives as long as the log.

    Attributes
    ----------
    cursor
        How many of the log's records the sink has been given.
    is_prompt
        Whether the sink wants what is printed at once, as a console does.
    wants_states
        Whether the sink wants to know of each stage as it starts and ends.
    failure
        None as long as the sink took everything.
    """

    __slots__ = (
        "_given",
        "_kinds",
        "_most",
        "_take",
        "_takes_steps",
        "cursor",
        "failure",
        "is_prompt",
        "sink",
        "wants_states",
    )

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        take = getattr(sink, "emit_batch", None)
        self._take: Callable[[Sequence[Record], EventLog], object] = take or self._take_one
        self._most = MOST_AT_ONCE if take else 1
        self.cursor = self._given = 0
        self.is_prompt = bool(getattr(sink, "is_prompt", False))
        self._kinds = getattr(sink, "kinds", None)
        self._takes_steps = bool(getattr(sink, "takes_steps", False))
        self.wants_states = self._kinds is None or not STATE_KINDS.isdisjoint(self._kinds)
        self.failure: SinkFailure | None = None

    def deliver(self, log: EventLog, end: int, shared: Sequence[Record] | None = None) -> None:
        """Give the sink all records before index *end* that it was not given yet.

        Parameters
        ----------
        shared
            The records that come next, if they were taken out for several sinks: those that write
            lines share them then.

        Raises
        ------
        RecursionError
            If there is no room for a sink on the stack: it is the stage that went too deep.
        """
        while self.cursor < end:
            start = self.cursor
            if shared is not None and start + len(shared) == end and len(shared) <= self._most:
                batch = shared
            else:
                batch = log.records[start : min(end, start + self._most)]
            if self._takes_steps:
                self._give(batch, log)
            elif self._most > 1:
                self._give(list(expanded(batch, log)), log)
            else:
                self._give_singly(list(expanded(batch, log)), log)
            # After the call: what Ctrl-C kept from the sink comes again.
            self.cursor = start + len(batch)

    def _give(self, records: Sequence[Record], log: EventLog) -> None:
        """Let the sink take *records*; what it raises is kept."""
        try:
            self._take(records, log)
        except FAILURES as error:
            if isinstance(error, RecursionError) and _is_deep():
                raise
            self.failed(error, self._count(records, log))

    def _give_singly(self, records: Sequence[Record], log: EventLog) -> None:
        """Let the sink take one record, or one after the other the two that a step stands for."""
        for record in records[self._given :]:
            self._give([record], log)
            self._given += 1  # when Ctrl-C comes at the second, the first does not come again
        self._given = 0

    def failed(self, error: BaseException, lost: int) -> None:
        """Remember that the sink raised *error* and did not take *lost* events."""
        if self.failure is None:
            self.failure = SinkFailure(self.sink, error)
        self.failure.lost += lost

    def left(self, log: EventLog) -> int:
        """Return how many events the sink still has to get."""
        return self._count(log.records[self.cursor :], log)

    def pause(self) -> None:
        """Let the sink clear the line that it keeps on the console, if it does so."""
        self._tell("pause")

    def close(self) -> None:
        """Close the sink if it can be closed."""
        self._tell("close")

    def after_fork(self) -> None:
        """Let the sink replace the locks that a child process has from its parent."""
        self._tell("after_fork")

    def _count(self, records: Sequence[Record], log: EventLog) -> int:
        """Count the events among *records* that the sink wants."""
        kinds = self._kinds
        return sum(kinds is None or record[3] in kinds for record in expanded(records, log))

    def _tell(self, name: str) -> None:
        method = getattr(self.sink, name, None)
        if method is not None:
            try:
                method()
            except FAILURES as error:
                self.failed(error, 0)

    def _take_one(self, records: Sequence[Record], log: EventLog) -> None:
        outside_stages(getattr(self.sink, "emit", self.sink), event_of(records[0], log))


def outlet_of(sink: object) -> Outlet:
    """Return the outlet for *sink*.

    Raises
    ------
    TypeError
        If *sink* has no method ``emit`` and cannot be called.
    """
    if hasattr(sink, "emit_batch") or hasattr(sink, "emit") or callable(sink):
        return Outlet(sink)
    raise TypeError(
        f"{sink!r} is not a sink: pass an object with a method emit(event),"
        " or a function that takes an event"
    )


def _is_deep() -> bool:
    """Whether the stack is high already: if not, it was the sink that did not come to an end."""
    frame: FrameType | None = sys._getframe()
    for _ in range(DEEP):
        if frame is None:
            return False
        frame = frame.f_back
    return True
