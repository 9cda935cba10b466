"""Which rows of a frame are those of another one: each as often as it is there.

Two values are equal as in a join: null equals null, NaN equals NaN, and 0.0 equals -0.0. Hashes
choose the rows that are looked at; what counts is that they are equal.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import FilterValidationError
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Hashes", "mask_of"]

_ROW, _COUNT, _PLACE = "__row", "__count", "__place"
_PART_ROWS = 1 << 16
_BITS = 1 << 23


@frozen(eq=False)
class Hashes:
    """Hashes of rows, to tell whether others may be among them, in little more memory than theirs.

    A table of them would be made anew for each part that is asked for. They are sorted instead,
    and to look for one takes longer: so first of all a bit says of most others that they are not
    there.

    Attributes
    ----------
    columns
        The first ones, as many as tell the rows from each other; only these are hashed.
    """

    columns: list[str]
    _sorted: pl.Series
    _bits: pl.Series

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Hashes:
        """Return the hashes of rows, of which there is at least one.

        Raises
        ------
        polars.exceptions.PolarsError
            If there is a type that has no hash.
        """
        width, is_told_apart = 0, False
        while width < rows.width and not is_told_apart:
            width = max(2 * width, 1)
            columns = rows.columns[:width]
            hashes = [part.hash_rows() for part in _parts(rows.select(columns))]
            in_order = pl.concat(hashes).sort()
            is_told_apart = not _has_equal(in_order)
        bits = pl.repeat(value=False, n=_BITS, eager=True)
        for each in hashes:
            bits = bits.scatter((each % _BITS).unique().sort(), True)  # polars 1.30 wants it so
        return cls(columns, in_order, bits)

    def have(self, rows: pl.DataFrame) -> pl.Series:
        """Say of each row whether its hash is among them; only *columns* are looked at."""
        parts = _parts(rows.select(self.columns))
        return pl.concat([self._have(part.hash_rows()) for part in parts])

    def _have(self, hashes: pl.Series) -> pl.Series:
        may_be = self._bits.gather(hashes % _BITS)
        some = hashes.filter(may_be)
        places = self._sorted.search_sorted(some).clip(0, self._sorted.len() - 1)
        return may_be.scatter(may_be.arg_true(), self._sorted.gather(places) == some)


def _parts(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield rows in parts: of large ones polars holds much in memory while it is at work."""
    for start in range(0, max(rows.height, 1), _PART_ROWS):
        yield rows.slice(start, _PART_ROWS)


def _has_equal(in_order: pl.Series) -> bool:
    """Say whether a number is there twice."""
    starts = range(0, in_order.len(), _PART_ROWS)
    parts = (in_order.slice(start, _PART_ROWS + 1) for start in starts)  # and the next one's first
    return any((part.slice(1) == part.head(part.len() - 1)).any() for part in parts)


def mask_of(removed: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
    """Return for each row of *frame* whether it is one of *removed*, in whatever order these are.

    Of equal rows the last ones are taken, as whoever removes repeated rows keeps the first.

    Parameters
    ----------
    removed
        Rows with the same columns, of the same types.

    Raises
    ------
    FilterValidationError
        If it has a row that *frame* has not, or one more often.
    """
    candidates = frame.with_row_index(_PLACE)
    with suppress(pl.exceptions.PolarsError):  # where a type has no hash, all rows are
        candidates = candidates.filter(Hashes.of(removed).have(frame))
    places = _places(removed, candidates)
    if places.len() != removed.height:
        raise FilterValidationError(_which(removed, candidates))
    return pl.select(pl.int_range(frame.height).is_in(places.implode())).to_series()


def _places(removed: pl.DataFrame, near: pl.DataFrame) -> pl.Series:
    names = removed.columns
    counts = removed.group_by(names).agg(pl.len().alias(_COUNT))
    found = near.join(counts, on=names, how="inner", nulls_equal=True)
    after_it = pl.int_range(pl.len() - 1, -1, -1).over(names, order_by=_PLACE)
    return found.filter(after_it < pl.col(_COUNT))[_PLACE].sort()


def _which(removed: pl.DataFrame, near: pl.DataFrame) -> str:
    """Say which rows are not there, or not as often."""
    names = removed.columns
    asked = removed.group_by(names, maintain_order=True).agg(pl.len().alias(_COUNT))
    there = near.drop(_PLACE).group_by(names).agg(pl.len().alias(_ROW))
    both = asked.join(there, on=names, how="left", nulls_equal=True, maintain_order="left")
    wrong = both.filter(pl.col(_COUNT) > pl.col(_ROW).fill_null(0))
    first = wrong.row(0, named=True)
    count, has = first.pop(_COUNT), first.pop(_ROW) or 0
    row = ", ".join(f"{name}={value!r:.40}" for name, value in list(first.items())[:6])
    more = f", and {wrong.height - 1:,} others" if wrong.height > 1 else ""
    return f"the file has this row {has} times, and {count} were returned: {row}{more}"
