"""Bars: where spans are drawn, so that each can be seen and none covers another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from pypedream.view.spans import WELL, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST: Final = 200
_LEAST = 2.0
_SHORT = 3.0
"""What is narrower is drawn as one where it meets."""
SEVERAL: Final = ""
"""What stands for the stage where there are several, too short to tell apart."""
_GAP = 1.0
_WIDEST_GAP = 64.0


@frozen
class Bar:
    """A span as it is drawn; it may stand for several."""

    row: int
    x: float
    width: float
    span: Span

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x + self.width


def bars_in(rows: Sequence[Iterable[Span]], left: float, scale: float) -> list[Bar]:
    """Return the bars of all rows; of very many those that are wide or did not end well.

    Parameters
    ----------
    scale
        How wide a second is.
    """
    gap = _GAP
    while True:
        found = [
            bar
            for place, row in enumerate(rows)
            for bar in row_of(place, row, left, scale, gap=gap)
        ]
        if len(found) <= MOST or gap > _WIDEST_GAP:
            break
        gap *= 2
    kept = sorted(found, key=lambda bar: (bar.span.state == WELL, -bar.width))[:MOST]
    return sorted(map(_whole, kept), key=lambda bar: (bar.row, bar.x))


def _whole(bar: Bar) -> Bar:
    """Return a bar from one whole place to another: they are written in fewer letters."""
    return evolve(bar, x=round(bar.x), width=round(bar.right) - round(bar.x))


def row_of(
    place: int, spans: Iterable[Span], left: float, scale: float, *, gap: float = _GAP
) -> Iterator[Bar]:
    """Yield the bars of one row, from left to right."""
    last: Bar | None = None
    for span in spans:
        begin, end = left + span.begin_s * scale, left + span.end_s * scale
        if last is None:
            last = Bar(place, begin, max(_LEAST, end - begin), span)
            continue
        if _are_one(last, span, begin, end - begin, gap):
            last = _with(last, span, end)
            continue
        if end - last.right < _LEAST / 4 and span.state == WELL:
            continue  # it would be behind the one before
        yield _apart(last, begin)
        start = max(begin, last.right)
        last = Bar(place, start, max(_LEAST, end - start), span)
    if last is not None:
        yield last


def _with(bar: Bar, span: Span, end: float) -> Bar:
    """Return a bar that stands for one more span."""
    stage = bar.span.stage if bar.span.stage == span.stage else SEVERAL
    items = bar.span.items + span.items
    both = evolve(bar.span, stage=stage, end_s=span.end_s, items=items)
    return evolve(bar, width=max(bar.width, end - bar.x), span=both)


def _apart(bar: Bar, following: float) -> Bar:
    """Return a bar a little narrower, if otherwise it would touch the next one."""
    if bar.width > 2 * _SHORT and following - bar.right < _GAP:
        return evolve(bar, width=bar.width - _GAP)
    return bar


def _are_one(last: Bar, span: Span, begin: float, width: float, gap: float) -> bool:
    """Say whether a span can only be seen together with the bar before it."""
    short = max(_SHORT, gap)
    if not (last.span.state == span.state == WELL and begin - last.right < gap):
        return False
    if last.span.stage == span.stage:
        return min(last.width, width) < short
    return width < short and (last.span.stage == SEVERAL or last.width < short)
