"""Masks of rows: what was made for some rows is put where those rows are among all."""

from __future__ import annotations

from pypedream.tabular.polars_library import pl

__all__ = ["spread"]


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
