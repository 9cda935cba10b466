"""Feather and Parquet give back frames with dtypes, index and names."""

from __future__ import annotations

import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import FormatError
from pypedream.formats import Feather, Parquet, get, pick_serializer

pandas = pytest.importorskip("pandas")
numpy = pytest.importorskip("numpy")
pytest.importorskip("pyarrow")
extra = pytest.importorskip("hypothesis.extra.pandas")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

reuse = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EARLY, LATE = (datetime.datetime(year, 1, 1) for year in (1700, 2200))  # noqa: DTZ001
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NAMES = st.lists(TEXT, min_size=1, max_size=4, unique=True)
FORMATS = pytest.mark.parametrize(
    "loader", [Feather(), Parquet(), Feather(compression="zstd")], ids=repr
)


def check(back: Any, value: Any) -> None:
    """Fail unless all is the same: values, dtypes, index with its step, names, attributes."""
    assert type(back) is type(value)
    assert type(back.index) is type(value.index)
    same = pandas.testing.assert_frame_equal if value.ndim > 1 else None
    same = same or pandas.testing.assert_series_equal
    same(back, value, check_exact=True, check_index_type="exact", check_freq=True)
    assert back.attrs == value.attrs


def column(draw: st.DrawFn, rows: int) -> Any:
    """A column of any of the dtypes that people have."""
    times = st.datetimes(EARLY, LATE) | st.none()
    values, dtype = draw(
        st.sampled_from(
            [
                (st.integers(-(2**63), 2**63 - 1), "int64"),
                (st.integers(0, 255), "uint8"),
                (st.floats(), "float64"),
                (st.floats(width=32), "float32"),
                (st.booleans(), "bool"),
                (TEXT, "string"),
                (TEXT | st.none(), "string"),
                (st.integers(-128, 127) | st.none(), "Int8"),
                (st.booleans() | st.none(), "boolean"),
                (times, "datetime64[ns]"),
                (times, "datetime64[us]"),
                (times.map(lambda t: t and t.replace(microsecond=0)), "datetime64[s]"),
                (times, "datetime64[us, Europe/Berlin]"),
                (times, "datetime64[ns, UTC]"),
                (st.timedeltas(datetime.timedelta(-99), datetime.timedelta(99)), "timedelta64[ns]"),
                (st.sampled_from(["x", "y", None]), pandas.CategoricalDtype(["y", "x", "z"])),
                (st.sampled_from([2, 1]), pandas.CategoricalDtype([2, 1], ordered=True)),
            ]
        )
    )
    drawn = draw(st.lists(values, min_size=rows, max_size=rows))
    series = pandas.Series(drawn, dtype=object)
    if "Berlin" in str(dtype) or "UTC" in str(dtype):
        return pandas.to_datetime(series, utc=True).astype("datetime64[us, UTC]").astype(dtype)
    if str(dtype).startswith("datetime64"):
        return pandas.to_datetime(series.astype("datetime64[us]")).astype(dtype)
    return series.astype(dtype)


@st.composite
def frames(draw: st.DrawFn) -> Any:
    """Frames of several columns with each kind of index."""
    rows = draw(st.integers(0, 4))
    names = draw(NAMES)
    frame = pandas.DataFrame({name: column(draw, rows) for name in names})
    kind = draw(st.sampled_from(["count", "range", "numbers", "dates", "days", "levels", "column"]))
    name = draw(st.none() | TEXT)
    if kind == "range":
        frame.index = pandas.RangeIndex(3, 3 + 2 * rows, 2, name=name)
    elif kind == "numbers":
        frame.index = pandas.Index(range(rows, 0, -1), dtype="int32", name=name)
    elif kind == "dates":
        frame.index = pandas.date_range("2020-03-29", periods=rows, tz="Europe/Berlin", name=name)
    elif kind == "days":
        frame.index = pandas.timedelta_range("1 day", periods=rows, freq="36h", name=name)
    elif kind == "levels":
        levels = [["a", "b"] * 2, [1, 1, 2, 2]]
        frame.index = pandas.MultiIndex.from_arrays(
            [one[:rows] for one in levels], names=["k", name]
        )
    elif kind == "column":
        frame.index = pandas.Index(column(draw, rows), name=name)
    return frame


@FORMATS
@reuse
@given(frame=frames())
def test_a_frame_comes_back_as_it_was(loader: Any, tmp_path: Path, frame: Any) -> None:
    """load(save(x)) is x: values, dtypes, categories, time zones, index, names."""
    loader.save(frame, tmp_path / "x")

    check(loader.load(tmp_path / "x"), frame)


@reuse
@given(frame=frames())
def test_what_is_picked_gives_back_the_frame(tmp_path: Path, frame: Any) -> None:
    """Whatever pick_serializer chooses keeps all; for such frames it chooses feather."""
    name = pick_serializer(frame)
    get(name).dump(frame, tmp_path / "x")

    assert name == "feather"
    check(get(name).load(tmp_path / "x"), frame)


def with_attributes() -> Any:
    frame = pandas.DataFrame({"a": [1]})
    frame.attrs["unit"] = "m"
    return frame


