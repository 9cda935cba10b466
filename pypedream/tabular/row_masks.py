"""Masks of rows: rows go two ways, and what was made for some is put where they are among all."""

from __future__ import annotations

from io import BytesIO

from pypedream.tabular.polars_library import pl

__all__ = ["split", "spread"]

_FEW = 4
_LONGEST_WITHIN = 12


def split(frame: pl.DataFrame, goes: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows where a mask is not true, and those where it is.

    If they are few they have texts of their own: polars copies none, so that one row would hold in
    memory all that was read with it.

    Examples
    --------
    >>> frame = pl.DataFrame({"n": [1, 2, 3]})
    >>> stay, go = split(frame, frame["n"] == 2)
    >>> stay["n"].to_list(), go["n"].to_list()
    ([1, 3], [2])
    """
    return _apart(frame.filter(~goes), frame), _apart(frame.filter(goes), frame)


def spread(values: pl.Series, where: pl.Series) -> pl.Series:
    """Return *values*, one for each row where a mask is true, among nulls for the others.

    Examples
    --------
    >>> spread(pl.Series(["a", "b"]), pl.Series([True, False, True])).to_list()
    ['a', None, 'b']
    """
    if values.len() == where.len():
        return values
    if values.is_empty():
        return pl.Series(values.name, [None] * where.len(), dtype=values.dtype)
    number = where.cum_sum().cast(pl.Int64) - 1
    return values.gather(number.set(~where, None))


def _apart(rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a frame such that they do not hold much more of it than themselves."""
    if rows.height * _FEW > frame.height:
        return rows
    texts = rows.select(each for each in rows.iter_columns() if _may_hold_more(each))
    return rows.with_columns(_copied(texts)) if texts.width else rows


def _may_hold_more(values: pl.Series) -> bool:
    """Say whether there are texts that are not within the column itself, but in another place."""
    if values.dtype == pl.String:
        sizes = values.str.len_bytes()
    elif values.dtype == pl.Binary:
        sizes = values.bin.size()
    else:
        return values.dtype.is_nested()
    return (sizes > _LONGEST_WITHIN).any()


def _copied(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame in memory of its own, which polars makes only of what it reads."""
    file = BytesIO()
    frame.write_ipc(file)
    file.seek(0)
    return pl.read_ipc(file)
