"""Records as events: the object that sinks and users get, and the line of a log file.

A record is the tuple that the hot paths append. `event_of` and `lines_of` are two views of it
with the same content: an event's attributes are the keys of the line, in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quote
from operator import itemgetter
from time import gmtime
from typing import TYPE_CHECKING, Any, overload

from attrs import asdict, frozen

from pypedream.log.encode import FAILURES, encode, plain, plain_value, quoted, readable, safe_encode
from pypedream.log.ended import Ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.context import Attempt
    from pypedream.log.event_log import EventLog
    from pypedream.log.redaction import Redactor
    from pypedream.protocols import Record

    Data = dict[str, Any] | Ended | None

__all__ = [
    "KINDS",
    "LEVELS",
    "STATE_KINDS",
    "Event",
    "EventSequence",
    "LineParts",
    "event_of",
    "line_of",
    "lines_of",
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
KINDS = STATE_KINDS | frozenset(["print", "log", "warning", "progress", "artifact", "dropped"])

# Between two times in us after the run's start the seconds of `ts` and of `dt` stay the same:
# (first, past the last, text of ts up to its second, its time, whole seconds of dt, their time).
Window = tuple[int, int, str, int, str, int]

_AFTER_TEXT = {
    None: ',"stream":null,"data":',
    "stdout": ',"stream":"stdout","data":',
    "stderr": ',"stream":"stderr","data":',
}
_NOWHERE: Any = object()
_SIX_DIGITS = "%06d"  # half as dear as the same in an f-string
_SECONDS = "%d.%09d"


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
        The process.
    kind
        ``run.start run.end stage.start stage.end stage.skip attempt.start attempt.end print log
        warning progress artifact dropped``.
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
    us = (ns - log.start_ns) // 1000
    low, high, second, second_us, _, _ = log.line_parts.window
    if not low <= us < high:
        _, _, second, second_us, _, _ = log.line_parts.window = _window_at(us, log)
    shared = _shared(attempt, log) if attempt is not None and attempt.data else None
    values = _values(data, shared)
    return Event(
        ts=f"{second}.{us - second_us:06d}Z",
        dt=us / 1_000_000,
        run=log.run,
        stage=None if attempt is None else attempt.stage,
        item=None if attempt is None or attempt.item is None else _item(attempt.item, log),
        attempt=None if attempt is None else attempt.number,
        seq=seq,
        pid=log.pid,
        kind=kind,
        level=_known(level),
        event=kind if event is None else readable(event, log.redactor),
        stream=stream,
        data=None if values is None else plain(values, log.redactor),
    )


class LineParts:
    """The parts that the lines of one log share; a child process gets its own.

    Attributes
    ----------
    run
        From the run's id to the stage.
    spoken, silent
        By kind, for the level info: what follows the number of an event, up to its text, or up to
        its data when it has no text.
    window
        The seconds of the line that was written last.
    shared
        The attempt with logged inputs that was written last, and these inputs.
    """

    __slots__ = ("pid", "run", "shared", "silent", "spoken", "window")

    def __init__(self, run: str, pid: int) -> None:
        self.run = f',"run":{quoted(run)},"stage":'
        self.pid = f',"pid":{pid},"kind":'
        self.window: Window = (0, 0, "", 0, "", 0)
        self.shared: tuple[Attempt | None, dict[str, Any]] = (None, {})
        self.spoken = {kind: self.before_text(kind, "info") for kind in KINDS}
        self.silent = {
            kind: f'{start}"{kind}"{_AFTER_TEXT[None]}' for kind, start in self.spoken.items()
        }

    def before_text(self, kind: str, level: str) -> str:
        """Return what stands between an event's number and its text."""
        return f'{self.pid}"{kind}","level":"{_known(level)}","event":'


