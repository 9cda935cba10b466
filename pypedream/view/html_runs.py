"""Several runs as HTML: a table with a row a run, and of a sweep what it found as a plot."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.engine.metrics import is_metric, metrics_of
from pypedream.engine.past_run import PastRun
from pypedream.engine.runs_text import cell
from pypedream.errors import PypedreamError
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.log.redaction import Redactor
from pypedream.parameters.annotations import unboxed
from pypedream.values import one_line
from pypedream.view.html_stage import chip
from pypedream.view.sheet import image
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pypedream.engine.runs import RunRow, Runs

ENDS: Final = 20
"""Of more than twice as many runs so many are shown at either end."""
_MOST_PARAMETERS = 10
_MOST_RESULTS = 8
_MOST_PLOTS = 4
_ID = 10  # letters of an id: they say in which millisecond it was made
_WIDEST_ERROR = 60
_DIGITS = 5
_MOST_DECIMALS = 6
_LEAST_PLOTTED = 3
_MORE = ".table() and .to_pandas() have all"


def runs_html(runs: Runs, *, is_report: bool = False) -> list[str]:
    """Return the parts of what is shown of several runs."""
    plots = _plots(runs, _MOST_PLOTS if is_report else 1, is_open=is_report)
    return [_head(runs), *_table(runs), *plots]


def _head(runs: Runs) -> Html:
    count = len(runs)
    much = "no runs" if not count else "1 run" if count == 1 else f"{count:,} runs"
    if runs.of is not None and runs.of > count:
        much = f"{count:,} of {runs.of:,} runs"
    states = Counter(row.state for row in runs.rows)
    facts = [much, *(f"{number:,} {state}" for state, number in states.items())]
    facts += [f"sweep {runs.id}"] if runs.id else []
    name = tag("b", runs.pipeline)
    return tag("div", name, " ", tag("span", " · ".join(facts), class_="d"), class_="h")


def _table(runs: Runs) -> Iterator[Html]:
    places = _shown(len(runs))
    if not places:
        return
    rows = {place: runs.rows[place] for place in places}
    names, held = _results(runs, rows)
    found = _columns(runs, rows, {name: _values(held, name) for name in names[:_MOST_RESULTS]})
    columns = [column for column in found if column.is_wanted]
    hide = Redactor(runs.secrets).text
    lines = [tag("tr", *(tag("th", column.name, class_=column.side) for column in columns))]
    for before, place in pairwise([places[0] - 1, *places]):
        if place != before + 1:
            text = f"… {place - before - 1:,} more: {_MORE}"
            lines.append(tag("tr", tag("td", text, class_="d", colspan=str(len(columns)))))
        lines.append(tag("tr", *(column.cell(place, hide) for column in columns)))
    yield tag("div", tag("table", *lines, class_="u"))
    left_out = [*runs.names[_MOST_PARAMETERS:], *names[_MOST_RESULTS:]]
    if left_out:
        yield tag("div", f"not shown: {_few(left_out)}; .table(results=...) has them", class_="d")


def _shown(count: int) -> list[int]:
    if count <= 2 * ENDS:
        return list(range(count))
    return [*range(ENDS), *range(count - ENDS, count)]


@frozen
class _Column:
    """One column: a name, and a text or a piece of HTML for each place.

    Attributes
    ----------
    side
        The class of cells with numbers, which are written from the right.
    marked
        Places whose cells are marked.
    """

    name: str
    texts: Mapping[int, str]
    side: str = ""
    marked: frozenset[int] = frozenset()

    @property
    def is_wanted(self) -> bool:
        return any(self.texts.values())

    def cell(self, place: int, hide: Callable[[str], str]) -> Html:
        text = self.texts.get(place, "")
        shown = text if isinstance(text, Html) else hide(text)
        if place in self.marked:
            shown = tag("span", shown or "none", class_="k")
        return tag("td", shown, class_=self.side)


def _columns(
    runs: Runs, rows: Mapping[int, RunRow], results: Mapping[str, dict[int, Any]]
) -> Iterator[_Column]:
    yield _Column("", {place: str(place) for place in rows}, "n")
    length = _length_of_ids([row.id for row in rows.values()])
    yield _Column("run", {place: tag("code", row.id[:length]) for place, row in rows.items()})
    for name in dict.fromkeys(name for row in rows.values() for name in row.about):
        yield _Column(name, {place: _about(name, row) for place, row in rows.items()})
    for name in runs.names[:_MOST_PARAMETERS]:
        values = {place: unboxed(row.parameters.get(name)) for place, row in rows.items()}
        yield _column(name, values, _changed(runs, name, list(rows)))
    yield _Column("state", {place: chip(row.state) for place, row in rows.items()})
    yield _Column("took", {place: _took(row) for place, row in rows.items()}, "n")
    for name, values in results.items():
        yield _column(name, values)
    yield _Column(
        "error", {place: one_line(row.error, _WIDEST_ERROR) for place, row in rows.items()}
    )


def _length_of_ids(ids: Sequence[str]) -> int:
    """Return how many letters tell runs apart, as commands take them."""
    longest = max(map(len, ids))
    enough = (
        length for length in range(_ID, longest) if len({one[:length] for one in ids}) == len(ids)
    )
    return next(enough, longest)


def _column(name: str, values: Mapping[int, Any], marked: frozenset[int] = frozenset()) -> _Column:
    """Return a column of values; numbers have the same decimals, one below the other."""
    numbers = [value for value in values.values() if value is not None]
    if not (numbers and all(map(is_metric, numbers))):
        return _Column(name, {place: cell(value) for place, value in values.items()}, "", marked)
    shown = [f"{value:.{_DIGITS}g}" for value in numbers if isinstance(value, float)]
    decimals = max((len(text.partition(".")[2]) for text in shown), default=0)
    is_plain = decimals <= _MOST_DECIMALS and not any("e" in text for text in shown)
    texts = {
        place: ""
        if value is None
        else f"{value:.{decimals}f}"
        if is_plain and shown
        else cell(value)
        for place, value in values.items()
    }
    return _Column(name, texts, "n", marked)


def _changed(runs: Runs, name: str, places: Sequence[int]) -> frozenset[int]:
    """Return where a parameter of a history is another one than in the run before."""
    if runs.id:
        return frozenset()
    values = [row.parameters.get(name) for row in runs.rows]
    return frozenset(place for place in places if place and values[place] != values[place - 1])


def _about(name: str, row: RunRow) -> str:
    value = row.about.get(name)
    if name == "started" and value:
        return local_time(value)
    return str(value or "")[:_ID] if name == "batch" else cell(value)


def _took(row: RunRow) -> str:
    return "" if row.duration_s is None else duration_text(row.duration_s)


def _results(
    runs: Runs, rows: Mapping[int, RunRow]
) -> tuple[list[str], Mapping[int, Mapping[str, Any]]]:
    """Return the results that are held, or the numbers that are recorded; names and values."""
    names = runs.columns()
    if names:
        return names, {place: row.results for place, row in rows.items()}
    held = _recorded(rows)
    return list(dict.fromkeys(name for each in held.values() for name in each)), held


def _values(held: Mapping[int, Mapping[str, Any]], name: str) -> dict[int, Any]:
    return {place: each.get(name) for place, each in held.items()}


def _recorded(rows: Mapping[int, RunRow]) -> dict[int, dict[str, Any]]:
    opened = {place: row.open() for place, row in rows.items()}
    past = {place: run for place, run in opened.items() if isinstance(run, PastRun)}
    if not past:
        return {}
    workspace = next(iter(past.values())).workspace
    found = metrics_of(workspace, [run.kept for run in past.values()])
    return dict(zip(past, found, strict=True))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_RESULTS
    return ", ".join(names[:_MOST_RESULTS]) + (f" and {more} more" if more > 0 else "")


def _plots(runs: Runs, most: int, *, is_open: bool) -> Iterator[Html]:
    """Yield the first numbers that a sweep found, by what it varied, each in a fold."""
    from pypedream.view.plot import plot_of

    for name in _plotted(runs)[:most]:
        try:
            plot = plot_of(runs, name)
        except PypedreamError:  # it takes a word of the user's, by which of many parameters
            return
        head = tag("summary", tag("b", "plot"), " ", tag("span", name, class_="d"))
        body = tag("div", image(plot.svg, plot.about), class_="v")
        yield tag("details", head, body, open="open" if is_open else "")


def _plotted(runs: Runs) -> list[str]:
    """Return the results of a sweep that are numbers, and not always the same."""
    found = []
    for name in runs.columns() if runs.id else ():
        values = [row.results.get(name) for row in runs.rows]
        numbers = [value for value in values if is_metric(value)]
        if len(numbers) >= _LEAST_PLOTTED and len(set(numbers)) > 1:
            found.append(name)
    return found
