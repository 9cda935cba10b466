"""Hearing: from the events of a run to what each stage said and when it ran.

A stage may print without end: of each only the first and the last lines are kept, so that what a
page costs is bounded by its size and not by that of the log.
"""

from __future__ import annotations

import re
from collections import deque
from os.path import isabs
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.log.durations import duration_text
from pypedream.log.encode import encode
from pypedream.log.terminal import visible
from pypedream.log.warned import warned_at
from pypedream.view.page import Line, Said
from pypedream.view.spans import Watching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.log.events import Event
    from pypedream.view.spans import Span

MOST_LINES = 500
MOST_LETTERS = 60_000
LONGEST_LINE = 300
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_SERIOUS = ("error", "critical")
_UNSHOWN = frozenset(["coerced", "exception", "exception_type", "logger", "shown", "stack"])


@define
class _Ear:
    """Keeps the first and the last lines of one stage."""

    head: list[Line] = Factory(list)
    tail: deque[Line] = Factory(lambda: deque(maxlen=MOST_LINES // 2))
    count: int = 0
    warnings: int = 0
    errors: int = 0

    def take(self, line: Line) -> None:
        self.count += 1
        self.warnings += line.level == "warning"
        self.errors += line.level == "error"
        (self.head if len(self.head) < MOST_LINES // 2 else self.tail).append(line)

    def said(self) -> Said:
        left_out = self.count - len(self.head) - len(self.tail)
        letters = sum(len(line.text) for line in (*self.head, *self.tail))
        width = LONGEST_LINE if letters <= MOST_LETTERS else MOST_LETTERS // MOST_LINES
        head, tail = (tuple(_cut(line, width) for line in part) for part in (self.head, self.tail))
        return Said(head, tail, left_out, self.warnings, self.errors)


@define
class Heard:
    """What the events of a run tell.

    Attributes
    ----------
    started
        When the run began: time in UTC, ISO 8601.
    said
        From stage to what it said; "" stands for the run itself.
    began, ended
        From stage to seconds since the first event.
    items
        From a mapped stage to how many items ended in each state.
    displays
        From stage to the events of what it displayed.
    last_s
        When the last event happened, in seconds since the first.
    spans
        Which worker was at which stage, and when.
    """

    started: str = ""
    said: dict[str, Said] = Factory(dict)
    began: dict[str, float] = Factory(dict)
    ended: dict[str, float] = Factory(dict)
    items: dict[str, dict[str, int]] = Factory(dict)
    displays: dict[str, list[Event]] = Factory(dict)
    last_s: float = 0.0
    spans: list[Span] = Factory(list)

    def span(self, stage: str) -> tuple[float, float] | None:
        """Return when a stage began and ended; one that still runs ends now."""
        began = self.began.get(stage)
        return None if began is None else (began, max(began, self.ended.get(stage, self.last_s)))


def heard(events: Iterable[Event]) -> Heard:
    """Listen to all events of a run."""
    found, ears, watching = Heard(), dict[str, _Ear](), Watching()
    first_s = None
    for event in events:
        if first_s is None:
            first_s, found.started = event.dt, event.ts
        found.last_s = event.dt - first_s
        _note(event, found)
        watching.take(event, found.last_s)
        for line in lines_of(event):
            ears.setdefault(event.stage or "", _Ear()).take(line)
    found.said = {stage: ear.said() for stage, ear in ears.items()}
    found.spans = watching.all(found.last_s)
    return found


def _note(event: Event, found: Heard) -> None:
    """Take note of when a stage began or ended, and of what it displayed."""
    stage = event.stage
    if event.kind == "display":
        found.displays.setdefault(stage or "", []).append(event)
    if stage is None or event.item is not None:
        return
    if event.kind == "stage.start":
        found.began.setdefault(stage, found.last_s)
    elif event.kind == "stage.end":
        found.ended[stage] = found.last_s
        items = (event.data or {}).get("items")
        if isinstance(items, dict):
            found.items[stage] = {str(state): _count(number) for state, number in items.items()}


def _count(number: object) -> int:
    return number if isinstance(number, int) else 0


def lines_of(event: Event) -> Iterator[Line]:
    """Yield what an event says to a reader; nothing for most kinds."""
    item = f"[{event.item}] " if event.item is not None else ""
    level = "error" if event.level in _SERIOUS else event.level
    level = level if level in ("error", "warning") else "info"
    for line in _text(event).split("\n") if _is_said(event) else ():
        yield Line(item + _COLOURS.sub("", line), level)


def _is_said(event: Event) -> bool:
    if event.kind == "attempt.end":
        return "error" in (event.data or {})
    return event.kind in ("print", "log", "warning", "dropped")


def _text(event: Event) -> str:
    data = event.data or {}
    if event.kind == "attempt.end":
        return _failed_attempt(event, data)
    if event.kind == "log":
        values = (f"{key}={_short(data[key])}" for key in data if key not in _UNSHOWN)
        text = " ".join([f"{event.level}: {event.event}", *values])
        more = (str(data[key]) for key in ("exception", "stack") if key in data)
        return "\n".join([text, *more])
    if event.kind == "warning":
        place = warned_at(data)
        is_users = place and not isabs(place)  # that of a library is long and tells nobody much
        where = f" ({place})" if is_users else ""
        return f"{data.get('category', 'warning')}: {event.event}{where}"
    return event.event


def _failed_attempt(event: Event, data: dict[str, Any]) -> str:
    error = error_text(data.get("error"))
    if "retry_in_s" not in data:
        return error
    delay = data["retry_in_s"]
    when = f" in {duration_text(delay)}" if isinstance(delay, (int, float)) else ""
    return f"attempt {event.attempt} failed: {error}; once more{when}"


def error_text(error: Any) -> str:
    """Return an error of a log line as one line: type and message."""
    if not isinstance(error, dict):
        return str(error or "")
    parts = (str(error.get("type", "")), " ".join(str(error.get("message", "")).split()))
    return ": ".join(filter(None, parts))


def _short(value: Any) -> str:
    is_word = isinstance(value, str) and value and not any(sign in value for sign in ' "=\n')
    return value if is_word else encode(value)


def _cut(line: Line, width: int) -> Line:
    text = visible(line.text)
    return Line(text if len(text) <= width else f"{text[: width - 1]}…", line.level)