SPECIAL = {
    "numbers as names": lambda: pandas.DataFrame([[1, 2]], columns=[10, 20]),
    "counted names": lambda: pandas.DataFrame([[1, 2], [3, 4]]),
    "dates as names": lambda: pandas.DataFrame(
        [[1, 2]], columns=pandas.DatetimeIndex(["2020-01-01", "2020-01-05"])
    ),
    "names in levels": lambda: pandas.DataFrame(
        [[1, 2]], columns=pandas.MultiIndex.from_tuples([("a", "x"), ("b", "y")], names=["p", "q"])
    ),
    "name of the names": lambda: pandas.DataFrame({"a": [1]}).rename_axis(columns="kind"),
    "periods": lambda: pandas.DataFrame({"a": pandas.period_range("2020", periods=2, freq="M")}),
    "intervals": lambda: pandas.DataFrame({"a": pandas.interval_range(0, 2)}),
    "attributes": with_attributes,
    "empty": pandas.DataFrame,
    "no columns": lambda: pandas.DataFrame(index=[3, 1]),
    "no rows": lambda: pandas.DataFrame({"a": pandas.array([], dtype="Int8")}),
    "objects that are text": lambda: pandas.DataFrame(
        {"a": pandas.Series(["x", "y"], dtype=object)}
    ),
    "dates of Arrow": lambda: pandas.DataFrame(
        {"a": pandas.array([datetime.date(2020, 1, 1), None], dtype="date32[pyarrow]")}
    ),
    "series": lambda: pandas.Series([1.5, 2], name="x", index=pandas.Index(["a", "b"], name="k")),
    "series without name": lambda: pandas.Series([1, 2], dtype="int8"),
    "series called by a number": lambda: pandas.Series(["x"], name=3),
    "series called like its index": lambda: pandas.Series([1], name="k").rename_axis("k"),
}
KEPT_BY_PICKLE = {
    "names of two types": lambda: pandas.DataFrame([[1, 2]], columns=[1, "a"]),
    "twice the same name": lambda: pandas.DataFrame([[1, 2]], columns=["a", "a"]),
    "lists": lambda: pandas.DataFrame({"a": [[1], [2, 3]]}),
    "objects": lambda: pandas.DataFrame({"a": pandas.Series([1, "x"], dtype=object)}),
    "complex": lambda: pandas.DataFrame({"a": [1j]}),
    "sparse": lambda: pandas.DataFrame({"a": pandas.arrays.SparseArray([0, 1])}),
    "a late object": lambda: pandas.DataFrame(
        {"a": pandas.Series(["x"] * 500 + [None], dtype=object)}
    ),
    "subclass": lambda: Subclass({"a": [1]}),
    "series called by a date": lambda: pandas.Series([1], name=pandas.Timestamp("2020")),
}


class Subclass(pandas.DataFrame):  # type: ignore[misc]
    @property
    def _constructor(self) -> Any:
        return Subclass


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_special_frames_come_back_as_they_were(tmp_path: Path, make: Any) -> None:
    """Names that are no text, dtypes of extensions and series are kept as well."""
    value = make()
    for loader in (Feather(), Parquet()):
        loader.save(value, tmp_path / "x")
        check(loader.load(tmp_path / "x"), value)

    name = pick_serializer(value)
    get(name).dump(value, tmp_path / "y")
    check(get(name).load(tmp_path / "y"), value)


@pytest.mark.parametrize("make", KEPT_BY_PICKLE.values(), ids=KEPT_BY_PICKLE)
def test_what_arrow_lacks_is_picked_a_pickle(tmp_path: Path, make: Any) -> None:
    """Nothing is lost for want of a format: a pickle keeps it."""
    value = make()

    assert pick_serializer(value) == "pickle"
    get("pickle").dump(value, tmp_path / "x")
    check(get("pickle").load(tmp_path / "x"), value)


@pytest.mark.parametrize(
    "columns,text",
    [
        (["a", "b", "a"], "more than one column is called 'a': rename all but one"),
        ([1, "a", "b"], "names of columns are of several types: make all of them text"),
    ],
    ids=["twice", "types"],
)
@FORMATS
def test_names_that_would_not_come_back_are_refused(
    tmp_path: Path, loader: Any, columns: list[Any], text: str
) -> None:
    """The message says which names and what to do; no file is left."""
    frame = pandas.DataFrame([[1, 2, 3]], columns=columns)

    with pytest.raises(FormatError, match=text):
        loader.save(frame, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_other_values_are_refused(tmp_path: Path) -> None:
    """A list is no frame."""
    with pytest.raises(FormatError, match="Feather is for frames and series, not for list"):
        Feather().save([1], tmp_path / "x")


def test_a_frame_is_written_to_an_open_file(tmp_path: Path) -> None:
    """It is, byte for byte, what a path gets."""
    frame = pandas.DataFrame({"a": [1.5, None], "b": ["x", "ü"]}, index=[3, 4])
    file = BytesIO()
    Feather().dump_to(frame, file)
    Feather().save(frame, tmp_path / "x")

    assert file.getvalue() == (tmp_path / "x").read_bytes()
