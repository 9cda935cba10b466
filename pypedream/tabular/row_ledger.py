"""Ledger: where each row of a file went, from the source to what there is now.

Every line begins with the rows that the line before it ended with, and says what became of those
that it did not pass on: rejected at ingest, filtered, quarantined with a reason, or dropped by a
step that gave none. So no row gets lost without a word, and none comes from nowhere.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream._lazy import shown_as
from pypedream.errors import LedgerError
from pypedream.log.displayed import exhibit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.tabular.manifest import FileRows, Manifest

__all__ = ["LedgerLine", "Movement", "MovementKind", "RowLedger", "ledgers_of"]

INGEST = "ingest"


class MovementKind(StrEnum):
    """Where rows went that a stage did not pass on, or that it passed on nevertheless or added.

    Rows that a step set aside and left in its file are kept. Rows that it added in place of them
    cannot be told from these, and count as such.
    """

    REJECTED = "rejected"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"
    KEPT = "kept"
    DROPPED = "dropped"
    ADDED = "added"

    @property
    def is_gain(self) -> bool:
        """Whether there are more rows by it, not fewer."""
        return self in (MovementKind.KEPT, MovementKind.ADDED)


@frozen
class Movement:
    """Some rows that went one way.

    Attributes
    ----------
    reason
        Why, if somebody said so.
    """

    kind: MovementKind
    rows: int
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.rows:,} {self.kind}{f': {self.reason}' if self.reason else ''}"


@frozen
class LedgerLine:
    """One stage of a file: the rows it got, the rows it passed on, and what became of the others.

    Examples
    --------
    >>> line = LedgerLine("closed", 990, 970, (Movement(MovementKind.FILTERED, 20),))
    >>> line.unexplained, str(line)
    (0, 'closed: 990 -> 970, 20 filtered')
    """

    stage: str
    rows_in: int
    rows_out: int
    movements: tuple[Movement, ...] = ()

    @property
    def unexplained(self) -> int:
        """How many rows are missing without a word; below 0 if there are too many."""
        moved = (-one.rows if one.kind.is_gain else one.rows for one in self.movements)
        return self.rows_in - self.rows_out - sum(moved)

    def __str__(self) -> str:
        said = "".join(f", {movement}" for movement in self.movements)
        return f"{self.stage}: {self.rows_in:,} -> {self.rows_out:,}{said}"


@frozen
class RowLedger:
    """All lines of one file, in the order in which its stages were carried out.

    Attributes
    ----------
    rows_now
        How many rows the file has by itself; None if nobody has looked.

    Examples
    --------
    >>> ledger = RowLedger(
    ...     "schools",
    ...     (
    ...         LedgerLine("ingest", 1_000, 990, (Movement(MovementKind.REJECTED, 10),)),
    ...         LedgerLine("closed", 990, 970, (Movement(MovementKind.FILTERED, 20),)),
    ...     ),
    ... )
    >>> ledger.check()
    >>> print(ledger)
    schools: 1,000 rows in the source, 970 now
      ingest: 1,000 -> 990, 10 rejected
      closed: 990 -> 970, 20 filtered
    """

    file: str
    lines: tuple[LedgerLine, ...]
    rows_now: int | None = None

    @property
    def headline(self) -> str:
        """How many rows there were and are, in one line."""
        if not self.lines:
            return f"{self.file}: nothing is known"
        now = self.lines[-1].rows_out if self.rows_now is None else self.rows_now
        return f"{self.file}: {self.lines[0].rows_in:,} rows in the source, {now:,} now"

    @property
    def problems(self) -> tuple[str, ...]:
        """Where a count does not follow from the one before."""
        return tuple(self._problems())

    def total(self, kind: MovementKind) -> int:
        """Return how many rows went one way, in all lines together."""
        return sum(one.rows for line in self.lines for one in line.movements if one.kind is kind)

    def check(self) -> None:
        """Refuse a ledger that does not balance.

        Raises
        ------
        LedgerError
            If rows are missing or too many anywhere; names each place.
        """
        if self.problems:
            raise LedgerError(
                f'the rows of "{self.file}" do not add up: {"; ".join(self.problems)}'
            )

    def exhibit(self) -> None:
        """Show the ledger with the stage that is running, and in the report of its run."""
        exhibit(lambda: shown_as(self))

    def __str__(self) -> str:
        wrong = (f"does not add up: {problem}" for problem in self.problems)
        return "\n  ".join([self.headline, *map(str, self.lines), *wrong])

    def _problems(self) -> Iterator[str]:
        for line in self.lines:
            if line.unexplained:
                yield f'"{line.stage}" {_missing(line.unexplained)}'
        for before, line in pairwise(self.lines):
            gone = before.rows_out - line.rows_in
            if gone:
                yield f'between "{before.stage}" and "{line.stage}" it {_missing(gone)}'
        if self.rows_now is not None and self.lines:
            gone = self.lines[-1].rows_out - self.rows_now
            if gone:
                yield f'since "{self.lines[-1].stage}" it {_missing(gone)}'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)


def ledgers_of(
    manifest: Manifest, rows_now: Mapping[str, int] | None = None
) -> tuple[RowLedger, ...]:
    """Return the ledger of each file of a run.

    Parameters
    ----------
    rows_now
        How many rows files have by themselves, to be compared with what the run says.
    """
    begun = [(name, state) for name, state in manifest.steps.items() if state.number]
    steps = sorted(begun, key=lambda each: each[1].number)
    ledgers = []
    for name, file in manifest.files.items():
        lines = [_of_ingest(file.record)]
        lines += [_of_step(step, state.files[name]) for step, state in steps if name in state.files]
        ledgers.append(RowLedger(name, tuple(lines), (rows_now or {}).get(name)))
    return tuple(ledgers)


def _of_ingest(record: Mapping[str, Any]) -> LedgerLine:
    rows, rejected = record["row_count"], record.get("rejected_count", 0)
    return LedgerLine(INGEST, rows + rejected, rows, _some(MovementKind.REJECTED, rejected))


def _of_step(step_id: str, rows: FileRows) -> LedgerLine:
    quarantined = (
        movement
        for reason, count in rows.quarantined.items()
        for movement in _some(MovementKind.QUARANTINED, count, reason)
    )
    gained = max(-rows.dropped, 0)
    kept = min(gained, sum(rows.quarantined.values()))
    movements = (
        *_some(MovementKind.FILTERED, rows.filtered),
        *quarantined,
        *_some(MovementKind.KEPT, kept),
        *_some(MovementKind.DROPPED, max(rows.dropped, 0)),
        *_some(MovementKind.ADDED, gained - kept),
    )
    return LedgerLine(step_id, rows.rows_in, rows.rows_out, movements)


def _some(kind: MovementKind, rows: int, reason: str = "") -> tuple[Movement, ...]:
    return (Movement(kind, rows, reason),) if rows else ()


def _missing(count: int) -> str:
    rows = "1 row" if abs(count) == 1 else f"{abs(count):,} rows"
    return f"lost {rows}" if count > 0 else f"gained {rows}"
