"""Which rows of a frame are those of another one: each as often as it is there.

Two values are equal as in a join: null equals null, NaN equals NaN, and 0.0 equals -0.0. Hashes
choose the rows that are looked at; what counts is that they are equal.
"""

from __future__ import annotations

from pypedream.errors import FilterValidationError
from pypedream.tabular.polars_library import pl

__all__ = ["mask_of"]

_ROW, _COUNT, _PLACE = "__row", "__count", "__place"
_SLAB_ROWS = 262_144
_HASHED_ROWS = 1 << 19


def mask_of(removed: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
    """Return for each row of *frame* whether it is one of *removed*.

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
    near = _near(removed, frame)
    if near is not None and _is_all_of(removed, frame, near):
        return near
    numbered = frame.with_row_index(_PLACE)
    candidates = numbered if near is None else numbered.filter(near)
    places = _places(removed, candidates)
    if places.len() != removed.height:
        raise FilterValidationError(_which(removed, candidates))
    return pl.select(pl.int_range(frame.height).is_in(places.implode())).to_series()


def _near(removed: pl.DataFrame, frame: pl.DataFrame) -> pl.Series | None:
    """Return which rows of *frame* may be among *removed*; None if hashes cannot tell."""
    try:
        wanted = removed.hash_rows().implode()
        starts = range(0, max(frame.height, 1), _HASHED_ROWS)
        parts = (frame.slice(start, _HASHED_ROWS) for start in starts)
        return pl.concat([part.hash_rows().is_in(wanted) for part in parts])
    except pl.exceptions.PolarsError:  # there is a type that has no hash
        return None


def _is_all_of(removed: pl.DataFrame, frame: pl.DataFrame, near: pl.Series) -> bool:
    """Say whether *removed* is all rows that may be among it, in order, as it mostly is.

    It is looked at in parts: another copy of all of them would take much memory.
    """
    if near.sum() != removed.height:
        return False
    start = 0
    for first in range(0, frame.height, _SLAB_ROWS):
        part = frame.slice(first, _SLAB_ROWS).filter(near.slice(first, _SLAB_ROWS))
        if not part.equals(removed.slice(start, part.height), null_equal=True):
            return False
        start += part.height
    return True


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