def lines_of(records: Iterable[Record], log: EventLog) -> list[str]:
    """Return the JSON lines of *records* without their newlines, ASCII only, without secrets."""
    lines = []
    start_ns, redactor, parts, six = log.start_ns, log.redactor, log.line_parts, _SIX_DIGITS
    low, high, second, second_us, whole, whole_us = parts.window
    where, shared, there = "", None, _NOWHERE
    for seq, ns, attempt, kind, level, event, stream, data in records:
        us = (ns - start_ns) // 1000
        if not low <= us < high:
            parts.window = _window_at(us, log)
            low, high, second, second_us, whole, whole_us = parts.window
        if attempt is not there:
            where, there = _where(attempt, log), attempt
            shared = _shared(attempt, log) if attempt is not None and attempt.data else None
        if event is None and stream is None and level == "info":
            before, text, after = parts.silent[kind], "", ""
        elif level == "info" and redactor is None and type(event) is str and event.isascii():
            before, text, after = parts.spoken[kind], quote(event), _AFTER_TEXT[stream]
        else:
            before, after = parts.before_text(kind, level), _AFTER_TEXT[stream]
            text = quoted(kind if event is None else readable(event, redactor))
        values = "null"
        if data is not None or shared is not None:
            values = _values_text(data, shared, redactor)
        lines.append(
            f'{{"ts":"{second}.{six % (us - second_us)}Z","dt":{whole}.{six % (us - whole_us)}'
            f"{where}{seq}{before}{text}{after}{values}}}"
        )
    return lines


def line_of(event: Event) -> str:
    """Return an event as its JSON line, without the newline."""
    return encode({**asdict(event, recurse=False), "data": event.data and plain(event.data)})


class EventSequence(Sequence[Event]):
    """The events of a log in the order of their numbers; each is made when it is asked for."""

    __slots__ = ("_log", "_records")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._records: list[Record] = []

    def __len__(self) -> int:
        return len(self._log.records) + sum(1 + (call.end_seq > 0) for call in self._log.calls)

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
        known = self._records
        if len(known) != len(self) or (known and records and known[-1] is not records[-1]):
            called = [record for call in self._log.calls for record in _records_of(call)]
            self._records = known = sorted([*records, *called], key=itemgetter(0))
        return known


def _records_of(call: Attempt) -> Iterator[Record]:
    """Make the records of an attempt that is its own record."""
    yield (call.seq, call.start_ns, call, "stage.start", "info", None, None, None)
    if call.end_seq:
        ended = Ended("ok", call.end_ns - call.start_ns, 1)
        yield (call.end_seq, call.end_ns, call, "stage.end", "info", None, None, ended)


def _known(level: str) -> str:
    return level if level in LEVELS else "info"


def _where(attempt: Attempt | None, log: EventLog) -> str:
    run = log.line_parts.run
    if attempt is None:
        return f'{run}null,"item":null,"attempt":null,"seq":'
    item = "null" if attempt.item is None else encode(_item(attempt.item, log))
    stage = attempt.stage
    name = quote(stage) if stage.isascii() else quoted(stage)
    return f'{run}{name},"item":{item},"attempt":{attempt.number},"seq":'


def _item(item: object, log: EventLog) -> int | str:
    value = plain_value(item, log.redactor)
    return value if type(value) is int else readable(value)


def _shared(attempt: Attempt, log: EventLog) -> dict[str, Any]:
    """Return the logged inputs as plain data: made once for all lines that follow each other."""
    known, data = log.line_parts.shared
    if known is not attempt:
        data = plain(attempt.data or {}, log.redactor)
        log.line_parts.shared = (attempt, data)
    return data


def _values(data: Data, shared: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the values of a record with those that belong to every event of its attempt."""
    values = _said(data) if isinstance(data, Ended) else data
    return {**shared, **(values or {})} if shared else values


def _values_text(data: Data, shared: dict[str, Any] | None, redactor: Redactor | None) -> str:
    if type(data) is Ended and shared is None:
        state, duration_ns, attempts, reason, error = data[:5]
        if error is None and not reason:
            duration = _SECONDS % divmod(duration_ns, 1_000_000_000)
            return f'{{"state":"{state}","duration_s":{duration},"attempts":{attempts}}}'
    return safe_encode(_values(data, shared) or {}, redactor)


def _said(ended: Ended) -> dict[str, Any]:
    """Return what an end says of itself; an exception may be unable to say anything."""
    try:
        return ended.data()
    except FAILURES as error:
        said = f"{type(ended.error).__name__}, whose text raised {type(error).__name__}"
        return {**ended._replace(error=None).data(), "error": {"message": said}}


def _window_at(us: int, log: EventLog) -> Window:
    """Return the seconds that hold at *us* after the run's start, and how long they hold."""
    start_us = log.start_wall_ns // 1000
    whole = us // 1_000_000
    wall = (start_us + us) // 1_000_000
    whole_us, second_us = whole * 1_000_000, wall * 1_000_000 - start_us
    low, high = max(whole_us, second_us), min(whole_us, second_us) + 1_000_000
    return low, high, _utc(wall), second_us, str(whole), whole_us


def _utc(second: int) -> str:
    year, month, day, hour, minute, rest = gmtime(second)[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{rest:02d}"
