from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.tabular import row_masks
from pypedream.tabular.row_masks import split, spread


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


@given(st.lists(st.booleans(), max_size=20), st.sampled_from(["", "a text that is long"]))
def test_rows_go_two_ways_and_are_as_they_were(mask: list[bool], text: str) -> None:
    """Few or many, with long texts or without, also within other values."""
    texts = [f"{text}{at}" for at in range(len(mask))]
    frame = pl.DataFrame(
        {
            "text": texts,
            "raw": [each.encode() for each in texts],
            "words": [[each, None] for each in texts],
            "place": [{"town": each, "x": 1.5} for each in texts],
            "kind": pl.Series(texts, dtype=pl.Categorical),
            "number": range(len(mask)),
        },
        schema_overrides={"words": pl.List(pl.String)},
    )

    stay, go = split(frame, pl.Series(mask, dtype=pl.Boolean))

    assert stay.equals(frame[[at for at, goes in enumerate(mask) if not goes]])
    assert go.equals(frame[[at for at, goes in enumerate(mask) if goes]])
    assert stay.schema == go.schema == frame.schema


FEW_OF_MANY = """
import resource
import polars as pl
from pypedream.tabular.row_masks import split
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
texts = pl.select(t=pl.int_range(40_000).cast(pl.String).str.zfill(200))
goes, few, peaks = pl.select(pl.int_range(40_000) == 7).to_series(), [], []
for at in range(30):
    few.append(split(texts.with_columns(pl.col("t") + str(at)), goes)[1])
    peaks.append(peak())
print(peaks[-1] / peaks[3])
"""


def test_few_rows_do_not_hold_the_texts_of_all_in_memory() -> None:
    """One of each of thirty frames of 8 MB is held."""
    done = subprocess.run(
        [sys.executable, "-c", FEW_OF_MANY],
        env={**os.environ, "PYTHONPATH": str(Path(row_masks.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert float(done.stdout) < 1.5
