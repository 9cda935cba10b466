from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.tabular.row_masks import spread


@given(st.lists(st.booleans(), max_size=20))
def test_what_was_made_for_some_rows_comes_where_they_are(mask: list[bool]) -> None:
    """Elsewhere are nulls, and the type stays."""
    where = pl.Series(mask, dtype=pl.Boolean)
    made = pl.Series(range(sum(mask)), dtype=pl.UInt8)

    found = spread(made, where)

    assert found.dtype == pl.UInt8
    assert [value for value in found.to_list() if value is not None] == made.to_list()
    assert [value is not None for value in found.to_list()] == mask


@pytest.mark.parametrize("dtype", [pl.Binary, pl.String, pl.Boolean], ids=str)
def test_nothing_made_is_nulls(dtype) -> None:
    """A type that has no rows yet stays as well."""
    found = spread(pl.Series([], dtype=dtype), pl.Series([False, False]))

    assert found.to_list() == [None, None]
    assert found.dtype == dtype
