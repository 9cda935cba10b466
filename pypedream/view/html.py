"""HTML: a pipeline, a plan or a run for a notebook, a page or a mail.

There is no script and no address in it. The picture is an image within the text; folds and the
filter of lines are HTML and CSS alone, so a saved notebook shows what a live one showed. Where
styles are dropped, as in a notebook that is not trusted, a plain text comes first and the rest
can still be read.
"""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING, TypeGuard

from pypedream.engine.history import RecordedRun
from pypedream.engine.plan import Plan
from pypedream.engine.run import Run
from pypedream.log.durations import duration_text
from pypedream.pipeline import Pipeline
from pypedream.view.folding import MOST_STAGES, folded
from pypedream.view.html_failure import trouble_cards
from pypedream.view.html_stage import chip, room_of, said_block, stage_list, table_of
from pypedream.view.looks import look_of
from pypedream.view.sheet import image
from pypedream.view.style import style_of
from pypedream.view.svg import compact_svg, in_words
from pypedream.view.tags import Html, tag
from pypedream.view.text import tree_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.past_run import PastRun
    from pypedream.engine.runs import Runs
    from pypedream.view.description import Description
    from pypedream.view.page import Page

_FILTERS = ("all", "warnings", "errors")


def to_html(subject: Pipeline | Plan | Run | PastRun | RecordedRun | Runs) -> str:
    """Return a fragment of HTML for the output of a notebook cell.

    Parameters
    ----------
    subject
        A pipeline, a plan or a run; also one that is only recorded, of `Pipeline.history` or
        from `pypedream.engine.history.recorded_run`; or several runs.

    Returns
    -------
    One ``<div>``. Its class and ids are new each time, so that two of them do not disturb each
    other.

    Raises
    ------
    TypeError
        If *subject* is none of these.

    Examples
    --------
    >>> flow = Pipeline("sum")
    >>> @flow.stage
    ... def total(): return 3
    >>> text = to_html(flow.run())
    >>> text.startswith('<div class="pd-'), "<script" in text
    (True, False)
    """
    if are_runs(subject):
        from pypedream.view.html_objects import table_html

        return table_html(subject)
    return fragment(page_of(subject), new_scope(), has_fallback=True)


def page_of(subject: object) -> Page:
    """Return what there is to show of a pipeline, a plan or a run."""
    if isinstance(subject, Pipeline):
        from pypedream.view.page_planned import page_of_pipeline

        return page_of_pipeline(subject)
    if isinstance(subject, Plan):
        from pypedream.view.page_planned import page_of_plan

        return page_of_plan(subject)
    if isinstance(subject, Run):
        from pypedream.view.page_of_run import page_of_run

        return page_of_run(subject)
    record = subject if isinstance(subject, RecordedRun) else _record_of(subject)
    if record is not None:
        from pypedream.view.page_recorded import page_of_record

        return page_of_record(record)
    kind = type(subject).__name__
    raise TypeError(f"a Pipeline, a Plan, a Run or Runs can be shown, not {kind}")


def _record_of(subject: object) -> RecordedRun | None:
    from pypedream.engine.past_run import PastRun  # it is slow to load, and there if it is used

    return subject.record if isinstance(subject, PastRun) else None


def are_runs(subject: object) -> TypeGuard[Runs]:
    """Say whether these are several runs, and not one thing."""
    if isinstance(subject, (Pipeline, Plan, Run, RecordedRun)):
        return False
    from pypedream.engine.runs import Runs

    return isinstance(subject, Runs)


def new_scope() -> str:
    """Return a class name that no other rendering has."""
    return f"pd-{os.urandom(5).hex()}"


def fragment(page: Page, scope: str, *, has_fallback: bool) -> Html:
    """Return a page as one element.

    Parameters
    ----------
    has_fallback
        Whether a plain text comes first, for those who drop styles.
    """
    return tag(
        "div",
        tag("style", Html(f"{style_of(scope, *_parts(page))}div.{scope}{{{room_of(page)}}}")),
        tag("pre", _in_text(page), class_="x") if has_fallback else "",
        header(page),
        *trouble_cards(page.troubles, page.untold),
        image_of(page.description),
        *_filter(page, scope),
        _axis(page),
        stage_list(page),
        said_block(page.said),
        _timeline(page),
        _parameters(page),
        table_of(page.notes),
        class_=f"{scope} pd-{page.description.subject}",
    )


