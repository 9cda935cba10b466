"""Casts: how text becomes a value of the dtype that the schema asks for.

Nothing is guessed from other rows, so what becomes of a cell depends on that cell alone. Numbers
and booleans are read by the parser of CSV itself; other dtypes are made from text, in the ways
listed here, and a text that has none of these forms is null afterwards.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import DefinitionError
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cast", "cast_of", "is_parsed", "modern", "why_not"]

_DATES = ("%Y-%m-%d",)
_TIMES = ("%H:%M:%S%.f", "%H:%M")
_WHOLE_SECONDS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_MOMENTS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
_OFFSET = "%#z"
_PLAIN = re.compile(r"(?:%[YmdbyHMS]|[^%])*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_FIRST_YEAR = 1000  # "%Y" takes the two digits of 03-02-21 for a year of the Romans


@frozen
class Cast:
    """How a column of text becomes one of another dtype.

    Attributes
    ----------
    ways
        Functions from an expression of text to one of *dtype*; null where they do not fit. A cell
        takes the first that fits it.
    described
        What a text should have been, for the reason that is told.
    """

    dtype: pl.DataType
    ways: tuple[Callable[[pl.Expr], pl.Expr], ...]
    described: str


def is_parsed(dtype: pl.DataType) -> bool:
    """Say whether the parser of CSV makes this dtype from text in the same way everywhere."""
    return isinstance(dtype, (pl.String, pl.Boolean)) or dtype.is_integer() or dtype.is_float()


def why_not(text: str, dtype: pl.DataType, cast: Cast | None) -> str:
    """Return what is wrong with a text that did not become a value of *dtype*.

    Examples
    --------
    >>> why_not("many", pl.Int64(), None)
    'is not a whole number (Int64)'
    >>> why_not("300", pl.Int8(), None)
    'is out of the range of Int8'
    """
    plain = text.strip()
    if dtype.is_integer() and _WHOLE.fullmatch(plain):
        if plain == text:
            return f"is out of the range of {dtype}"
        return f"has a blank {'behind' if text != text.rstrip() else 'before'} it"
    if dtype.is_float() and _NUMBER.fullmatch(plain) and plain == text:
        return f"is out of the range of {dtype}"
    if dtype.is_numeric() and "," in plain:
        return f"is not {_described(dtype, cast)}: it has a comma"
    return f"is not {_described(dtype, cast)}"


def _described(dtype: pl.DataType, cast: Cast | None) -> str:
    if cast is not None:
        return cast.described
    if dtype.is_integer():
        return f"a whole number ({dtype})"
    return f"a number ({dtype})" if dtype.is_float() else "true or false"


def cast_of(dtype: pl.DataType, written: str | None, column: str) -> Cast:
    """Return how text becomes *dtype*.

    Parameters
    ----------
    dtype
        One that `is_parsed` says no to.
    written
        The format of dates and times that the user gave for this column.
    column
        Its name, for the error.

    Raises
    ------
    DefinitionError
        If text cannot become that.
    """
    if isinstance(dtype, pl.Date):
        return Cast(dtype, _each(_date, written, _DATES), f"a date as {written or '2024-01-31'}")
    if isinstance(dtype, pl.Datetime):
        return _moment_cast(dtype, written)
    if isinstance(dtype, pl.Time):
        return Cast(dtype, _each(_time, written, _TIMES), f"a time as {written or '13:45:00'}")
    if isinstance(dtype, pl.Decimal):
        return Cast(dtype, (_decimal(dtype),), f"a decimal number ({dtype})")
    if isinstance(dtype, (pl.Enum, pl.Categorical)):
        known = "one of the categories" if isinstance(dtype, pl.Enum) else "a category"
        return Cast(dtype, (lambda text: text.cast(dtype, strict=False),), known)
    raise DefinitionError(
        f'the column "{column}" is to be {dtype}, which a cell of text cannot become:'
        " read it as text and convert it in a step"
    )


def _each(
    way: Callable[[str], Callable[[pl.Expr], pl.Expr]], written: str | None, usual: tuple[str, ...]
) -> tuple[Callable[[pl.Expr], pl.Expr], ...]:
    return tuple(way(form) for form in ((written,) if written else usual))


def _is_dear(form: str) -> bool:
    """Say whether it pays to remember what has become of a text.

    What polars reads digit by digit is read again faster than it is looked up.
    """
    return not _PLAIN.fullmatch(form)


def _date(form: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.to_date(form, strict=False, cache=_is_dear(form))


def _time(form: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.to_time(form, strict=False)


def modern(made: pl.Series) -> pl.Series:
    """Return a column without dates of years with less than four digits."""
    earliest = made.min() if isinstance(made.dtype, (pl.Date, pl.Datetime)) else None
    if earliest is None or earliest.year >= _FIRST_YEAR:  # type: ignore[union-attr]
        return made
    is_modern = made.dt.year() >= _FIRST_YEAR
    both = pl.DataFrame({"made": made, "is_modern": is_modern})
    return both.select(pl.when("is_modern").then("made").alias("made")).to_series()


def _moment_cast(dtype: pl.Datetime, written: str | None) -> Cast:
    # a text without a part of a second has the same value in both, and is read faster without
    forms = (written,) if written else (*_WHOLE_SECONDS, *_MOMENTS)
    ways = [_moment(form, dtype) for form in forms]
    if dtype.time_zone and not written:
        ways = [_moment(f"{form}{_OFFSET}", dtype) for form in _MOMENTS[:-1]] + ways
    return Cast(dtype, tuple(ways), f"a date and time as {written or '2024-01-31T13:45:00'}")


def _moment(form: str, dtype: pl.Datetime) -> Callable[[pl.Expr], pl.Expr]:
    has_offset = "%z" in form or _OFFSET in form
    unit, zone = dtype.time_unit, dtype.time_zone

    def made(text: pl.Expr) -> pl.Expr:
        moment = text.str.to_datetime(form, time_unit=unit, strict=False, cache=_is_dear(form))
        if has_offset:
            return moment.dt.convert_time_zone(zone) if zone else moment.dt.replace_time_zone(None)
        if zone:  # in the hour that is skipped or comes twice there is no telling
            return moment.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
        return moment

    return made


def _decimal(dtype: pl.Decimal) -> Callable[[pl.Expr], pl.Expr]:
    # Versions of polars differ in signs, exponents and what they do with digits that have no room.
    digits = rf"^ *[+-]?(?:\d+(?:\.\d{{0,{dtype.scale}}}0*)?|\.\d{{1,{max(1, dtype.scale)}}}0*)$"

    def made(text: pl.Expr) -> pl.Expr:
        plain = text.str.strip_chars_start(" ").str.strip_prefix("+")
        return pl.when(text.str.contains(digits)).then(plain).cast(dtype, strict=False)

    return made
