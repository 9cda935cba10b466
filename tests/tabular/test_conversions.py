from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pypedream.errors import DefinitionError
from pypedream.tabular.conversions import converted

NOON = dt.datetime(2024, 7, 1, 12)  # noqa: DTZ001 - without a zone
MIDNIGHT = dt.datetime(2024, 7, 1)  # noqa: DTZ001
DAY = dt.date(2024, 7, 1)
BERLIN = pl.Datetime("us", "Europe/Berlin")
SUMMER = dt.timezone(dt.timedelta(hours=2))
CENTS = pl.Decimal(10, 2)
DIGITS = pl.Enum(["1", "2"])

CASES: dict[str, tuple[list[Any], Any, list[Any]]] = {
    "a part of a number": ([1.0, 1.5, float("nan"), None], pl.Int64(), [1, None, None, None]),
    "out of range": ([1, 300, -1], pl.UInt8(), [1, None, None]),
    "infinite": ([1e40, float("inf")], pl.Float32(), [None, float("inf")]),
    "no bool": ([0, 1, 2], pl.Boolean(), [False, True, None]),
    "parts of a cent": ([1.25, 1.255], CENTS, [Decimal("1.25"), None]),
    "digits that go": ([Decimal("1.255"), Decimal("2.500")], CENTS, [None, Decimal("2.50")]),
    "a part of a decimal": ([Decimal("1.5"), Decimal("2.0")], pl.Int64(), [None, 2]),
    "a time of a day": ([MIDNIGHT, NOON], pl.Date(), [DAY, None]),
    "a day at midnight": ([DAY], pl.Datetime("us"), [MIDNIGHT]),
    "a number is no day": ([45_000], pl.Date(), [None]),
    "a number is no moment": ([45_000], pl.Datetime("us"), [None]),
    "a number is no time": ([45_000], pl.Time(), [None]),
    "a day is no number": ([DAY], pl.Int64(), [None]),
    "a moment is no time": ([NOON], pl.Time(), [None]),
    "a time where it is": ([NOON], BERLIN, [NOON.replace(tzinfo=SUMMER)]),
    "a number is no place": ([1, 2, 3], DIGITS, ["1", "2", None]),
    "a category by its text": ([7], pl.Categorical(), ["7"]),
    "text": ([True, None], pl.String(), ["true", None]),
    "nothing": ([None], pl.Int64(), [None]),
    "text in a file": (["1", "1.5", " 2", "x"], pl.Int64(), [1, None, 2, None]),
}


@pytest.mark.parametrize("values, dtype, expected", CASES.values(), ids=CASES)
def test_a_value_is_the_same_one_or_is_none(
    values: list[Any], dtype: pl.DataType, expected: list[Any]
) -> None:
    """Nothing is cut, and no number is taken for a day or for the place of a category."""
    made = converted(pl.Series("a", values, strict=False), dtype)

    assert (made.name, made.dtype) == ("a", dtype)
    assert made.to_list() == expected


def test_a_day_begins_at_midnight_of_its_own_zone() -> None:
    """Which is another hour elsewhere."""
    moments = pl.Series("a", [MIDNIGHT, NOON, None]).dt.replace_time_zone("Europe/Berlin")

    assert converted(moments, pl.Date()).to_list() == [DAY, None, None]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("to", [None, "Europe/Berlin", "UTC"])
def test_a_moment_is_not_cut(zone: str | None, to: str | None) -> None:
    """One that is finer than the schema is not the same one there, nor one that has no room."""
    second = 1_000_000_000
    fine = pl.Series("a", [second, second + 1, None], dtype=pl.Datetime("ns", zone))
    far = pl.Series("a", [10**15, 10**12], dtype=pl.Datetime("ms", zone))

    for unit in ("us", "ms"):
        made = converted(fine, pl.Datetime(unit, to))
        assert made.dtype == pl.Datetime(unit, to)
        assert made.is_null().to_list() == [False, True, True]
    assert converted(far, pl.Datetime("ns", to)).is_null().to_list() == [True, False]
    assert converted(far, pl.Datetime("us", to)).is_null().to_list() == [False, False]


def test_what_cannot_be_converted_at_all_is_told() -> None:
    """With the column, as it is the function that has to make it otherwise."""
    with pytest.raises(DefinitionError, match="is Binary, which cannot become String"):
        converted(pl.Series("a", [b"\xff"]), pl.String())
