"""Runs as an aligned table, in the style of a run and a plan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.log.redaction import Redactor
from pypedream.parameters.display import table
from pypedream.values import one_line, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.engine.runs import RunRow, Runs

_MOST_ROWS = 40
_ENDS = 20
_WIDTH = 24
_WIDEST_ERROR = 60


def runs_text(runs: Runs) -> str:
    """Return a line a run; of very many the first and the last."""
    shown = [*runs.rows]
    if len(shown) > _MOST_ROWS:
        shown = [*runs.rows[:_ENDS], *runs.rows[-_ENDS:]]
    lines = [_headline(runs)]
    if shown:
        results = runs.columns()
        heading = ("run", *shown[0].about, *runs.names, "state", "took", *results)
        has_errors = any(row.error for row in shown)
        rows = [(*heading, *(["error"] * has_errors))]
        rows += [(*_cells(row, runs.names, results), *_errors(row)[:has_errors]) for row in shown]
        lines += [f"  {line}" for line in table(rows).splitlines()]
    if len(runs) > len(shown):
        lines.insert(_ENDS + 2, f"  ... {len(runs) - len(shown)} more")
    return Redactor(runs.secrets).text("\n".join(lines))


def _headline(runs: Runs) -> str:
    counts = Counter(row.state for row in runs.rows)
    if not runs.rows:
        return f"{runs.pipeline}: no runs"
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    much = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    if runs.of is not None and runs.of > len(runs):
        much = f"{len(runs)} of {runs.of} runs"
    of = f" (sweep {runs.id})" if runs.id else ""
    return f"{runs.pipeline}: {much}: {states}{of}"


def _cells(row: RunRow, names: tuple[str, ...], results: list[str]) -> Iterator[str]:
    yield row.id
    for name, value in row.about.items():
        yield local_time(value) if name == "started" else str(value or "")
    yield from _values(row.parameters, names)
    yield row.state
    yield "" if row.duration_s is None else duration_text(row.duration_s)
    yield from _values(row.results, results)


def _errors(row: RunRow) -> tuple[str]:
    return (one_line(row.error, _WIDEST_ERROR),)


def _values(values: Mapping[str, Any], names: Any) -> Iterator[str]:
    for name in names:
        yield cell(values[name]) if name in values else ""


def cell(value: Any) -> str:
    """Return a value as a table shows it: text as it is, numbers with six digits.

    Examples
    --------
    >>> cell(1 / 3), cell("linear"), cell([1, 2]), cell(None)
    ('0.333333', 'linear', '[1, 2]', '')
    """
    if value is None:
        return ""
    if type(value) is float:
        return f"{value:.6g}"
    return one_line(value, _WIDTH) if isinstance(value, str) else short(value, _WIDTH)
