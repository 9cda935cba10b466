"""Conversions: a column that a function of the user made gets the dtype of the schema.

A value is right if it is the same one there: 2.0 may be a whole number, 1.5 may not, and no number
is a day. Text is read as in a file.
"""

from __future__ import annotations

from typing import Any

from pypedream.errors import DefinitionError
from pypedream.tabular.casts import is_parsed
from pypedream.tabular.parsing import finite
from pypedream.tabular.polars_library import pl

__all__ = ["converted"]


def converted(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return a column with another dtype; what cannot be the same value there is null.

    Raises
    ------
    DefinitionError
        If nothing of its dtype can be converted.
    """
    try:
        return _text(column, dtype) if column.dtype == pl.String else _value(column, dtype)
    except pl.exceptions.PolarsError as error:
        raise DefinitionError(
            f'the column "{column.name}" that preprocess returned is {column.dtype},'
            f" which cannot become {dtype}"
        ) from error


def _text(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    if not is_parsed(dtype):
        return column.cast(dtype, strict=False)
    # by the parser of CSV, so that a text becomes what it becomes in a file
    data = column.to_frame("a").write_csv(quote_style="always", null_value="")
    options: dict[str, Any] = {"schema_overrides": {"a": dtype}, "infer_schema": False}
    read = pl.read_csv(data.encode(), ignore_errors=True, null_values=[""], **options)
    return finite(read.to_series().rename(column.name), column)


def _value(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    given = column.dtype
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        # by its text: a number would be taken for the place of a category
        return column.cast(pl.String).cast(dtype, strict=False)
    if not isinstance(given, pl.Null) and _kind(given) != _kind(dtype):
        return pl.Series(column.name, [None] * column.len(), dtype=dtype)
    if isinstance(dtype, pl.Datetime):
        return _moments(column, dtype)
    if isinstance(given, pl.Datetime):
        column = column.dt.replace_time_zone(None)  # a day begins at midnight where it is said
    return _cast(column, dtype)


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return a column with another dtype; null is what is not the same there."""
    made = column.cast(dtype, strict=False)
    both = pl.DataFrame({"made": made, "is_same": _are_same(made, column)})
    return both.select(pl.when("is_same").then("made").alias(column.name)).to_series()


def _kind(dtype: pl.DataType) -> object:
    """Return what dtypes have in common whose values may be the same ones."""
    if dtype.is_numeric() or isinstance(dtype, pl.Boolean):
        return "number"
    return "day" if isinstance(dtype, (pl.Date, pl.Datetime)) else type(dtype)


def _moments(column: pl.Series, dtype: pl.Datetime) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        column = _cast(column, pl.Datetime(dtype.time_unit, column.dtype.time_zone))
    if not dtype.time_zone or getattr(column.dtype, "time_zone", None):
        return column.cast(dtype, strict=False)
    # as of a text without a zone
    plain = column.cast(pl.Datetime(dtype.time_unit), strict=False)
    return plain.dt.replace_time_zone(dtype.time_zone, ambiguous="null", non_existent="null")


def _are_same(made: pl.Series, given: pl.Series) -> pl.Series:
    if made.dtype.is_float():
        return made.is_finite() | ~given.cast(pl.Float64).is_finite()
    return made.cast(given.dtype, strict=False) == given
