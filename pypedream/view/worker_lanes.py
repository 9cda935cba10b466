"""Lanes of workers: spans by worker, in rows in which none begins before another has ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.view.spans import Span

_SLACK = 0.2
"""A reply is taken in a little late: by such a part spans of one worker may seem to overlap."""


@frozen
class Lane:
    """What one worker did.

    Attributes
    ----------
    rows
        Spans that do not overlap, in order; more than one row where a worker, such as an event
        loop, is at several things at the same time.
    """

    worker: str
    rows: tuple[tuple[Span, ...], ...]

    @property
    def spans(self) -> list[Span]:
        """All spans."""
        return [span for row in self.rows for span in row]

    @property
    def busy_s(self) -> float:
        """How long it was at anything, in seconds."""
        busy_s = until_s = 0.0
        for span in sorted(self.spans, key=lambda span: span.begin_s):
            busy_s += max(0.0, span.end_s - max(span.begin_s, until_s))
            until_s = max(until_s, span.end_s)
        return busy_s


def lanes_of(spans: Iterable[Span]) -> list[Lane]:
    """Return a lane for each worker: the run itself first, then in the order of their numbers.

    Examples
    --------
    >>> from pypedream.view.spans import Span
    >>> spans = [Span("thread 10", "b", 0, 1), Span("thread 2", "a", 0, 1), Span("", "c", 1, 2)]
    >>> [lane.worker for lane in lanes_of(spans)]
    ['', 'thread 2', 'thread 10']
    """
    by_worker: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.begin_s, span.end_s)):
        by_worker.setdefault(span.worker, []).append(span)
    workers = sorted(by_worker, key=_in_order)
    return [Lane(worker, _rows(by_worker[worker])) for worker in workers]


def _in_order(worker: str) -> list[tuple[int, int, str]]:
    """Return by what workers are sorted: numbers in their names as numbers."""
    parts = re.split(r"(\d+)", worker)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _rows(spans: Iterable[Span]) -> tuple[tuple[Span, ...], ...]:
    """Put each span into the first row that has room for it."""
    rows: list[list[Span]] = []
    for span in spans:
        for row in rows:
            fitting = _after(row[-1], span)
            if fitting is not None:
                row.append(fitting)
                break
        else:
            rows.append([span])
    return tuple(map(tuple, rows))


def _after(last: Span, span: Span) -> Span | None:
    """Return a span as it can follow another one in a row; None if it cannot."""
    overlap_s = last.end_s - span.begin_s
    if overlap_s <= 0:
        return span
    if overlap_s > _SLACK * min(last.took_s, span.took_s):
        return None
    return evolve(span, begin_s=last.end_s)
