"""Records as events: the object that sinks and users get.

A record is the tuple that the hot paths append; an event is one view of it, a line of JSON another
(`json_lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, overload

from attrs import frozen

from pypedream.context import Attempt
from pypedream.log.encode import FAILURES, plain, plain_value, readable
from pypedream.log.ended import Ended
from pypedream.log.moments import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record

    Data = dict[str, Any] | Ended | None

__all__ = [
    "KINDS",
    "LEVELS",
    "STATE_KINDS",
    "STEP_KINDS",
    "Event",
    "EventSequence",
    "event_of",
    "expanded",
    "item_of",
    "known_level",
    "shared_of",
    "values_of",
]

LEVELS = frozenset(["debug", "info", "warning", "error", "critical"])

# What happened to the run, as against what its stages said.
STATE_KINDS = frozenset(
    [
        "run.start",
        "run.end",
        "stage.start",
        "stage.end",
        "stage.skip",
        "attempt.start",
        "attempt.end",
    ]
)
STEP_KINDS = frozenset(["stage.start", "stage.end"])
KINDS = STATE_KINDS | frozenset(
    ["items", "print", "log", "warning", "display", "progress", "artifact", "dropped"]
)


@frozen(slots=False)
class Event:
    """One fact about a run; its attributes are the keys of its JSON line.

    Attributes
    ----------
    ts
        Time in UTC, ISO 8601 with microseconds.
    dt
        Seconds since the run started, by a clock that never jumps.
    run, stage, item, attempt
        Where it happened. *stage* and *attempt* are None for an event of the run itself.
    seq
        1, 2, 3, ... in the order in which the events of a run happened.
    pid
        The process that carries out the run.
    kind
        ``run.start run.end stage.start stage.end stage.skip attempt.start attempt.end items print
        log warning display progress artifact dropped``.
    level
        ``debug info warning error critical``.
    event
        The text; an event that has none bears its kind.
    stream
        ``stdout`` or ``stderr`` for what was printed.
    data
        More values by name: the stage's logged inputs and those of the event.
    """

    ts: str
    dt: float
    run: str
    stage: str | None
    item: int | str | None
    attempt: int | None
    seq: int
    pid: int
    kind: str
    level: str
    event: str
    stream: str | None
    data: dict[str, Any] | None


def event_of(record: Record, log: EventLog) -> Event:
    """Return *record* as an event of *log*, without secrets."""
    seq, ns, attempt, kind, level, event, stream, data = record
    us = (ns - log.moments.start_ns) // 1000
    low, high, wall, wall_us, _, _ = log.moments.window
    if not low <= us < high:
        _, _, wall, wall_us, _, _ = log.moments.window_at(us)
    shared = shared_of(attempt, log) if attempt is not None and attempt.data else None
    values = values_of(data, shared)
    return Event(
        ts=f"{wall}{DIGITS[us - wall_us]}Z",
        dt=us / 1_000_000,
        run=log.run,
        stage=None if attempt is None else attempt.stage,
        item=None if attempt is None or attempt.item is None else item_of(attempt.item, log),
        attempt=None if attempt is None else attempt.number,
        seq=seq,
        pid=log.pid,
        kind=kind,
        level=known_level(level),
        event=kind if event is None else readable(event, log.redactor),
        stream=stream,
        data=None if values is None else plain(values, log.redactor),
    )


class EventSequence(Sequence[Event]):
    """The events of a log in the order of their numbers; each is made when it is asked for."""

    __slots__ = ("_log", "_records", "_state")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._records: list[Record] = []
        self._state = (0, 0)

    def __len__(self) -> int:
        return len(self._sorted())

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        records = self._sorted()
        if isinstance(index, slice):
            return [event_of(record, self._log) for record in records[index]]
        return event_of(records[index], self._log)

    def __iter__(self) -> Iterator[Event]:
        for record in self._sorted():
            yield event_of(record, self._log)

    def __repr__(self) -> str:
        return f"<{len(self)} events of run {self._log.run}>"

    def _sorted(self) -> list[Record]:
        """Return the records by their numbers; threads may append them in another order."""
        records = self._log.records
        state = (records.removed, len(records))
        if state != self._state:
            self._records = sorted(expanded(records, self._log), key=itemgetter(0))
            self._state = state
        return self._records


def expanded(records: Iterable[Record], log: EventLog) -> Iterator[Record]:
    """Yield *records* with the two that a step stands for in its place."""
    for record in records:
        if record[3] != "step":
            yield record
            continue
        seq, ns, stage, _, ended, worker, number, start_ns = record
        if ended is not None:
            how = Ended("ok", ns - start_ns, 1, worker=worker or "")
            yield (number, ns, Attempt(log, ended), "stage.end", "info", None, None, how)
        if stage is not None:
            yield (seq, ns, Attempt(log, stage), "stage.start", "info", None, None, None)


def known_level(level: str) -> str:
    """Return *level*, or "info" for one that is none of ours."""
    return level if level in LEVELS else "info"


def item_of(item: object, log: EventLog) -> int | str:
    """Return the key of a map item as JSON can hold it, without secrets."""
    value = plain_value(item, log.redactor)
    return value if type(value) is int else readable(value)


def shared_of(attempt: Attempt, log: EventLog) -> dict[str, Any]:
    """Return the logged inputs as plain data: made once for all lines that follow each other."""
    known, data = log.shared
    if known is not attempt:
        data = plain(attempt.data or {}, log.redactor)
        log.shared = (attempt, data)
    return data


def values_of(data: Data, shared: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the values of a record with those that belong to every event of its attempt."""
    values = _said(data) if isinstance(data, Ended) else data
    return {**shared, **(values or {})} if shared else values


def _said(ended: Ended) -> dict[str, Any]:
    """Return what an end says of itself; an exception may be unable to say anything."""
    try:
        return ended.data()
    except FAILURES as error:
        said = f"{type(ended.error).__name__}, whose text raised {type(error).__name__}"
        return {**ended._replace(error=None).data(), "error": {"message": said}}
