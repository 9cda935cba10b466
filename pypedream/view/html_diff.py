"""What differs between two runs as HTML: where they diverged, then a table for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.engine.diff_text import (
    amounts,
    because,
    changed_values,
    conclusions,
    more_or_less,
    said_of_log,
)
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.view.html_stage import chip
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.engine.account import RunHead
    from pypedream.engine.diff import Change, RunDiff, StageChange
    from pypedream.engine.divergence import Divergence

MOST_ROWS = 20
_MOST_STAGES = 6
_Cells = tuple[str, ...]


def diff_parts(diff: RunDiff) -> list[Html]:
    """Return the parts of what is shown of a difference."""
    sections = (
        ("results", [_amounts(one) for one in diff.results]),
        ("parameters", [_changed(one) for one in diff.parameters]),
        ("options", [_changed(one) for one in diff.options]),
        ("code", [_concerning(one) for one in diff.code]),
        ("inputs", [_concerning(one) for one in diff.inputs]),
        ("environment", [_changed(one) for one in diff.environment]),
        ("stages", [_changed(one, "not there") for one in diff.states]),
        ("durations", [_took(one) for one in diff.durations]),
        ("log", [("", said) for said in said_of_log(diff.log)]),
    )
    return [
        tag("table", *_heads(diff)),
        *_diverged(diff),
        *(_section(title, rows) for title, rows in sections if rows),
        *(tag("div", f"note: {note}", class_="d") for note in diff.notes),
    ]


def _heads(diff: RunDiff) -> Iterator[Html]:
    for word, run in (("before", diff.before), ("after", diff.after)):
        yield tag("tr", tag("th", word), *(tag("td", each) for each in _head(run)))


def _head(run: RunHead) -> Iterator[str]:
    yield chip(run.state)
    yield run.pipeline
    yield local_time(run.started)
    yield "" if run.duration_s is None else duration_text(run.duration_s)
    yield tag("code", run.id)


def _diverged(diff: RunDiff) -> Iterator[Html]:
    for number, one in enumerate(diff.divergences[:MOST_ROWS]):
        start = "also by itself: " if number else "first to diverge: "
        why = (tag("div", tag("code", line)) for line in because(one))
        yield tag("div", start, tag("b", one.stage), _after(one), tag("div", *why, class_="v"))
    more = len(diff.divergences) - MOST_ROWS
    if more > 0:
        yield tag("div", f"and {more} more", class_="d")
    yield from (tag("div", line) for line in conclusions(diff))


def _after(one: Divergence) -> Html:
    count = len(one.downstream)
    if not count:
        return Html()
    stages = "1 stage" if count == 1 else f"{count} stages"
    return tag("span", f", and {stages} after it: {_names(one.downstream)}", class_="d")


def _names(stages: Sequence[str]) -> str:
    more = len(stages) - _MOST_STAGES
    return ", ".join(stages[:_MOST_STAGES]) + (f" and {more} more" if more > 0 else "")


def _section(title: str, rows: Sequence[_Cells]) -> Html:
    lines = [tag("tr", *_cells(row)) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append(tag("tr", tag("td", f"and {len(rows) - MOST_ROWS} more", class_="d")))
    return tag("div", tag("table", tag("caption", title), *lines, class_="u"))


def _cells(row: _Cells) -> Iterator[Html]:
    """Yield a name, and what was before and after, of which the latter is marked."""
    name, *values = row
    if name:
        yield tag("td", tag("b", name))
    for place, value in enumerate(values):
        yield tag("td", tag("span", value, class_="k") if place == 1 and value else value)


def _amounts(one: Change) -> _Cells:
    return (one.name, *amounts(one), more_or_less(one).strip(" ()"))


def _changed(one: Change, nothing: str = "None") -> _Cells:
    return (one.name, *changed_values(one, nothing))


def _concerning(one: StageChange) -> _Cells:
    return (one.what, _names(one.stages))


def _took(one: Change) -> _Cells:
    return (one.name, duration_text(one.before), duration_text(one.after))
