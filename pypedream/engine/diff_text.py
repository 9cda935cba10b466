"""The text of a diff: a page for a terminal, the most important thing first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.parameters.display import table
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pypedream.engine.account import RunHead
    from pypedream.engine.diff import Change, LogChange, RunDiff, StageChange
    from pypedream.engine.divergence import Divergence

_MOST_STAGES = 3
_MOST_LINES = 20
_WIDTH = 60
_LEAST_PART, _LARGEST_PART = 0.0005, 10


def diff_text(diff: RunDiff) -> str:
    """Return what differs as lines; sections of which nothing differs are left out."""
    lines = list(_heads(diff))
    lines += _diverged(diff)
    sections = (
        ("results", _moved(diff.results)),
        ("parameters", _changed(diff.parameters)),
        ("options", _changed(diff.options)),
        ("code", _concerning(diff.code)),
        ("inputs", _concerning(diff.inputs)),
        ("environment", _changed(diff.environment)),
        ("stages", _changed(diff.states, nothing="not there")),
        ("durations", _took(diff.durations)),
        ("log", list(said_of_log(diff.log))),
    )
    for title, body in sections:
        if body:
            lines += [title, *(f"  {line}" for line in _folded(body))]
    lines += [f"note: {note}" for note in diff.notes]
    return "\n".join(lines)


def _heads(diff: RunDiff) -> Iterator[str]:
    rows = [_head("before", diff.before), _head("after", diff.after)]
    heading = ("", "run", "pipeline", "state", "started", "took")
    yield from table([heading, *rows]).splitlines()


def _head(word: str, run: RunHead) -> tuple[str, ...]:
    took = "" if run.duration_s is None else duration_text(run.duration_s)
    return word, run.id, run.pipeline, run.state, local_time(run.started), took


def _diverged(diff: RunDiff) -> Iterator[str]:
    for number, one in enumerate(diff.divergences):
        start = "also by itself" if number else "first to diverge"
        yield f"{start}: {one.stage}{_and_after(one.downstream)}"
        yield from (f"  {line}" for line in because(one))
    yield from conclusions(diff)


def conclusions(diff: RunDiff) -> Iterator[str]:
    """Yield what is to be said of the results beside those that diverged."""
    if diff.not_comparable:
        yield f"results that cannot be compared: {_names(diff.not_comparable)}"
    if diff.is_empty:
        yield "nothing differs" if diff.same else "nothing that is known differs"
    elif diff.same and not diff.divergences:
        yield f"no result differs ({_count(len(diff.same), 'stage')} gave the same)"


def because(one: Divergence) -> Iterator[str]:
    """Yield why a stage gave something else, line by line."""
    if one.before != one.after:
        yield f"{one.before} -> {one.after}"
    yield from one.why


def _and_after(stages: Sequence[str]) -> str:
    if not stages:
        return ""
    return f", and {_count(len(stages), 'stage')} after it ({_names(stages)})"


def _names(stages: Sequence[str]) -> str:
    more = len(stages) - _MOST_STAGES
    return ", ".join(stages[:_MOST_STAGES]) + (f" and {more} more" if more > 0 else "")


def _changed(found: Iterable[Change], *, nothing: str = "None") -> list[str]:
    pairs = ((one.name, changed_values(one, nothing)) for one in found)
    return _rows((name, " -> ".join(filter(None, pair))) for name, pair in pairs)


def changed_values(one: Change, nothing: str = "None") -> tuple[str, str]:
    """Return how a value was and how it is, in short; the first is "" if they look alike."""
    values = (one.before, one.after)
    for show in (_plainly, _exactly):
        before, after = (
            nothing if value is None else one_line(show(value), _WIDTH) for value in values
        )
        if before != after:
            return before, after
    return "", f"another value, shown as {one_line(_plainly(one.after), _WIDTH)}"


def _plainly(value: Any) -> str:
    return value if isinstance(value, str) and value else _exactly(value)


def _exactly(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)


def _moved(found: Iterable[Change]) -> list[str]:
    return _rows((one.name, f"{' -> '.join(amounts(one))}{more_or_less(one)}") for one in found)


def amounts(change: Change) -> tuple[str, str]:
    """Return two numbers as texts that differ, with six digits if these tell them apart.

    Examples
    --------
    >>> from pypedream.engine.diff import Change
    >>> amounts(Change("auc", 1 / 3, 0.5)), amounts(Change("n", 12345678, 12345679))
    (('0.333333', '0.5'), ('12345678', '12345679'))
    """
    before, after = (
        f"{value:.6g}" if isinstance(value, float) else str(value)
        for value in (change.before, change.after)
    )
    return (before, after) if before != after else (repr(change.before), repr(change.after))


def more_or_less(change: Change) -> str:
    """Return by what part a number has changed, in brackets; "" where that says nothing.

    Examples
    --------
    >>> from pypedream.engine.diff import Change
    >>> more_or_less(Change("auc", 0.8, 0.84)), more_or_less(Change("gap", 0, 2))
    (' (+5.0%)', '')
    """
    before, after = change.before, change.after
    if before * after <= 0:
        return ""
    part = after / before - 1
    return f" ({part:+.1%})" if _LEAST_PART <= abs(part) < _LARGEST_PART else ""


def _concerning(found: Iterable[StageChange]) -> list[str]:
    return [f"{one.what}  ({_names(one.stages)})" for one in found]


def _took(found: Iterable[Change]) -> list[str]:
    return _rows(
        (one.name, f"{duration_text(one.before)} -> {duration_text(one.after)}") for one in found
    )


def said_of_log(found: Iterable[LogChange]) -> Iterator[str]:
    """Yield what stages said more or less often, as sentences."""
    for one in found:
        verb, noun = ("printed", "line") if one.what == "lines printed" else ("gave", "warning")
        yield f"{one.stage} {verb} {_count(one.before, noun)} and then {one.after}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _rows(rows: Iterable[tuple[str, ...]]) -> list[str]:
    found = list(rows)
    return table(found).splitlines() if found else []


def _folded(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"and {more} more"] if more > 0 else lines
