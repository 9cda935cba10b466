"""pandas.csv keeps the index in an ordinary CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import get

pandas = pytest.importorskip("pandas")
CSV = get("pandas.csv")

INDEXES = {
    "count": lambda: pandas.RangeIndex(3),
    "range": lambda: pandas.RangeIndex(2, 8, 2, name="n"),
    "numbers": lambda: pandas.Index([3, 1, 2]),
    "named numbers": lambda: pandas.Index([3, 1, 2], name="id"),
    "floats": lambda: pandas.Index([0.1, 1e300, -0.5], name="x"),
    "text": lambda: pandas.Index(["01", "x,y", 'say "hi"\n'], name="code"),
    "dates": lambda: pandas.DatetimeIndex(["2020-01-01", "2020-03-04 05:06:07.000001", "2021"]),
    "zone": lambda: pandas.date_range("2020-10-25", periods=3, freq="h", tz="Europe/Berlin"),
    "durations": lambda: pandas.to_timedelta([1, 90, 10**6], unit="s").rename("took"),
    "categories": lambda: pandas.CategoricalIndex(["x", "y", "x"], name="k"),
    "small numbers": lambda: pandas.Index([1, 2, 3], dtype="int8", name="a: b"),
    "numbers called by a colon": lambda: pandas.Index([1, 2, 3], name="a: b"),
    "fixed offset": lambda: pandas.DatetimeIndex(
        ["2020-01-01", "2020-01-03", "2021-01-01"]
    ).tz_localize("+01:30"),
    "levels": lambda: pandas.MultiIndex.from_tuples(
        [("01", 1), ("01", 2), ("02", 1)], names=["site", None]
    ),
    "levels without names": lambda: pandas.MultiIndex.from_product([[1], [3, 2, 1]]),
}


@pytest.mark.parametrize("make", INDEXES.values(), ids=INDEXES)
def test_the_index_comes_back(tmp_path: Path, make: Any) -> None:
    """Values, names, dtypes and time zones of an index are in the headers of its columns."""
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": [0.1, 0.2, 0.3]}, index=make())
    CSV.dump(frame, tmp_path / "x.csv")

    back = CSV.load(tmp_path / "x.csv")
    pandas.testing.assert_frame_equal(back, frame, check_freq=False, check_categorical=False)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.csv"]


def test_the_file_is_an_ordinary_csv_file(tmp_path: Path) -> None:
    """Any program reads it; the brackets tell a person which columns are the index."""
    frame = pandas.DataFrame({"a": [1]}, index=pandas.Index(["x"], name="id", dtype="object"))
    CSV.dump(frame, tmp_path / "x.csv")

    assert (tmp_path / "x.csv").read_text() == "[id: object],a\nx,1\n"


def test_an_index_that_counts_is_not_written(tmp_path: Path) -> None:
    """Without an index of its own a frame is written as any program writes it."""
    CSV.dump(pandas.DataFrame({"a": [1, 2]}), tmp_path / "x.csv")

    assert (tmp_path / "x.csv").read_text() == "a\n1\n2\n"


@pytest.mark.parametrize(
    "column",
    [["2020-01-01"], ["01"], ["NA"], [""], [1.0, None, 3]],
    ids=["date", "code", "NA", "empty", "none"],
)
def test_a_column_that_will_change_is_said(tmp_path: Path, column: list[Any]) -> None:
    """What a CSV file cannot keep is named when it is written, not found out later."""
    series = pandas.Series(column)
    if column == ["2020-01-01"]:
        series = pandas.to_datetime(series)
    if len(column) == 3:
        series = series.astype("Float64")
    frame = pandas.DataFrame({"same": series.index, "other": series})

    with pytest.warns(UserWarning, match=r"x\.csv: column 'other' \(.*\) will not come back the"):
        CSV.dump(frame, tmp_path / "x.csv")


def test_options_help_where_guessing_does_not(tmp_path: Path) -> None:
    """Loading takes dtype= and parse_dates=; when saving they spare the warning."""
    frame = pandas.DataFrame({"code": ["01"]}, index=pandas.Index([7]))
    CSV.dump(frame, tmp_path / "x.csv", dtype={"code": "str"}, sep=";")

    back = CSV.load(tmp_path / "x.csv", dtype={"code": "str"}, sep=";")
    pandas.testing.assert_frame_equal(back, frame)


@pytest.mark.parametrize(
    "make,text",
    [
        (lambda: pandas.DataFrame({"[a]": [1]}), r"the name '\[a\]' looks like a mark"),
        (lambda: pandas.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column"),
        (lambda: pandas.DataFrame({"a": [1]}, index=pandas.Index([1], name=3)), "name 3 of the"),
        (lambda: pandas.Series([1]), "a frame is needed, not Series; use feather"),
        (lambda: pandas.DataFrame(index=[1]), "a frame without columns is no CSV"),
    ],
    ids=["mark", "twice", "number", "series", "no columns"],
)
def test_what_would_be_lost_is_refused(tmp_path: Path, make: Any, text: str) -> None:
    """A frame whose index or names cannot be told apart afterwards is not written."""
    with pytest.raises(FormatError, match=text):
        CSV.dump(make(), tmp_path / "x.csv")

    assert list(tmp_path.iterdir()) == []
