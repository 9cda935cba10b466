from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pypedream.tabular.canonical import (
    BETWEEN,
    canonical,
    canonical_texts,
    has_canonical_form,
    one_text,
)

texts = st.text(alphabet=st.sampled_from(["a", "b", "0", "\x1e", "\x1f", "é", " "]), max_size=4)


@pytest.mark.parametrize(
    "values, dtype, expected",
    [
        ([None, "", " ", "a"], pl.String, ["", "", " ", "a"]),
        ([None, None], pl.Null, ["", ""]),
        (["b", None, "a"], pl.Categorical, ["b", "", "a"]),
        (["b", None, "a"], pl.Enum(["a", "b"]), ["b", "", "a"]),
        ([5, -7, None], pl.Int8, ["5", "-7", ""]),
        ([2**64 - 1, 0], pl.UInt64, ["18446744073709551615", "0"]),
        ([True, False, None], pl.Boolean, ["true", "false", ""]),
        ([5.0, -0.0, 0.1, -2.5, 1e-5], pl.Float64, ["5", "0", "0.1", "-2.5", "1e-05"]),
        ([2.0**53, 1e22, -1e300], pl.Float64, ["9007199254740992", "1e+22", "-1e+300"]),
        ([math.nan, math.inf, -math.inf], pl.Float64, ["nan", "inf", "-inf"]),
        ([0.5, 0.1], pl.Float32, ["0.5", "0.10000000149011612"]),
        ([Decimal("1.50"), Decimal(100), None], pl.Decimal(10, 2), ["1.5", "100", ""]),
        ([date(2026, 9, 1), date(9, 1, 1), None], pl.Date, ["2026-09-01", "0009-01-01", ""]),
        ([time(1, 2)], pl.Time, ["3720000000000"]),
        ([timedelta(seconds=1.5)], pl.Duration("ms"), ["1500000000"]),
        ([b"\x00\xff", None], pl.Binary, ["00ff", ""]),
        ([[1, None], None, []], pl.List(pl.Int64), ["[1,null]", "", "[]"]),
        (
            [{"b": 1.5, "a": "x"}],
            pl.Struct({"b": pl.Float64, "a": pl.String}),
            ['{"a":"x","b":1.5}'],
        ),
    ],
    ids=str,
)
def test_a_value_has_one_text(values: list[Any], dtype: Any, expected: list[str]) -> None:
    """Each type has its form, which is part of what stores hold: it never changes."""
    assert canonical(pl.Series(values, dtype=dtype, strict=False)).to_list() == expected


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_time_does_not_depend_on_its_unit(unit: Any) -> None:
    """A moment has one text, in whatever unit and zone it is kept."""
    moments = pl.Series(["2026-09-01T08:30:00.000", "2026-09-01T08:30:00.500"]).str.to_datetime()
    zoned = pl.Series([datetime(2026, 9, 1, 7, 30, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")

    assert canonical(moments.cast(pl.Datetime(unit))).to_list() == [
        "2026-09-01T08:30:00",
        "2026-09-01T08:30:00.500",
    ]
    assert canonical(zoned.dt.cast_time_unit(unit)).to_list() == ["2026-09-01T07:30:00Z"]


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=30), st.booleans())
@example([0.1, math.nan] * 3 + [1.0, None], False)
def test_floats_are_written_as_python_writes_them(
    values: list[float | None], is_repeated: bool
) -> None:
    """Also where one value comes often; whole numbers are written as integers."""
    values = values * 3 if is_repeated else values

    found = canonical(pl.Series(values, dtype=pl.Float64)).to_list()

    assert found == [_expected(value) for value in values]


def _expected(value: float | None) -> str:
    if value is None:
        return ""
    is_whole = math.isfinite(value) and value == int(value) and abs(value) < 2**53
    return str(int(value)) if is_whole else repr(value).removesuffix(".0")


@given(st.lists(st.tuples(texts, texts), min_size=2, max_size=8))
def test_rows_that_differ_have_different_texts(rows: list[tuple[str, str]]) -> None:
    """Whatever is in the fields, also what stands between them."""
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")

    found = canonical_texts(frame, ["a", "b"]).select(one_text(["a", "b"])).to_series()

    assert found.n_unique() == len(set(rows))
    assert all(text.count(BETWEEN) == 1 for text in found)


def test_a_column_that_is_not_there_is_blank() -> None:
    """A frame of any height gets it."""
    frame = pl.DataFrame({"a": ["x", "y"]})

    assert canonical_texts(frame, ["b"]).rows() == [("",), ("",)]
    assert canonical_texts(frame.clear(), ["b", "a"]).shape == (0, 2)


@pytest.mark.parametrize("name", ["*", "^a.*$", "", " ", "a (b)", "=a", "é\x1f"])
def test_a_column_may_have_any_name(name: str) -> None:
    """Also one by which polars would choose several columns."""
    frame = pl.DataFrame({"a": ["x"], name: ["y"], "az": ["z"]})

    found = canonical_texts(frame, [name, "a"]).select(one_text([name, "a"]))

    assert found.item() == f"y{BETWEEN}x"


def test_objects_of_python_have_no_form() -> None:
    """They may be anything."""
    assert not has_canonical_form(pl.Series([object()], dtype=pl.Object).dtype)
    assert has_canonical_form(pl.Series([1]).dtype)
