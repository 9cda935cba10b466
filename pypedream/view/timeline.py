"""Timeline: which worker was at which stage, and when, as one picture.

There is a lane for each worker. Of a mapped stage the items show that went together; what is too
narrow to be seen is drawn together with its neighbour.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from attrs import frozen

from pypedream.engine.history import RecordedRun, recorded_events
from pypedream.engine.past_run import PastRun
from pypedream.engine.run import Run
from pypedream.log.durations import duration_text
from pypedream.log.terminal import visible
from pypedream.view.bars import Bar, bars_in
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.legend import Legend
from pypedream.view.picture import Picture
from pypedream.view.sheet import SMALL, sheet, written
from pypedream.view.spans import spans_in
from pypedream.view.ticks import time_ticks
from pypedream.view.worker_lanes import lanes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.view.spans import Span
    from pypedream.view.worker_lanes import Lane

WIDTH: Final = 760.0
_MARGIN, _ROW, _BAR, _AXIS = 10.0, 22.0, 17.0, 24.0
_BUSY = 58.0  # where the share is written that a worker was busy
_WIDEST_NAME = 14.0  # in units of the font size
_MOST_ROWS = 20
_ROUND = 8.0  # from this width on a bar has round corners
_CORNER = 2.0
_MOST_TEXTS = 30
_MOST_SAID = 3
_NAME = "the run"
"""What the thread of the run itself is called."""


def to_timeline(run: Run | PastRun | RecordedRun) -> str:
    """Return a picture of which worker was at which stage, and when.

    Parameters
    ----------
    run
        A run, also one that goes on or that is only recorded.

    Returns
    -------
    The text of an SVG file, which reads well on light and dark pages. Its description says in words
    what each worker did.

    Raises
    ------
    TypeError
        If *run* is no run.

    Examples
    --------
    >>> from pypedream import Pipeline
    >>> flow = Pipeline("sum")
    >>> @flow.stage
    ... def total(): return 3
    >>> to_timeline(flow.run()).startswith("<svg")
    True
    """
    return timeline_of(run).svg


def timeline_of(run: Run | PastRun | RecordedRun) -> Picture:
    """Return the timeline of a run."""
    if not isinstance(run, (Run, PastRun, RecordedRun)):
        raise TypeError(f"a run has a timeline, and {type(run).__name__} is none")
    events = recorded_events(run) if isinstance(run, RecordedRun) else run.events
    spans = spans_in(events)
    span_s = max((span.end_s for span in spans), default=0.0)
    return Picture(timeline_svg(spans, span_s, run.pipeline), workers_in_words(spans))


def timeline_svg(spans: Sequence[Span], span_s: float, name: str) -> str:
    """Return the picture of some spans, on an axis of *span_s* seconds."""
    lanes = lanes_of(spans)
    return _Timeline(name, lanes, span_s or 1e-6).svg()


def workers_in_words(spans: Sequence[Span]) -> str:
    """Say what each worker did, for those who cannot see it."""
    said = []
    for lane in lanes_of(spans)[:_MOST_ROWS]:
        stages = Counter(span.stage for span in lane.spans)
        names = ", ".join(list(stages)[:_MOST_SAID]) + " and more" * (len(stages) > _MOST_SAID)
        said.append(f"{lane.worker or _NAME}: {names}, busy for {duration_text(lane.busy_s)}")
    count = len({span.worker for span in spans})
    return ". ".join(["1 worker" if count == 1 else f"{count} workers", *said])


@frozen
class _Timeline:
    """The lanes of a run, and where they are drawn."""

    name: str
    lanes: Sequence[Lane]
    span_s: float

    @property
    def left(self) -> float:
        names = (width_of(self.label(lane)) for lane in self.lanes)
        return _MARGIN + max(names, default=0.0) * SMALL + 10

    @property
    def right(self) -> float:
        return WIDTH - _BUSY - _MARGIN

    def label(self, lane: Lane) -> str:
        return shortened(visible(lane.worker) or _NAME, _WIDEST_NAME)

    def svg(self) -> str:
        rows = [row for lane in self.lanes for row in lane.rows]
        shown = rows[:_MOST_ROWS]
        scale = (self.right - self.left) / self.span_s
        bars = bars_in(shown, self.left, scale)
        legend = Legend.of(bars, [span for row in rows for span in row])
        bottom = _MARGIN + _ROW * max(len(shown), 1)
        below = bottom + _AXIS
        more = len(rows) - len(shown)
        notes = [f"and {more} more lanes"] if more else []
        key = legend.drawn(self.left, below, self.right)
        height = below + legend.height(self.left, self.right) + 18 * len(notes) + 6
        spans = [span for lane in self.lanes for span in lane.spans]
        return sheet(
            (WIDTH, height),
            f"{self.name}: who worked when",
            workers_in_words(spans),
            [
                *self._axis(bottom, scale),
                *self._names(),
                *_shapes(bars, legend),
                *_texts(bars, legend),
                *key,
                *(written(note, self.left, height - 8, "d") for note in notes),
            ],
        )

    def _axis(self, bottom: float, scale: float) -> Iterator[str]:
        found = [(self.left + at_s * scale, text) for at_s, text in time_ticks(self.span_s)]
        lines = "".join(f"M{number(x)} {number(_MARGIN)}V{number(bottom + 4)}" for x, _ in found)
        yield f'<path class="g" d="{lines}"/>'
        for x, text in found:
            yield written(text, x, bottom + 16, "d", text_anchor="middle")
        yield written("busy", WIDTH - _MARGIN, bottom + 16, "d", text_anchor="end")

    def _names(self) -> Iterator[str]:
        """Yield the name of each worker, and how much of the time it was busy."""
        place = 0
        for lane in self.lanes:
            if place >= _MOST_ROWS:
                return
            y = _MARGIN + _ROW * place + 15
            yield written(self.label(lane), self.left - 10, y, text_anchor="end")
            share = 100 * min(1.0, lane.busy_s / self.span_s)
            text = "<1%" if 0 < share < 1 else f"{share:.0f}%"
            yield written(text, WIDTH - _MARGIN, y, "d", text_anchor="end")
            place += len(lane.rows)


def _shapes(bars: Sequence[Bar], legend: Legend) -> Iterator[str]:
    """Yield the bars, all of a colour at once: wide ones have round corners by their outline."""
    paths: dict[tuple[str, bool], str] = {}
    for bar in bars:
        is_wide = bar.width >= _ROUND
        x, y = bar.x + _CORNER * is_wide, _MARGIN + _ROW * bar.row + (_ROW - _BAR) / 2
        wide, high = bar.width - 2 * _CORNER * is_wide, _BAR - 2 * _CORNER * is_wide
        shape = f"M{number(x)} {number(y + _CORNER * is_wide)}h{number(wide)}v{number(high)}"
        look = legend.fill_of(bar.span), is_wide
        paths[look] = f"{paths.get(look, '')}{shape}h-{number(wide)}z"
    for (fill, is_wide), path in paths.items():
        outline = f' class="r" stroke="{fill}"' if is_wide else ""
        yield f'<path{outline} fill="{fill}" d="{path}"/>'


def _texts(bars: Sequence[Bar], legend: Legend) -> Iterator[str]:
    """Yield what is written on bars, the widest of them first."""
    yield '<g fill="#fff">'
    for bar in sorted(bars, key=lambda bar: -bar.width)[:_MOST_TEXTS]:
        text = legend.text_on(bar)
        if text:
            x = number(bar.x + (bar.width - width_of(text) * SMALL) / 2)
            y = number(_MARGIN + _ROW * bar.row + 15)
            yield f'<text x="{x}" y="{y}">{text}</text>'
    yield "</g>"
