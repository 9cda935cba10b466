"""Whole rules: what is only known when all rows are, such as that a key is unique.

That rows are unique is seen by their hashes, which are kept while rows go by: if all of these
differ, so do the rows. Only where two are equal the rows themselves are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from pypedream.tabular.findings import Tally
from pypedream.tabular.parquet_files import scan
from pypedream.tabular.polars_library import pl
from pypedream.tabular.rules import plain

if TYPE_CHECKING:
    from pathlib import Path

    from pypedream.tabular.rules import WholeRule

__all__ = ["Broken", "Hashes", "broken_by"]

_PARTS = 4


@frozen
class Broken:
    """What does not fulfil a rule for all rows.

    Attributes
    ----------
    rows
        Indexes of rows; None if the table as a whole does not.
    """

    rule: WholeRule
    rows: pl.Series | None
    tally: Tally


@define
class Hashes:
    """The hashes of the rows that have gone by, for one rule."""

    columns: tuple[str, ...]
    _parts: list[pl.Series] = field(factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Take the rows of a frame."""
        columns = [_comparable(frame[name]) for name in self.columns]
        keys = pl.DataFrame(columns).to_struct() if len(columns) > 1 else columns[0]
        self._parts.append(keys.hash())

    def all_differ(self) -> bool:
        """Say whether no two are equal."""
        if not self._parts:
            return True
        step = (1 << 64) // _PARTS
        for low in range(0, 1 << 64, step):  # to sort all of them at once takes more memory
            some = pl.concat(
                [each.filter((each >= low) & (each <= low + step - 1)) for each in self._parts]
            ).sort()
            if (some[1:] == some[:-1]).any():
                return False
        return True


def _comparable(column: pl.Series) -> pl.Series:
    """Return a column whose equal values have equal hashes in every frame.

    Before polars 2 a category is hashed as the number that it has in its own frame.
    """
    return column.cast(pl.String) if isinstance(column.dtype, pl.Categorical) else column


def broken_by(
    rule: WholeRule, hashes: Hashes | None, path: Path, rows: int
) -> tuple[Tally, Broken | None]:
    """Return how a rule fared with the rows of a file of Parquet.

    Raises
    ------
    Exception
        What a check of the user raises; a note says which check it was.
    """
    tally = Tally(rule.name, rule.column)
    wrong = _repeated(rule, hashes, path) if rule.check is None else _failing(rule, path, rows)
    if isinstance(wrong, bool):
        tally.add(1, int(not wrong))
        return tally, None if wrong else Broken(rule, None, tally)
    tally.add(rows, wrong.len())
    return tally, Broken(rule, wrong, tally) if wrong.len() else None


def _repeated(rule: WholeRule, hashes: Hashes | None, path: Path) -> pl.Series:
    if hashes is None or hashes.all_differ():
        return pl.Series([], dtype=pl.UInt32)
    names = {name: plain(name) for name in rule.columns}
    frame = scan(path).rename(names).select(list(names.values())).collect()
    return frame.is_duplicated().arg_true()


def _failing(rule: WholeRule, path: Path, rows: int) -> pl.Series | bool:
    """Return the rows that a check does not accept, or whether it accepts the table."""
    try:
        result = rule.check(scan(path), rule.column)
        output: Any = result.check_output
        found = output.collect() if isinstance(output, pl.LazyFrame) else output
    except Exception as error:
        about = f'the column "{rule.column}"' if rule.column else "the table"
        error.add_note(f'the check "{rule.name}" of {about} raised this')
        raise
    held = found.to_series().fill_null(value=bool(rule.check.ignore_na))
    if held.len() != rows or (rows == 1 and result.failure_cases is None):
        return bool(held.all())
    return (~held).arg_true()
