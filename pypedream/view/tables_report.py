"""A run of tables as HTML: for a notebook, and as a file that can be mailed and archived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.formats.replacement import replacing
from pypedream.log.durations import duration_text
from pypedream.tabular.stats import StatScope
from pypedream.view.document import document
from pypedream.view.ledger import ledger_parts
from pypedream.view.rules import rules_parts
from pypedream.view.style import REPORT
from pypedream.view.tags import Html, tag
from pypedream.view.titled import titled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from os import PathLike
    from typing import Any

    from pypedream.tabular.manifest import StepState
    from pypedream.tabular.run_report import RunReport
    from pypedream.tabular.stats import StatRecord

__all__ = ["tables_html", "write_tables_report"]

_MANY = 100


def tables_html(report: RunReport) -> str:
    """Return a run of tables as one element: its steps, then each file, then its numbers."""
    return titled(report.headline, _parts(report))


def write_tables_report(report: RunReport, path: str | PathLike[str]) -> Path:
    """Write a run of tables as an HTML document, all of it or nothing.

    A file that is there is replaced; missing folders are made.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    text = document(report.headline, REPORT, tag("main", Html(tables_html(report))))
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def _parts(report: RunReport) -> Iterator[Html]:
    yield from _steps(report.manifest.steps)
    rules = {each.file: each for each in report.rules}
    for ledger in report.ledgers:
        name, _, rows = ledger.headline.partition(": ")
        yield tag("h3", name, " ", tag("span", rows, class_="d"))
        yield _table((), _facts(report.manifest.files[ledger.file].record))
        yield from ledger_parts(ledger)
        if ledger.file in rules:
            yield tag("div", rules[ledger.file].headline.partition(": ")[2], class_="d")
            yield from rules_parts(rules[ledger.file])
    yield from _numbers(report.records)


def _steps(steps: Mapping[str, StepState]) -> Iterator[Html]:
    for name, state in steps.items():
        if state.error:
            yield tag("div", tag("b", f'step "{name}": '), state.error, class_="e")
    if steps:
        yield tag("h3", "steps")
        yield _table(
            ("step", "state", "took"),
            ((name, str(state.status), _took(state)) for name, state in steps.items()),
        )


def _took(state: StepState) -> str:
    return "" if state.duration_s is None else duration_text(state.duration_s)


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is known of the source of a file."""
    yield "source", str(record.get("source_path", ""))
    yield "bytes", f"{record.get('source_size_bytes', 0):,}"
    for name, key in (("SHA-256", "source_sha256"), ("rejects", "rejects_path")):
        if record.get(key):
            yield name, str(record[key])


def _numbers(records: Sequence[StatRecord]) -> Iterator[Html]:
    """Yield the numbers: of the run first, then of files and of steps."""
    if records:
        order = list(StatScope)
        found = sorted(records, key=lambda one: order.index(one.scope))
        rows = (
            (f"{one.scope} {one.subject or ''}", one.action, number_text(one.value))
            for one in found
        )
        yield tag("h3", "numbers")
        yield _table(("of", "number", "value"), rows, numbers=(2,))


def number_text(value: float) -> str:
    """Return a number as it is read: whole if it is, else in a few digits that count.

    Examples
    --------
    >>> [number_text(value) for value in (48_211.0, 12_708.87724, 0.0153449)]
    ['48,211', '12,708.9', '0.01534']
    """
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= _MANY else f"{value:.4g}"


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[int] = ()
) -> Html:
    """Return a table; in the places of *numbers* cells end at the right."""

    def cells(name: str, row: Sequence[str]) -> Html:
        sides = ("n" if place in numbers else "" for place in range(len(row)))
        return tag(
            "tr", *(tag(name, text, class_=side) for text, side in zip(row, sides, strict=True))
        )

    head = cells("th", heads) if heads else Html()
    lines = (cells("td", row) for row in rows)
    return tag("div", tag("table", head, *lines, class_="u"))
