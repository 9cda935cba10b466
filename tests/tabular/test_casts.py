from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pypedream.errors import DefinitionError
from pypedream.tabular.casts import cast_of, is_parsed, why_not
from pypedream.tabular.parsing import cast_text


def made(texts: list[str | None], dtype: pl.DataType, written: str | None = None) -> list[Any]:
    """Return what becomes of texts."""
    frame, misfits = cast_text(pl.DataFrame({"x": texts}), {"x": cast_of(dtype, written, "x")})
    values = frame["x"].to_list()
    wrong = [at for at, text in enumerate(texts) if text is not None and values[at] is None]
    assert misfits.get("x", pl.Series([], dtype=pl.UInt32)).to_list() == wrong
    return values


def test_a_date_is_as_in_iso_unless_said_otherwise() -> None:
    """A day that is in no calendar is none, and so is a year of two digits."""
    texts = ["2021-02-03", None, "2021-02-31", "03/02/2021", "21-02-03"]

    assert made(texts, pl.Date()) == [dt.date(2021, 2, 3), None, None, None, None]


def test_a_format_says_how_dates_are_written() -> None:
    """With a format no other way is right."""
    texts = ["03-02-2021", "03-02-21", "2021-02-03"]

    assert made(texts, pl.Date(), "%d-%m-%Y") == [dt.date(2021, 2, 3), None, None]
    assert made(["03/02/21"], pl.Date(), "%d/%m/%y") == [dt.date(2021, 2, 3)]


def test_what_becomes_of_a_cell_does_not_depend_on_others() -> None:
    """Different ways of writing a moment may be in one column."""
    texts = ["2021-02-03T04:05:06.5", "2021-02-03 04:05", "2021-02-03", "4:05"]
    alone = [made([text], pl.Datetime("us"))[0] for text in texts]

    assert made(texts, pl.Datetime("us")) == alone
    assert alone[0] == dt.datetime(2021, 2, 3, 4, 5, 6, 500_000)  # noqa: DTZ001 - without a zone
    assert alone[3] is None


def test_a_moment_with_a_zone_knows_offsets() -> None:
    """An offset is heeded; without one the time is that of the zone, unless that is unclear."""
    texts = ["2021-02-03T04:05:06Z", "2021-02-03T04:05:06+01:00", "2021-07-01 12:00"]
    dtype = pl.Datetime("us", "Europe/Berlin")

    hours = [moment.astimezone(dt.UTC).hour for moment in made(texts, dtype)]

    assert hours == [4, 3, 10]
    assert made(["2021-03-28 02:30", "2021-10-31 02:30"], dtype) == [None, None]


def test_a_decimal_is_exact() -> None:
    """Digits that have no room are a misfit; they are neither cut off nor rounded."""
    texts = ["1.5", "+5", " 5", "-.5", "5.", "1.500", "1.555", "1e3", "99999", "x", "1,5"]

    found = made(texts, pl.Decimal(6, 2))

    assert found[:6] == [Decimal(each) for each in ("1.5", "5", "5", "-0.5", "5", "1.5")]
    assert found[6:] == [None] * 5


def test_times_and_categories() -> None:
    """A time is as in ISO 8601; a category is one that is known."""
    assert made(["13:45:10", "13:45", "25:00"], pl.Time()) == [
        dt.time(13, 45, 10),
        dt.time(13, 45),
        None,
    ]
    assert made(["u", "w", None], pl.Enum(["u", "v"])) == ["u", None, None]


@pytest.mark.parametrize(
    "dtype", [pl.List(pl.Int64), pl.Duration(), pl.Object(), pl.Binary()], ids=str
)
def test_what_text_cannot_become_is_refused(dtype: pl.DataType) -> None:
    """The error names the column and says what to do."""
    with pytest.raises(DefinitionError, match=r'the column "x" is to be .* convert it in a step'):
        cast_of(dtype, None, "x")


def test_numbers_are_parsed() -> None:
    """Whole numbers, numbers, booleans and texts need no cast."""
    assert all(map(is_parsed, [pl.Int8(), pl.UInt64(), pl.Float32(), pl.Boolean(), pl.String()]))
    assert not any(map(is_parsed, [pl.Date(), pl.Decimal(4, 2), pl.Categorical()]))


@pytest.mark.parametrize(
    "text, dtype, reason",
    [
        ("many", pl.Int64(), "is not a whole number (Int64)"),
        ("1.5", pl.Int64(), "is not a whole number (Int64)"),
        ("300", pl.Int8(), "is out of the range of Int8"),
        ("-1", pl.UInt8(), "is out of the range of UInt8"),
        ("5 ", pl.Int8(), "has a blank behind it"),
        ("\xa05", pl.Int8(), "has a blank before it"),
        ("1,234", pl.Float64(), "is not a number (Float64): it has a comma"),
        ("\u0661", pl.Int64(), "is not a whole number (Int64)"),
        ("\u0661.5", pl.Float64(), "is not a number (Float64)"),
        ("1e400", pl.Float64(), "is out of the range of Float64"),
        ("yes", pl.Boolean(), "is not true or false"),
    ],
)
def test_a_misfit_says_why(text: str, dtype: pl.DataType, reason: str) -> None:
    """The reason is as near to the cause as can be."""
    assert why_not(text, dtype, None) == reason
