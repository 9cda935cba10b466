"""Spans: from the events of a run to which worker was at what, and when.

A map may have a million items: what is too short to be seen beside what came before is put
together, so that what is held is bounded by what can be drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.log.events import Event

WELL = "ok"
_SHORT, _CLOSE = 400.0, 2000.0
"""Spans that are shorter than such a part of the time so far, and closer, are one."""


@frozen
class Span:
    """A time in which a worker was at a stage, or at some items of it.

    Attributes
    ----------
    worker
        As in the events; "" for the thread of the run itself.
    begin_s, end_s
        Seconds since the run began.
    state
        How it ended, or "running".
    items
        How many items of a mapped stage; 0 for another stage.
    """

    worker: str
    stage: str
    begin_s: float
    end_s: float
    state: str = WELL
    items: int = 0

    @property
    def took_s(self) -> float:
        """How long it took, in seconds."""
        return self.end_s - self.begin_s


@define
class Watching:
    """Takes the events of a run one by one, and gathers the spans."""

    spans: list[Span] = Factory(list)
    _begun: dict[tuple[str, Any], float] = Factory(dict)
    _mapped: set[str] = Factory(set)
    _last: dict[str, int] = Factory(dict)

    def take(self, event: Event, now_s: float) -> None:
        """Take an event that happened *now_s* seconds after the first."""
        stage, kind = event.stage, event.kind
        if stage is None:
            return
        if kind == "stage.start":
            self._begun[stage, None] = now_s
        elif kind == "attempt.start":
            self._begun[stage, event.item] = now_s
        elif kind in ("stage.end", "attempt.end", "items"):
            self._end(event, stage, event.data or {}, now_s)

    def all(self, now_s: float) -> list[Span]:
        """Return all spans; what has not ended is running until *now_s*."""
        running = [
            Span("", stage, begin_s, now_s, "running")
            for (stage, item), begin_s in self._begun.items()
            if item is None and stage not in self._mapped
        ]
        return [*self.spans, *running]

    def _end(self, event: Event, stage: str, data: dict[str, Any], now_s: float) -> None:
        state, begin_s = str(data.get("state", WELL)), now_s
        if event.kind == "items":
            items = _number(data.get("count")) - _number(data.get("reused"))
        else:
            begin_s = self._begun.pop((stage, event.item), now_s)
            items = float(event.item is not None)
        if event.item is None and event.kind == "attempt.end" and "retry_in_s" not in data:
            self._begun[stage, None] = begin_s  # the end of the stage says it too
            return
        if state == "reused" or (event.kind == "items" and items <= 0):
            return
        if event.kind == "stage.end" and stage in self._mapped:
            return
        took_s = _number(data.get("duration_s"))
        if took_s:
            begin_s = max(0.0, now_s - took_s)
        if items:
            self._mapped.add(stage)
        self._add(Span(str(data.get("worker", "")), stage, begin_s, now_s, state, int(items)))

    def _add(self, span: Span) -> None:
        place = self._last.get(span.worker)
        last = None if place is None else self.spans[place]
        if last is not None and place is not None and _is_one(last, span):
            items = last.items + span.items
            self.spans[place] = evolve(last, end_s=max(last.end_s, span.end_s), items=items)
            return
        self._last[span.worker] = len(self.spans)
        self.spans.append(span)


def spans_in(events: Iterable[Event]) -> list[Span]:
    """Return what each worker did, in the order in which it ended."""
    watching, first_s, now_s = Watching(), None, 0.0
    for event in events:
        first_s = event.dt if first_s is None else first_s
        now_s = event.dt - first_s
        watching.take(event, now_s)
    return watching.all(now_s)


def _is_one(last: Span, span: Span) -> bool:
    """Say whether two spans of a worker would look like one."""
    if (last.stage, last.state) != (span.stage, span.state) or span.state != WELL:
        return False
    now_s = span.end_s
    return span.took_s * _SHORT < now_s and abs(span.begin_s - last.end_s) * _CLOSE < now_s


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
