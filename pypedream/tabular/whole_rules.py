"""Whole rules: what is only known when all rows are, such as that a key is unique.

That rows are unique is seen by one number for each, which is kept while rows go by: the value of
its key where that is a number, and otherwise a hash. If all of these differ, so do the rows. Only
where two are equal the rows themselves are compared.
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

__all__ = ["Broken", "Numbers", "broken_by"]

_PARTS = 4
_ARE_NUMBERS = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32),
    *(pl.Date, pl.Datetime),
)


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
class Numbers:
    """The numbers of the rows that have gone by, for one rule."""

    columns: tuple[str, ...]
    _parts: list[pl.Series] = field(factory=list)
    _null_count: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take the rows of a frame."""
        numbers = _numbers(frame, self.columns)
        self._null_count += numbers.null_count()
        self._parts.append(numbers.drop_nulls())

    def all_differ(self) -> bool:
        """Say whether no two are equal."""
        if self._null_count > 1:
            return False
        ends: list[Any] = [each for part in self._parts for each in (part.min(), part.max())]
        known = [each for each in ends if each is not None]
        if not known:
            return True
        low, high = min(known), max(known)
        step = (high - low) // _PARTS + 1
        # to sort all of them at once takes more memory
        return all(
            self._differ(each, min(each + step - 1, high)) for each in range(low, high + 1, step)
        )

    def _differ(self, low: int, high: int) -> bool:
        some = pl.concat(
            [part.filter((part >= low) & (part <= high)) for part in self._parts]
        ).sort()
        return not (some[1:] == some[:-1]).any()


def _numbers(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """Return a number for each row, the same for equal rows; null where a key is missing.

    A key that is a number stays one: most files are in its order, or nearly, and to sort what is
    in order takes next to no time.
    """
    keys = [_comparable(frame[name]) for name in columns]
    if len(keys) > 1:
        return pl.DataFrame(keys).to_struct().hash()
    [key] = keys
    return key.cast(pl.Int64) if isinstance(key.dtype, _ARE_NUMBERS) else key.hash()


def _comparable(column: pl.Series) -> pl.Series:
    """Return a column whose equal values have equal hashes in every frame.

    Before polars 2 a category is hashed as the number that it has in its own frame.
    """
    return column.cast(pl.String) if isinstance(column.dtype, pl.Categorical) else column


def broken_by(
    rule: WholeRule, numbers: Numbers | None, path: Path, rows: int
) -> tuple[Tally, Broken | None]:
    """Return how a rule fared with the rows of a file of Parquet.

    Raises
    ------
    Exception
        What a check of the user raises; a note says which check it was.
    """
    tally = Tally(rule.name, rule.column)
    wrong = _repeated(rule, numbers, path) if rule.check is None else _failing(rule, path, rows)
    if isinstance(wrong, bool):
        tally.add(1, int(not wrong))
        return tally, None if wrong else Broken(rule, None, tally)
    tally.add(rows, wrong.len())
    return tally, Broken(rule, wrong, tally) if wrong.len() else None


def _repeated(rule: WholeRule, numbers: Numbers | None, path: Path) -> pl.Series:
    if numbers is None or numbers.all_differ():
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
