"""Records as lines of JSON, one object each: the same content as an `Event`, in the same order."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any

from attrs import asdict

from pypedream.log.encode import encode, plain, quoted, readable, safe_encode
from pypedream.log.events import KINDS, item_of, known_level, shared_of, values_of
from pypedream.log.moments import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.context import Attempt
    from pypedream.log.event_log import EventLog
    from pypedream.log.events import Event
    from pypedream.protocols import Record

__all__ = ["LineParts", "line_of", "lines_of"]

_AFTER_TEXT = {
    None: ',"stream":null,"data":',
    "stdout": ',"stream":"stdout","data":',
    "stderr": ',"stream":"stderr","data":',
}
_FIRST = ',"item":null,"attempt":1,"seq":'
_SECOND = 1_000_000_000
_SMALL = 1_000_000  # ns: for what takes less, six digits are two entries of a table
_NOWHERE: Any = object()


class LineParts:
    """The parts that the lines of one log share; a child process gets its own.

    Attributes
    ----------
    run
        From the run's id to the stage.
    spoken
        By kind, for the level info: what follows the number of an event, up to its text.
    start, well
        What follows the number where a stage starts, and up to its time where it ended well.
    started
        The stage that a step started last, and its name as JSON.
    """

    __slots__ = ("_pid", "run", "spoken", "start", "started", "well")

    def __init__(self, run: str, pid: int) -> None:
        self._pid = f',"pid":{pid},"kind":'
        self.run = f',"run":{quoted(run)},"stage":'
        self.spoken = {kind: self.before_text(kind, "info") for kind in KINDS}
        silence = _AFTER_TEXT[None]
        self.start = f'{self.spoken["stage.start"]}"stage.start"{silence}null}}\n'
        self.well = f'{self.spoken["stage.end"]}"stage.end"{silence}{{"state":"ok","duration_s":'
        self.started = ("", "")

    def before_text(self, kind: str, level: str) -> str:
        """Return what stands between an event's number and its text."""
        return f'{self._pid}"{kind}","level":"{known_level(level)}","event":'


def lines_of(records: Iterable[Record], log: EventLog) -> list[str]:
    """Return the JSON lines of *records*, each with its newline, ASCII only, without secrets.

    A step is one text of two lines, or of one.
    """
    lines: list[str] = []
    add, digits, is_open, after = lines.append, DIGITS, log.redactor is None, _AFTER_TEXT
    moments, parts = log.moments, log.line_parts
    spoken, start_ns, first = parts.spoken, moments.start_ns, _FIRST
    run, start, well = parts.run, parts.start, parts.well
    low = high = wall_us = since_us = 0
    started, name = parts.started
    head = middle = where = rest = ""
    values, shared, there, through = "null", None, _NOWHERE, _NOWHERE
    # Unpacked here, since `zip` then makes one tuple for all of them.
    for seq, ns, attempt, kind, level, event, stream, data in records:
        us = (ns - start_ns) // 1000
        if not low <= us < high:
            low, high, wall, wall_us, since, since_us = moments.window_at(us)
            head, middle = f'{{"ts":"{wall}', f'Z","dt":{since}'
        if kind == "step":  # a small stage costs little more than this: so no call for the usual
            time = f"{head}{digits[us - wall_us]}{middle}{digits[us - since_us]}{run}"
            before = name
            took: Any = None if level is None else ns - data
            if attempt is None or level != started or took >= _SMALL:
                name = "" if attempt is None else quoted(attempt)
                add(_lines_of_step(time, (level, stream, took, event), (attempt, seq), parts))
            else:
                name = quote(attempt) if attempt.isascii() else quoted(attempt)
                add(
                    f"{time}{before}{first}{stream}{well}"
                    f'0.000{digits[took // 1000]}{digits[took % 1000]},"attempts":1}}}}\n'
                    f"{time}{name}{first}{seq}{start}"
                )
            started = attempt or ""
            continue
        if attempt is not there:
            where, shared, values = _shared_by(attempt, log)
            there, through = attempt, _NOWHERE
        if stream is not through:
            through, rest = stream, f"{after[stream]}{values}}}\n"
        if is_open and data is None and level == "info" and type(event) is str and event.isascii():
            add(
                f"{head}{digits[us - wall_us]}{middle}{digits[us - since_us]}"
                f"{where}{seq}{spoken[kind]}{quote(event)}{rest}"
            )
        else:
            time = f"{head}{digits[us - wall_us]}{middle}{digits[us - since_us]}"
            said = _said(kind, level, event, log)
            own = (
                values if data is None else safe_encode(values_of(data, shared) or {}, log.redactor)
            )
            add(f"{time}{where}{seq}{said}{after[stream]}{own}}}\n")
    parts.started = (started, name)
    return lines


def _lines_of_step(
    time: str, ended: tuple[Any, Any, Any, Any], started: tuple[Any, int], parts: LineParts
) -> str:
    """Return one or two lines, which begin with the same *time*."""
    before, number, took_ns, worker = ended
    stage, seq = started
    text = ""
    if before is not None:
        whole, part = divmod(took_ns, _SECOND)
        by = f',"worker":{quoted(worker)}' if worker else ""
        text = (
            f"{time}{quoted(before)}{_FIRST}{number}{parts.well}"
            f'{whole}.{str(part + _SECOND)[1:]},"attempts":1{by}}}}}\n'
        )
    return text if stage is None else f"{text}{time}{quoted(stage)}{_FIRST}{seq}{parts.start}"


def line_of(event: Event) -> str:
    """Return an event as its JSON line, without the newline."""
    return encode({**asdict(event, recurse=False), "data": event.data and plain(event.data)})


def _said(kind: str, level: str, event: Any, log: EventLog) -> str:
    """Return what a line says, from the process to the text."""
    text = quoted(kind if event is None else readable(event, log.redactor))
    return f"{log.line_parts.before_text(kind, level)}{text}"


def _shared_by(attempt: Attempt | None, log: EventLog) -> tuple[str, dict[str, Any] | None, str]:
    """Return what all lines of an attempt have in common.

    Returns
    -------
    What says where it happened, from the run to the number; the logged inputs; and these as text.
    """
    run = log.line_parts.run
    if attempt is None:
        return f'{run}null,"item":null,"attempt":null,"seq":', None, "null"
    item = "null" if attempt.item is None else encode(item_of(attempt.item, log))
    where = f'{run}{quoted(attempt.stage)},"item":{item},"attempt":{attempt.number},"seq":'
    shared = shared_of(attempt, log) if attempt.data else None
    return where, shared, "null" if shared is None else safe_encode(shared, log.redactor)
