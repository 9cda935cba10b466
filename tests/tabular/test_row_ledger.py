from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import pypedream
from pypedream.errors import LedgerError
from pypedream.tabular import LedgerLine, Movement, MovementKind, RowLedger, ledgers_of
from pypedream.tabular.manifest import FileRows, FileState, Manifest, StepState
from pypedream.view.report import to_report

REJECTED, FILTERED = MovementKind.REJECTED, MovementKind.FILTERED
QUARANTINED, DROPPED, ADDED = (
    MovementKind.QUARANTINED,
    MovementKind.DROPPED,
    MovementKind.ADDED,
)
LEDGER = RowLedger(
    "schools",
    (
        LedgerLine("ingest", 1_000, 990, (Movement(REJECTED, 10),)),
        LedgerLine("closed", 990, 970, (Movement(FILTERED, 20),)),
        LedgerLine(
            "match",
            970,
            963,
            (
                Movement(QUARANTINED, 6, "no postcode"),
                Movement(QUARANTINED, 2, "two <ids>"),
                Movement(ADDED, 1),
            ),
        ),
    ),
)


def test_a_ledger_says_where_each_row_went() -> None:
    """From the source to what there is now, with reasons."""
    LEDGER.check()

    assert str(LEDGER).splitlines() == [
        "schools: 1,000 rows in the source, 963 now",
        "  ingest: 1,000 -> 990, 10 rejected",
        "  closed: 990 -> 970, 20 filtered",
        "  match: 970 -> 963, 6 quarantined: no postcode, 2 quarantined: two <ids>, 1 added",
    ]
    assert LEDGER.total(QUARANTINED) == 8


@pytest.mark.parametrize(
    "ledger, problem",
    [
        (
            evolve(LEDGER, rows_now=960),
            'the rows of "schools" do not add up: since "match" it lost 3 rows',
        ),
        (evolve(LEDGER, rows_now=964), 'since "match" it gained 1 row'),
        (
            evolve(LEDGER, lines=(LEDGER.lines[0], LEDGER.lines[2])),
            'between "ingest" and "match" it lost 20 rows',
        ),
        (evolve(LEDGER, lines=(LedgerLine("closed", 9, 8),)), '"closed" lost 1 row'),
        (
            RowLedger("x", (LedgerLine("a", 3, 5), LedgerLine("b", 1, 1))),
            '"a" gained 2 rows; between "a" and "b" it lost 4 rows',
        ),
    ],
    ids=["now", "too many now", "between", "within", "all of them"],
)
def test_rows_that_are_missing_are_told(ledger: RowLedger, problem: str) -> None:
    """Each place is named, in the text as well."""
    with pytest.raises(LedgerError, match=problem.replace("(", r"\(")):
        ledger.check()

    assert "does not add up: " in str(ledger)


counts = st.integers(0, 50)


@given(st.lists(st.tuples(counts, st.lists(counts, max_size=3), counts), max_size=5), counts)
def test_a_run_whose_counts_follow_adds_up(
    steps: list[tuple[int, list[int], int]], rejected: int
) -> None:
    """Whatever its steps do with rows; one row that goes missing on the way is noticed."""
    rows = 10_000
    file = FileState({"row_count": rows, "rejected_count": rejected}, "ingested/x.parquet")
    states = {}
    for number, (filtered, quarantined, dropped) in enumerate(steps):
        left = rows - filtered - sum(quarantined) - dropped
        reasons = {f"reason {place}": count for place, count in enumerate(quarantined)}
        states[f"s{number}"] = StepState(
            number=number + 1, files={"x": FileRows(rows, left, filtered, reasons)}
        )
        rows = left
    manifest = Manifest("ab12c", "p", date(2026, 1, 5), "", files={"x": file}, steps=states)

    (ledger,) = ledgers_of(manifest, {"x": rows})
    (other,) = ledgers_of(manifest, {"x": rows - 1})

    ledger.check()
    assert ledger.lines[0].rows_in == 10_000 + rejected
    assert 10_000 + rejected - rows == sum(
        ledger.total(kind) for kind in (REJECTED, FILTERED, QUARANTINED, DROPPED)
    )
    assert len(other.problems) == 1


def test_lines_come_in_the_order_of_the_steps() -> None:
    """Of those that began; a step that has added rows says so, and others' files are left out."""
    files = {
        "a": FileState({"row_count": 5}, "ingested/a.parquet"),
        "b": FileState({"row_count": 7}, "ingested/b.parquet"),
    }
    steps = {
        "last": StepState(number=2, files={"a": FileRows(6, 6)}),
        "never": StepState(),
        "first": StepState(number=1, files={"a": FileRows(5, 6)}),
    }
    manifest = Manifest("ab12c", "p", date(2026, 1, 5), "", files=files, steps=steps)

    found, other = ledgers_of(manifest)

    assert [line.stage for line in found.lines] == ["ingest", "first", "last"]
    assert found.lines[1].movements == (Movement(ADDED, 1),)
    assert [line.stage for line in other.lines] == ["ingest"]


@pytest.mark.parametrize(
    "rows_out, said",
    [(8, ""), (10, ", 2 kept"), (9, ", 1 kept"), (13, ", 2 kept, 3 added"), (7, ", 1 dropped")],
)
def test_rows_that_were_set_aside_and_not_taken_out_are_kept(rows_out: int, said: str) -> None:
    """Nobody has added these."""
    rows = FileRows(10, rows_out, quarantined={"no date": 2})
    file = FileState({"row_count": 10}, "ingested/a.parquet")
    steps = {"check": StepState(number=1, files={"a": rows})}
    manifest = Manifest("ab12c", "p", date(2026, 1, 5), "", files={"a": file}, steps=steps)

    (ledger,) = ledgers_of(manifest)

    ledger.check()
    assert str(ledger.lines[1]) == f"check: 10 -> {rows_out}, 2 quarantined: no date{said}"


def test_the_table_has_a_column_for_each_way() -> None:
    """Only for those that were gone; reasons come with their counts, and text is harmless."""
    html = LEDGER._repr_mimebundle_()["text/html"]

    for text in ("rejected", "filtered", "added", "no postcode (6), two &lt;ids&gt; (2)", "963"):
        assert text in html
    assert "dropped" not in html
    assert "does not add up" not in html


def test_the_table_says_what_does_not_add_up() -> None:
    """A file of which nothing is known has no table."""
    html = evolve(LEDGER, rows_now=1)._repr_mimebundle_()["text/html"]
    nothing: dict[str, Any] = RowLedger("x", ())._repr_mimebundle_()

    assert "does not add up: </b>since &quot;match&quot; it lost 962 rows" in html.replace(
        'since "match"', "since &quot;match&quot;"
    )
    assert nothing["text/plain"] == "x: nothing is known"
    assert "<table" not in nothing["text/html"]


def test_a_ledger_is_part_of_the_report_of_a_run() -> None:
    """A stage exhibits it."""
    flow = pypedream.Pipeline("ingest")

    @flow.stage
    def count() -> None:
        LEDGER.exhibit()

    assert "no postcode (6)" in to_report(flow.run())
