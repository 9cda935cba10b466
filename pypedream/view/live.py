"""The live frame: how far a run is, small enough to be sent to a browser several times a second.

It has no folds, as a browser closes them each time the frame is replaced, and its picture keeps
its size while the run goes on. So does the place of the last lines: what is below it would jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.log.status import bar_text, share_of
from pypedream.view.describing import describe
from pypedream.view.hearing import lines_of
from pypedream.view.html import header, image_of, new_scope
from pypedream.view.html_stage import LEVELS
from pypedream.view.page import Line, Page
from pypedream.view.page_of_run import facts_of
from pypedream.view.style import style_of
from pypedream.view.tags import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def run_state(run: Run, events: Sequence[Event] | None = None) -> RunState:
    """Return the present state of a run.

    Parameters
    ----------
    events
        The last events of the run, for the last lines; None looks for them in the run.
    """
    recent = run.events[-_RECENT:] if events is None else events
    description = describe(run)
    stages = {event.stage for event in recent} - {None}
    lines = [_line(line, event.stage, stages) for event in recent for line in lines_of(event)]
    told = _progress(recent, description) if run.state == "running" else {}
    bars = [_bar(key, event) for key, event in list(told.items())[-1:]]
    return RunState(
        _with_shares(description, told),
        run.state,
        run.id,
        run.duration_s or (recent[-1].dt if recent else None),
        tuple([*lines, *bars][-MOST_LINES:]),
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
    said = _block(now.lines[-MOST_LINES:])
    start = joined(tag("style", Html(style_of(scope, "live"))), header(page))
    frame = ""
    for most in _STEPS:
        frame = tag("div", start, image_of(now.description, most), said, class_=f"{scope} pd-run")
        if len(frame.encode()) <= MOST_BYTES:
            break
    return frame


def _block(lines: Iterable[Line]) -> Html:
    """Return the last lines in a place that is as high with one of them, or none, as with all."""
    spans = (tag("span", f"{line.text}\n", class_=LEVELS.get(line.level, "")) for line in lines)
    return tag("pre", *spans, class_="l z")


def _progress(recent: Sequence[Event], description: Description) -> dict[str, Event]:
    """Return the progress that each running stage told last, the last one last."""
    running = {node.key for node in description.stages if node.state == "running"}
    told: dict[str, Event] = {}
    for event in recent:
        if event.kind == "progress" and event.stage in running:
            told.pop(event.stage, None)
            told[event.stage] = event
    return told


def _bar(stage: str, event: Event) -> Line:
    return _line(Line(bar_text(event, has_glyphs=True)), stage, {stage, None, ""})


def _with_shares(description: Description, told: Mapping[str, Event]) -> Description:
    """Return a description that has what stages told; what a mapped stage is at, it knows."""
    nodes = (
        evolve(node, share=share_of(told[node.key]))
        if node.key in told and node.share is None
        else node
        for node in description.nodes
    )
    return evolve(description, nodes=tuple(nodes)) if told else description


def _line(line: Line, stage: str | None, stages: set[str | None]) -> Line:
    label = f"{stage} | " if stage is not None and len(stages) > 1 else ""
    return _cut(Line(label + line.text, line.level))


def _cut(line: Line) -> Line:
    text = line.text
    return Line(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", line.level)
