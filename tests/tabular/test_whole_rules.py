from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.tabular.whole_rules import Numbers

WHOLE = {
    pl.Int64: st.sampled_from([-(2**63), -1, 0, 1, 7, 2**63 - 1]),
    pl.UInt64: st.sampled_from([0, 1, 2**63, 2**64 - 1]),
    pl.Int8: st.sampled_from([-128, 0, 127]),
    pl.Date: st.sampled_from([dt.date(1969, 12, 31), dt.date(1970, 1, 1), dt.date(2999, 1, 1)]),
    pl.String: st.sampled_from(["", "a", "b"]),
    pl.Categorical: st.sampled_from(["a", "b", "c"]),
    pl.Boolean: st.booleans(),
}
COLUMNS = st.sampled_from(list(WHOLE)).flatmap(
    lambda dtype: st.lists(WHOLE[dtype] | st.none(), max_size=6).map(
        lambda values: pl.DataFrame({"a": pl.Series(values, dtype=dtype)})
    )
)


def numbers_of(frame: pl.DataFrame, size: int, columns: tuple[str, ...]) -> Numbers:
    """Return the numbers of the rows of a frame that went by in parts, each a frame of its own."""
    numbers = Numbers(columns)
    for start in range(0, frame.height, size):
        numbers.add(pl.DataFrame(frame[start : start + size].rows(), frame.schema, orient="row"))
    return numbers


@given(frame=COLUMNS, size=st.integers(1, 6), is_joint=st.booleans())
def test_rows_differ_if_no_two_are_equal(frame: pl.DataFrame, size: int, is_joint: bool) -> None:
    """Whatever their dtype, wherever parts end, and with one null at most."""
    frame = frame.with_columns(b=pl.lit("x"))
    columns = ("a", "b") if is_joint else ("a",)

    found = numbers_of(frame, size, columns).all_differ()

    assert found == (len(set(frame.rows())) == frame.height)


@pytest.mark.parametrize("step", [1, -1, 7_919])
def test_keys_may_be_in_any_order(step: int) -> None:
    """The first and the last of many are seen to be equal as well."""
    values: list[Any] = [at * step % 100_003 for at in range(100_003)]

    assert numbers_of(pl.DataFrame({"a": values}), 10_000, ("a",)).all_differ()
    twice = pl.DataFrame({"a": [*values, values[0]]})
    assert not numbers_of(twice, 10_000, ("a",)).all_differ()
