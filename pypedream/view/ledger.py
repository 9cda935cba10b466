"""A ledger of rows as a table: what each stage got, what it passed on, and where the rest went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.tabular.row_ledger import MovementKind
from pypedream.view.tags import Html, tag
from pypedream.view.titled import titled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.tabular.row_ledger import LedgerLine, RowLedger

__all__ = ["ledger_html", "ledger_parts"]


def ledger_html(ledger: RowLedger) -> str:
    """Return the lines of a ledger, and what does not add up in them."""
    return titled(ledger.headline, ledger_parts(ledger))


def ledger_parts(ledger: RowLedger) -> Iterator[Html]:
    """Yield what does not add up, and the table, for an element that has a style."""
    for problem in ledger.problems:
        yield tag("div", tag("b", "does not add up: "), problem, class_="e")
    if ledger.lines:
        yield tag("div", tag("table", *_rows(ledger), class_="u"))


def _rows(ledger: RowLedger) -> Iterator[Html]:
    kinds = [kind for kind in MovementKind if ledger.total(kind)]
    heads = ("rows in", *map(str, kinds), "rows out")
    why = any(one.reason for line in ledger.lines for one in line.movements)
    numbers = (tag("th", head, class_="n") for head in heads)
    yield tag("tr", tag("th", "stage"), *numbers, tag("th", "reasons") if why else Html())
    for line in ledger.lines:
        counts = (line.rows_in, *(_moved(line, kind) for kind in kinds), line.rows_out)
        cells = (tag("td", f"{count:,}" if count else "0", class_="n") for count in counts)
        reasons = tag("td", _reasons(line)) if why else Html()
        yield tag("tr", tag("td", line.stage), *cells, reasons)


def _moved(line: LedgerLine, kind: MovementKind) -> int:
    return sum(one.rows for one in line.movements if one.kind is kind)


def _reasons(line: LedgerLine) -> str:
    return ", ".join(f"{one.reason} ({one.rows:,})" for one in line.movements if one.reason)
