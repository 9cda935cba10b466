"""Canonical forms: the one text that a value has, whatever its type and whoever wrote it.

Digests of rows are made of these texts and kept for years. So they depend on no version of polars
or of anything else: what libraries write in their own way (a float, a time) is written here.

========================  ================================================================
null, ``""``              ``""``: both are blank
``5``, ``5.0``, ``"5"``   ``"5"``: a column may change its type
``0.1``, ``1e22``         the shortest text that is read as the same number, as Python has it
``True``                  ``"true"``
a date                    ``"2026-09-01"``
a time of a day           ``"2026-09-01T08:30:00"``, with a fraction if there is one; a time zone
                          makes it ``"2026-09-01T07:30:00Z"``
``Decimal("1.50")``       ``"1.5"``
bytes                     their hexadecimal digits
a list or a struct        JSON
========================  ================================================================
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pypedream.tabular.polars_library import pl
from pypedream.tabular.row_masks import spread

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BETWEEN", "canonical", "canonical_texts", "has_canonical_form", "one_text"]

BETWEEN = "\x1f"
"""What is between two fields of a row; within a field it is written otherwise."""

_ESCAPE = "\x1e"
_SPECIAL = f"[{_ESCAPE}{BETWEEN}]"
_WHOLE = 2.0**53  # from here on a float says nothing of ones
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_NESTED = (pl.List, pl.Array, pl.Struct)


def has_canonical_form(dtype: pl.DataType) -> bool:
    """Say whether values of a type have a canonical form; objects of Python have none."""
    return dtype not in (pl.Object, pl.Unknown)


def canonical(values: pl.Series) -> pl.Series:
    """Return the canonical form of each value.

    Returns
    -------
    Series of strings, as long as *values* and without nulls.

    Examples
    --------
    >>> canonical(pl.Series([5.0, 0.1, 1e22, None])).to_list()
    ['5', '0.1', '1e+22', '']
    """
    return canonical_texts(values.to_frame("values"), ["values"]).to_series()


def canonical_texts(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return the canonical forms of some columns, so that `one_text` can put them together.

    Parameters
    ----------
    names
        The columns; one that is not in *frame* counts as blank.
    """
    height, there = frame.height, set(frame.columns)
    blank = pl.repeat("", height, dtype=pl.String, eager=True)
    columns = pl.DataFrame(
        [(frame[name] if name in there else blank).alias(_plain(name)) for name in names]
    )
    texts = columns.select(_text(values) for values in columns)
    return texts.with_columns(
        pl.col(values.name)
        .str.replace_all(_ESCAPE, f"{_ESCAPE}0", literal=True)
        .str.replace_all(BETWEEN, f"{_ESCAPE}1", literal=True)
        for values in columns
        if isinstance(values.dtype, _TEXTS) and texts[values.name].str.contains(_SPECIAL).any()
    )


def one_text(names: Iterable[str]) -> pl.Expr:
    """Return the text of a row of `canonical_texts`; rows that differ have different ones."""
    return pl.concat_str([pl.col(_plain(name)) for name in names], separator=BETWEEN)


def _plain(name: str) -> str:
    """Return a name that polars takes for nothing else: "*" would be all columns."""
    return f"={name}"


def _text(values: pl.Series) -> pl.Expr:
    """Return the texts of a column; what polars does not write the same for ever is made here."""
    dtype, column = values.dtype, pl.col(values.name)
    if dtype.is_float():
        text = pl.lit(_of_floats(values.cast(pl.Float64)))
    elif isinstance(dtype, _NESTED):
        text = pl.lit(_of_nested(values))
    elif isinstance(dtype, pl.Decimal):
        text = _without_zeros(column.cast(pl.String))
    elif dtype == pl.Boolean:
        text = pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false"))
    elif dtype == pl.Binary:
        text = column.bin.encode("hex")
    else:
        text = _of_time(column, dtype) if dtype.is_temporal() else column.cast(pl.String)
    return text.fill_null("").alias(values.name)


def _of_time(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return column.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Duration):
        return column.dt.total_nanoseconds().cast(pl.String)
    if not isinstance(dtype, pl.Datetime):  # a time without a day counts its nanoseconds
        return column.cast(pl.Int64).cast(pl.String)
    if dtype.time_zone is None:
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
    in_utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return pl.concat_str([in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.f"), pl.lit("Z")])


def _without_zeros(text: pl.Expr) -> pl.Expr:
    shorter = text.str.strip_chars_end("0").str.strip_chars_end(".")
    return pl.when(text.str.contains(".", literal=True)).then(shorter).otherwise(text)


def _of_floats(values: pl.Series) -> pl.Series:
    """Return the texts of floats: whole numbers as those of integers, others as Python's."""
    is_whole = ((values == values.floor()) & (values.abs() < _WHOLE)).fill_null(value=True)
    others = values.filter(~is_whole)
    whole = values.set(~is_whole, None).cast(pl.Int64).cast(pl.String)
    if others.is_empty():
        return whole
    texts = spread(_reprs(others), ~is_whole)
    return pl.select(pl.coalesce(pl.lit(whole), pl.lit(texts))).to_series()


def _reprs(floats: pl.Series) -> pl.Series:
    """Return what Python writes for floats; asking it costs much, so each is asked for once."""
    if floats.n_unique() * 2 > floats.len():
        return _each_repr(floats)
    once = floats.unique()
    return floats.replace_strict(once, _each_repr(once), return_dtype=pl.String)


def _each_repr(floats: pl.Series) -> pl.Series:
    texts = [repr(value).removesuffix(".0") for value in floats.to_list()]
    return pl.Series(texts, dtype=pl.String)


def _of_nested(values: pl.Series) -> pl.Series:
    texts = [None if value is None else _as_json(value) for value in values.to_list()]
    return pl.Series(values.name, texts, dtype=pl.String)


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
