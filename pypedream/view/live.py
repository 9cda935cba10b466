"""The live frame: how far a run is, small enough to be sent to a browser several times a second.

It has no folds, as a browser closes them each time the frame is replaced, and its picture keeps
its size while the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.view.describing import describe, with_running
from pypedream.view.hearing import heard, lines_of
from pypedream.view.html import header, image_of, new_scope
from pypedream.view.html_stage import said_block
from pypedream.view.page import Line, Page, Said
from pypedream.view.page_of_run import facts_of
from pypedream.view.style import style_of
from pypedream.view.tags import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pypedream.engine.run import Run
    from pypedream.log.events import Event
    from pypedream.view.description import Description

MOST_LINES = 3
LONGEST = 160
_RECENT = 50
MOST_BYTES = 15_000
_STEPS = (60, 30, 15, 8)
"""How many boxes the picture may have; the first that keeps the frame small enough is taken."""


@frozen
class RunState:
    """What there is to say of a run at one moment.

    Attributes
    ----------
    state
        As in `Run`.
    lines
        The last that was said.
    """

    description: Description
    state: str
    run: str = ""
    elapsed_s: float | None = None
    lines: tuple[Line, ...] = ()


def run_state(
    run: Run, events: Sequence[Event] | None = None, running: Collection[str] | None = None
) -> RunState:
    """Return the present state of a run.

    Parameters
    ----------
    events
        The last events of the run, for the last lines; None looks for them in the run.
    running
        The stages that have begun and did not end yet; None looks through all events. Who
        follows the events of a run knows them, and need not look through all each time.
    """
    recent = run.events[-_RECENT:] if events is None else events
    if running is None:
        running = heard(run.events).running if run.state == "running" else ()
    stages = {event.stage for event in recent} - {None}
    lines = [_line(line, event.stage, stages) for event in recent for line in lines_of(event)]
    return RunState(
        with_running(describe(run), running),
        run.state,
        run.id,
        run.duration_s or (recent[-1].dt if recent else None),
        tuple(lines[-MOST_LINES:]),
    )


def live_frame(state: Run | RunState) -> str:
    """Return a fragment of HTML that says how far a run is.

    Examples
    --------
    >>> from pypedream import Pipeline
    >>> flow = Pipeline("sum")
    >>> @flow.stage
    ... def total(): return 3
    >>> "1/1 stages" in live_frame(flow.run())
    True
    """
    now = state if isinstance(state, RunState) else run_state(state)
    facts = tuple(facts_of(now.description, now.elapsed_s, "", now.run))
    page = Page(now.description, state=now.state, facts=facts)
    scope = new_scope()
    said = said_block(Said(head=now.lines[-MOST_LINES:]))
    start = joined(tag("style", Html(style_of(scope))), header(page))
    frame = ""
    for most in _STEPS:
        frame = tag("div", start, image_of(now.description, most), said, class_=scope)
        if len(frame.encode()) <= MOST_BYTES:
            break
    return frame


def _line(line: Line, stage: str | None, stages: set[str | None]) -> Line:
    label = f"{stage} | " if stage is not None and len(stages) > 1 else ""
    text = label + line.text
    return Line(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", line.level)