def header(page: Page) -> Html:
    """Return the line that says what this is and how it went."""
    facts = " · ".join(page.facts)
    name = tag("b", page.description.name)
    state = [" ", chip(page.state, "pd-state")] if page.state else []
    return tag("div", name, *state, " ", tag("span", facts, class_="d"), class_="h")


def image_of(description: Description, most: int = MOST_STAGES) -> Html:
    """Return the picture of the stages, with its words for those who cannot see it."""
    few = folded(description, most)
    svg = compact_svg(few).encode("utf-8", "replace")
    source = f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}"
    return tag("div", tag("img", alt=in_words(few), src=source, class_="pd-dag"))


def _parts(page: Page) -> Iterator[str]:
    """Yield which rules the page needs."""
    yield "run" if page.description.subject == "run" else "plan"
    if _counts(page)[0]:
        yield "lines"
    if any(one.columns for section in page.sections for one in section.outputs):
        yield "frames"
    if _has_timeline(page):
        yield "charts"


def _counts(page: Page) -> tuple[int, int, int]:
    """Return how many lines there are, how many warnings and how many errors."""
    found = [page.said, *(section.said for section in page.sections)]
    lines = sum(len(said.head) + len(said.tail) + said.left_out for said in found)
    failed = sum(bool(section.error) > section.said.errors for section in page.sections)
    errors = sum(said.errors for said in found) + failed
    return lines + failed, sum(said.warnings for said in found), errors


def _filter(page: Page, scope: str) -> Iterator[Html]:
    """Yield the buttons that choose which lines are shown."""
    counts = _counts(page)
    if not counts[0]:
        return
    for number, (word, count) in enumerate(zip(_FILTERS, counts, strict=True)):
        name = f"{scope}-{number}"
        yield tag(
            "input",
            type="radio",
            name=scope,
            id=name,
            class_=f"f{number}",
            checked="" if number else "checked",
            disabled="" if count else "disabled",
        )
        text = f"{word} {count:,}" if number else f"all {count:,} line{'s' * (count > 1)}"
        yield tag("label", text, for_=name)


def _axis(page: Page) -> Html:
    if not page.span_s or not any(section.span for section in page.sections):
        return Html()
    ends = (tag("i", "0 s"), " ", tag("i", duration_text(page.span_s)))
    # Two times without bars between them say nothing, so without styles they are not there.
    return tag("div", tag("span", *ends), class_="ax", style="display:none")


def _has_timeline(page: Page) -> bool:
    """Say whether more than one worker took part: else the list of stages says it all."""
    return len({span.worker for span in page.spans}) > 1


def _timeline(page: Page) -> Html:
    """Return in a fold which worker was at which stage, and when."""
    if not _has_timeline(page):
        return Html()
    from pypedream.view.timeline import timeline_svg, workers_in_words

    words = workers_in_words(page.spans)
    picture = image(timeline_svg(page.spans, page.span_s, page.description.name), words)
    count = tag("span", words.partition(".")[0], class_="d")
    head = tag("summary", tag("b", "timeline"), " ", count)
    return tag("details", head, tag("div", picture, class_="v"))


def _parameters(page: Page) -> Html:
    """Return the parameters in a fold, which is open where nothing has run yet."""
    if not page.parameters:
        return Html()
    head = tag("summary", tag("b", f"parameters ({len(page.parameters)})"))
    body = tag("div", table_of(page.parameters), class_="v")
    is_open = "open" if page.description.subject == "pipeline" else ""
    return tag("details", head, body, open=is_open)


def _in_text(page: Page) -> str:
    """Return all in plain text: the stages, and what failed."""
    description = page.description
    if len(description.stages) <= MOST_STAGES:
        lines = [tree_text(description)]
    else:
        lines = [description.headline]
        lines += [f"{look_of(node.state).sign} {node.label}" for node in description.stages]
    lines += [f"{one.stage} failed: {one.error}" for one in page.troubles]
    return "\n".join(lines)
